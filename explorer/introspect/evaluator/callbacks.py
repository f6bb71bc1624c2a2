"""Functions of the packages read, called by code outside them."""

from typing import TYPE_CHECKING, Any

from explorer.introspect.evaluator.values import (
    REST,
    UNKNOWN,
    FunctionValue,
    GiveUp,
    MethodValue,
    OutOfSteps,
    PartialValue,
    Value,
    options_of,
)

if TYPE_CHECKING:
    from explorer.introspect.evaluator.machine import Evaluator


def hand_over(evaluator: "Evaluator", name: str, values: list[Value], line: int) -> None:
    """Foreign code may call the functions that it is given."""
    for value in values:
        for option in options_of(value):
            function = option.function if isinstance(option, PartialValue) else option
            if isinstance(function, (FunctionValue, MethodValue)):
                with evaluator.maybe():
                    attempt(evaluator, option, [REST, UNKNOWN], {REST: UNKNOWN}, line, name)


def attempt(
    evaluator: "Evaluator",
    function: Value,
    args: list[Value],
    keywords: dict[Any, Value],
    line: int,
    through: str | None = None,
) -> Value:
    """Call a function where one that Python would refuse to call is no matter."""
    try:
        return evaluator.call(function, args, keywords, line, through)
    except OutOfSteps:
        raise
    except GiveUp:
        return UNKNOWN
