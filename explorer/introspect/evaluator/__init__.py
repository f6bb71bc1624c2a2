"""A safe evaluator: what importing and calling timm's source would compute, without running it.

Its facade is :class:`~explorer.introspect.evaluator.machine.Evaluator`, which executes modules and calls what they
define. What calls led to what is in :class:`~explorer.introspect.evaluator.interface.Context`, what came out is a
:data:`~explorer.introspect.evaluator.values.Value`, and everything that cuts an evaluation short is in
:mod:`~explorer.introspect.evaluator.bounds`. The other modules are its own, each built on those before it: operations
on values, Python's operators and library, classes and instances, torch's modules, expressions, statements.
"""
