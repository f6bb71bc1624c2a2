"""Calling something outside the packages read, by its dotted name."""

from typing import TYPE_CHECKING, Any

from explorer.introspect.evaluator.callbacks import hand_over
from explorer.introspect.evaluator.operations import taint
from explorer.introspect.evaluator.pure import BUILTINS, EXTERNALS, call_python
from explorer.introspect.evaluator.python_library import CALLS, HARMLESS, plain_builtin
from explorer.introspect.evaluator.torch_modules import fill
from explorer.introspect.evaluator.values import UNKNOWN, ExternalValue, InstanceValue, Value

if TYPE_CHECKING:
    from explorer.introspect.evaluator.machine import Evaluator


def call(
    evaluator: "Evaluator", function: ExternalValue, args: list[Value], keywords: dict[Any, Value], line: int
) -> Value:
    """Call something external.

    Raises:
        GiveUp: Python would raise.
    """
    name = function.name
    handler = CALLS.get(name)
    if handler is not None:
        return handler(evaluator, args, keywords, line)
    root, _, rest = name.partition(".")
    if root == "builtins":
        if rest in BUILTINS:
            return plain_builtin(evaluator, rest, args, keywords, line)
        return UNKNOWN
    if name in EXTERNALS:
        return call_python(EXTERNALS[name], args, keywords)
    evaluator.record(name, line)
    hand_over(evaluator, name, [*args, *keywords.values()], line)
    if not function.is_class:
        if root not in HARMLESS:
            taint([*args, *keywords.values()])
        return UNKNOWN
    instance = InstanceValue(function)
    if evaluator.uncertain:
        evaluator.young[id(instance)] = (instance, evaluator.uncertain)
    fill(instance, args)
    return instance
