"""Whether a value matches a pattern of a ``match`` statement, and what the pattern binds then."""

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING

from explorer.introspect.evaluator.operations import has_rest, truth_of
from explorer.introspect.evaluator.operators import compare
from explorer.introspect.evaluator.values import ATOMS, UNKNOWN, Choice, Value

if TYPE_CHECKING:
    from explorer.introspect.evaluator.expressions import Expressions

Match = tuple[bool | None, dict[str, Value]]
"""Whether it matches (``None`` when that is not known), and the names bound where it does."""


def match(frame: "Expressions", pattern: ast.pattern, value: Value) -> Match:
    """Hold a value against a pattern; names in it are looked up in ``frame``."""
    match pattern:
        case ast.MatchValue(expression):
            return truth_of(compare(ast.Eq(), value, frame.value(expression))), {}
        case ast.MatchSingleton(constant):
            return truth_of(compare(ast.Is(), value, constant)), {}
        case ast.MatchAs(inner, name):
            matches, bound = match(frame, inner, value) if inner else (True, {})
            return matches, {**bound, name: value} if name else bound
        case ast.MatchOr(patterns):
            return _any(match(frame, one, value) for one in patterns)
        case ast.MatchSequence(patterns) if isinstance(value, (list, tuple)) and not has_rest(value):
            return _sequence(frame, patterns, value)
        case ast.MatchMapping(keys, patterns, rest) if isinstance(value, dict) and not has_rest(value):
            return _mapping(frame, keys, patterns, rest, value)
        case ast.MatchSequence() | ast.MatchMapping() if value.__class__ in ATOMS:
            return False, {}
    return None, _unknown(pattern)


def _any(matches: Iterable[Match]) -> Match:
    bound: dict[str, Value] = {}
    is_open = False
    for matched, names in matches:
        if matched is False:
            continue
        bound.update(names)
        if matched:
            return (None if is_open else True), bound
        is_open = True
    return (None if is_open else False), bound


def _all(matches: Iterable[Match]) -> Match:
    bound: dict[str, Value] = {}
    is_open = False
    for matched, names in matches:
        if matched is False:
            return False, {}
        bound.update(names)
        is_open = is_open or matched is None
    return (None if is_open else True), bound


def _sequence(frame: "Expressions", patterns: list[ast.pattern], value: list[Value] | tuple[Value, ...]) -> Match:
    items = list(value)
    star = next((i for i, one in enumerate(patterns) if isinstance(one, ast.MatchStar)), None)
    if star is None:
        if len(items) != len(patterns):
            return False, {}
        return _all(match(frame, one, item) for one, item in zip(patterns, items, strict=True))
    after = len(patterns) - star - 1
    if len(items) < star + after:
        return False, {}
    end = len(items) - after
    outer = [*patterns[:star], *patterns[star + 1 :]]
    matched, bound = _all(match(frame, one, item) for one, item in zip(outer, items[:star] + items[end:], strict=True))
    name = patterns[star].name  # type: ignore[attr-defined]
    return matched, {**bound, name: items[star:end]} if name else bound


def _mapping(
    frame: "Expressions", keys: list[ast.expr], patterns: list[ast.pattern], rest: str | None, value: dict[Value, Value]
) -> Match:
    known = [frame.value(key) for key in keys]
    if UNKNOWN in known or any(key.__class__ is Choice for key in known):
        return None, {name: UNKNOWN for one in patterns for name in _unknown(one)} | ({rest: UNKNOWN} if rest else {})
    if any(key not in value for key in known):
        return False, {}
    matched, bound = _all(match(frame, one, value[key]) for key, one in zip(known, patterns, strict=True))
    return matched, {**bound, rest: {k: v for k, v in value.items() if k not in known}} if rest else bound


def _unknown(pattern: ast.pattern) -> dict[str, Value]:
    """Every name that a pattern binds, with nothing known of it."""
    names = [getattr(part, field, None) for part in ast.walk(pattern) for field in ("name", "rest")]
    return {name: UNKNOWN for name in names if isinstance(name, str)}
