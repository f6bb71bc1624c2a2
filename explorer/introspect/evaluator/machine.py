"""A safe evaluator of timm's source: what importing and calling timm would compute, without running it.

It follows Python's own order: ``import`` statements execute the imported module's top level, statement by statement,
and calls of timm's functions and classes execute their bodies. Constants, containers, functions, classes and instances
are followed as values; what the source does not settle is :data:`UNKNOWN`, or a :class:`Choice` where an unknown
condition decides between several. Nothing of timm is imported and no ``eval`` is used.

A function is evaluated once for every set of arguments that can be told apart (the *value contexts* of Padhye and
Khedker, 2013); :class:`Context` says what it called there. Contexts that lead to contexts are the call graph.
"""

import ast
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from explorer.introspect.evaluator.activation import Activation
from explorer.introspect.evaluator.bounds import (
    SECONDS_OF_OWN,
    STEPS_PER_BODY,
    STEPS_PER_STATEMENT,
    GiveUp,
    OutOfSteps,
    forget_sizes,
)
from explorer.introspect.evaluator.evaluations import Evaluation, Evaluations, Signature, bind
from explorer.introspect.evaluator.interface import Context, RunState
from explorer.introspect.evaluator.objects import Objects
from explorer.introspect.evaluator.operations import copied, copy_of, taint
from explorer.introspect.evaluator.python_library import call_external
from explorer.introspect.evaluator.statements import Block, Compiler
from explorer.introspect.evaluator.surroundings import machine_constant, names_of_module
from explorer.introspect.evaluator.torch_modules import call_member
from explorer.introspect.evaluator.values import (
    UNKNOWN,
    Choice,
    ClassValue,
    DescriptorValue,
    Environment,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    Keywords,
    MemberValue,
    MethodValue,
    ModuleValue,
    PartialValue,
    StandIn,
    Value,
    join,
    unknown_from,
)
from explorer.introspect.reading.parse import Module

Intrinsic = Callable[[list[Value], Keywords], Value]
"""What stands in for a function of timm: called with evaluated arguments. Where it returns :data:`DECLINED`, the
function is evaluated after it."""

DECLINED = StandIn()

_ENDS = (GiveUp, OutOfSteps, RecursionError, MemoryError)
"""How the evaluation of source that nobody vouches for may end early."""
_CHANGEABLE = (dict, list, set, InstanceValue)


class Evaluator:
    """Executes modules' top levels, and calls what they define.

    Args:
        modules: parsed modules by dotted name.
        intrinsics: stand-ins for functions of timm, by ``module:qualname``.
        packages: the dotted roots, timm's first and then the user's own; names outside them are external.
    """

    def __init__(self, modules: Mapping[str, Module], intrinsics: Mapping[str, Intrinsic], *packages: str) -> None:
        self.state = RunState()
        forget_sizes()
        self.objects = Objects(self)
        self.objects.known_here = machine_constant
        self.evaluated: set[ast.AST] = set()
        """Syntax nodes of the functions that were evaluated at least once."""
        self.modules = modules
        self._intrinsics = intrinsics
        self._stood_in = {name.partition(":")[0] for name in intrinsics}
        """Modules that an intrinsic stands in for a function of: most calls are of others."""
        self._packages = packages
        self._own = frozenset(packages[1:])
        self.environments: dict[str, Environment] = {}
        """The names of the modules that were executed."""
        self._runs = Evaluations()
        self._compiler = Compiler()
        self._compiled: dict[ast.AST, tuple[Signature, Block]] = {}
        """Functions that were evaluated at least once, compiled."""
        self._defined = 0
        """How many functions modules define; those after them are defined inside others, when these run."""

    # modules

    def execute(self, module: str) -> Environment:
        """Execute a module's top level once, its parent packages first; return its names, possibly still growing."""
        done = self.environments.get(module)
        if done is not None:
            return done
        parent, _, name = module.rpartition(".")
        if parent in self.modules:
            self.execute(parent)
            if module in self.environments:
                return self.environments[module]
        environment = self.environments[module] = Environment({"__name__": module})
        state = self.state
        before = state.steps, state.depth, state.uncertain, state.context, state.is_own, state.module
        deadline = state.deadline
        state.context, state.is_own, state.module = None, self.is_own(module), module
        if state.is_own and state.uncertain:
            state.cannot_tell(module, 1, "whether it is imported is not known")
        if state.is_own:
            state.deadline = min(deadline, time.monotonic() + SECONDS_OF_OWN)
            environment.names.update(names_of_module(self, module))
        frame = Activation(self.objects, module, environment)
        for statement in self.modules[module].tree.body:
            state.steps, state.depth, state.uncertain = STEPS_PER_STATEMENT, 0, 0
            try:
                state.check_time()
                self._compiler.statement(statement)(frame)
            except Exception as error:
                self._note(module, statement, error)
                with suppress(GiveUp):
                    frame.give_up(statement)
        state.deadline = deadline
        state.steps, state.depth, state.uncertain, state.context, state.is_own, state.module = before
        if parent in self.environments:
            self.environments[parent].names.setdefault(name, ModuleValue(module))
        return environment

    def _note(self, module: str, node: ast.stmt | ast.expr, error: Exception) -> None:
        """Keep where executing source ended in what nobody foresaw, or took too long; what it binds is unknown."""
        if not isinstance(error, _ENDS):
            self.state.failures[module, node.lineno] = f"{type(error).__name__}: {error}"
        elif isinstance(error, OutOfSteps) and time.monotonic() > self.state.deadline:
            self.state.failures.setdefault((module, 0), "it takes too long to follow")

    def forget(self) -> None:
        """Let go of all that was evaluated.

        Functions and the names they close over hold each other, and with them every syntax tree: left to the garbage
        collector, freeing them would take as long as parsing half of timm.
        """
        self._forget_runs()
        state = self.state
        names: list[Any] = [environment.names for environment in self.environments.values()]
        for held in [*names, state.young, state.frozen, state.functions, state.classes]:
            held.clear()
        self.objects.forget()
        self.modules, self._intrinsics = {}, {}

    def is_internal(self, module: str) -> bool:
        """Whether the module belongs to the packages evaluated."""
        return module.partition(".")[0] in self._packages

    def is_own(self, module: str) -> bool:
        """Whether the module is of the user's own, which stands beside timm."""
        return module.partition(".")[0] in self._own

    def attribute(self, module: str, name: str) -> Value:
        """What ``from module import name`` binds."""
        if not self.is_internal(module):
            return self.objects.external(f"{module}.{name}")
        if module not in self.modules:
            return UNKNOWN
        names = self.execute(module).names
        if name in names:
            return names[name]
        if f"{module}.{name}" in self.modules:
            self.execute(f"{module}.{name}")
            return ModuleValue(f"{module}.{name}")
        return UNKNOWN

    def begin(self) -> None:
        """Forget what was evaluated so far, and hold what modules bind as it is: nothing that follows changes it."""
        if not self.state.frozen:
            for module in self.modules:  # those too that nothing imports
                self.execute(module)
            for cls in self.state.classes:
                self.objects.namespace(cls)
            self._freeze()
            self.state.importing = False
            self._defined = len(self.state.functions)
        del self.state.functions[self._defined :]
        self._forget_runs()
        self.objects.instances.clear()

    def _forget_runs(self) -> None:
        self._runs.clear()
        self._compiled.clear()
        self.evaluated.clear()

    def _freeze(self) -> None:
        scopes = [environment.names for environment in self.environments.values()]
        scopes += [cls.namespace for cls in self.state.classes if cls.namespace]
        scopes += [function.defaults for function in self.state.functions]
        self.state.settled.update(self.state.functions)
        pending = [value for names in scopes for value in names.values()]
        while pending:
            value = pending.pop()
            if value.__class__ in _CHANGEABLE and id(value) not in self.state.frozen:
                self.state.frozen[id(value)] = value
                inner = value.fields if isinstance(value, InstanceValue) else value
                if isinstance(inner, dict):
                    pending += inner.values()
                elif isinstance(inner, (list, set)):
                    pending += inner

    # what lies in classes

    def value_in(self, cls: ClassValue, node: ast.expr) -> Value:
        """Evaluate an expression that stands around a class: a base, a decorator."""
        with self.state.budget(STEPS_PER_BODY):
            try:
                return self._compiler.expression(node)(Activation(self.objects, cls.module, cls.closure))
            except Exception as error:
                self._note(cls.module, node, error)
                return UNKNOWN

    def run_class_body(self, cls: ClassValue, environment: Environment) -> None:
        """Execute the body of a class; the environment holds the names it binds, also while it runs."""
        state = self.state
        before = state.context, state.uncertain
        state.context, state.uncertain = None, 0
        frame = Activation(self.objects, cls.module, environment, None, cls.qualname, cls)
        with state.budget(STEPS_PER_BODY):
            try:
                self._compiler.block(cls.node.body)(frame)
            except Exception as error:
                self._note(cls.module, cls.node, error)
        state.context, state.uncertain = before

    # calls

    def call(
        self,
        function: Value,
        args: list[Value],
        keywords: Keywords,
        line: int = 0,
        through: str | None = None,
    ) -> Value:
        """Call a value; what cannot be followed is unknown.

        Args:
            function: what is called.
            args: positional arguments; :data:`REST` among them stands for any number of those after it.
            keywords: keyword arguments; :data:`REST` among them for any others.
            line: where the call stands.
            through: the foreign code that makes the call, when it is not the function evaluated now.

        Raises:
            GiveUp: Python would raise.
        """
        if function.__class__ is FunctionValue:
            return self.call_function(function, args, keywords, line, through)
        if function.__class__ is MethodValue:
            return self.call_function(function.function, [function.owner, *args], keywords, line, through)
        if function.__class__ is ExternalValue:
            made = call_external(self.objects, function, args, keywords, line)
            return self.state.fresh(made) if isinstance(made, (list, dict, set)) else made
        if function.__class__ is ClassValue:
            return self.objects.construct(function, args, keywords, line, through)
        if function.__class__ is PartialValue:
            given = {**function.keywords, **keywords}
            return self.call(function.function, [*function.args, *args], given, line, through)
        if function.__class__ is MemberValue:
            return call_member(self.objects, function, args, keywords, line)
        if function.__class__ is InstanceValue:
            return self.objects.call_instance(function, args, keywords, line, through)
        if function.__class__ is DescriptorValue:
            return self.call(function.function, args, keywords, line, through)
        if function.__class__ is Choice:
            return self._call_any(function, args, keywords, line, through)
        taint([*args, *keywords.values()])
        return unknown_from(function, *args, *keywords.values())

    def _call_any(self, choice: Choice, args: list[Value], keywords: Keywords, line: int, through: str | None) -> Value:
        results: list[Value] = []
        name = self.state.called_as
        with self.state.maybe():
            for option in choice.options:
                self.state.called_as = name
                try:
                    results.append(self.call(option, args, keywords, line, through))
                except GiveUp:
                    continue
        return join(results)

    def call_function(
        self,
        function: FunctionValue,
        args: list[Value],
        keywords: Keywords,
        line: int,
        through: str | None = None,
        instance: InstanceValue | None = None,
    ) -> Value:
        """Evaluate a function with these arguments, or remember what it did with the same ones.

        With ``instance`` it is the ``__init__`` of that new instance, ``args[0]``; the result is the instance, or an
        earlier one that was made in the same way.
        """
        if function.module in self._stood_in:
            self.state.line = line
            intrinsic = self._intrinsics.get(f"{function.module}:{function.qualname}")
            answer = _stood_in(intrinsic, args, keywords) if intrinsic else DECLINED
            if answer is not DECLINED:
                return answer
        state, runs = self.state, self._runs
        # Importing does each call for what it changes as well: what is called in a loop registers each time.
        runs.lead_to(function)
        is_exact = state.importing and self.is_own(function.module)
        key = None if is_exact else runs.key(function, args, keywords, instance)
        run = runs.recalled(function, key)
        through = through or function.through
        if run is not None:
            state.record(run.context, line, through)
            return run.remembered()
        is_lambda = function.node.__class__ is ast.Lambda and function.node not in state.entrypoints
        qualname = _folded(function.qualname) if is_lambda else function.qualname
        run = Evaluation(Context(f"{function.module}:{qualname}", is_lambda, function.node), instance)
        state.record(run.context, line, through)
        if state.depth >= state.max_depth:
            return run.remembered()
        runs.begin(function, key, run)
        run.result = self._run(function, args, keywords, run)
        run.made = None if instance is None else copy_of(instance)
        runs.keep(key, function, args, keywords, run)
        return copied(run.result)

    def _run(self, function: FunctionValue, args: list[Value], keywords: Keywords, run: Evaluation) -> Value:
        """Evaluate a function one call deeper; what it gives back, or the instance that it fills."""
        state = self.state
        before = state.uncertain, state.context
        state.depth += 1
        state.context = run.context
        state.step()
        self._runs.running.append(function.node)
        try:
            result = self._evaluate(function, args, keywords)
        except GiveUp:
            # A function that fails before it has called anything is taken to refuse its arguments, as Python would.
            if run.instance is None and not run.context.calls:
                raise
            result = UNKNOWN
        finally:
            self._runs.running.pop()
            state.depth -= 1
            state.uncertain, state.context = before
        return result if run.instance is None else run.instance

    def _evaluate(self, function: FunctionValue, args: list[Value], keywords: Keywords) -> Value:
        node = function.node
        compiled = self._compiled.get(node)
        if compiled is None:
            statements: list[ast.stmt] = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
            self._compiler.compares_sizes = False
            compiled = self._compiled[node] = Signature.of(node.args), self._compiler.block(statements)
            if self._compiler.compares_sizes:
                self._runs.depend_on_sizes()
        signature, body = compiled
        self.evaluated.add(node)
        names = bind(signature, function.defaults, args, keywords)
        for extra in (signature.vararg, signature.kwarg):
            if extra:
                self.state.fresh(names[extra])
        frame = Activation(
            self.objects, function.module, Environment(names, function.closure), function, function.qualname
        )
        left = body(frame)
        if frame.yields is not None:
            return InstanceValue(ExternalValue("types.GeneratorType"), items=frame.yields)
        if isinstance(node, ast.AsyncFunctionDef):
            return UNKNOWN
        return join(frame.returns if left else [*frame.returns, None])


def _stood_in(intrinsic: Intrinsic, args: list[Value], keywords: Keywords) -> Value:
    """Call a stand-in; where it fails, so would timm's own function."""
    try:
        return intrinsic(args, keywords)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise GiveUp from error


def _folded(qualname: str) -> str:
    """The qualname of the function that a lambda stands in."""
    while qualname.endswith("<lambda>"):
        qualname = qualname.removesuffix("<lambda>").removesuffix(".").removesuffix(".<locals>")
    return qualname or "<module>"
