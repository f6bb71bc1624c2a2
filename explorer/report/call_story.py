"""The story of a trace as an indented tree: one line a call, in order."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

WIDTH = 100
"""Columns that a line is kept to when there is no terminal to ask."""

FOLDED_FROM = 3
"""This many calls in a row of one function from one place are shown as the first of them and a count."""

_LENGTHS = ((36, 40), (24, 24), (14, 20))
"""Letters of an argument's value and of a result: the first of these with which a line fits its width."""

_OVERHANG = 16
"""Columns that a line may be wider for the sake of its first argument."""

_UNCUT = 10_000
_TENSOR = re.compile(r"\b(?:Tensor|Parameter) (\d+(?:×\d+)+)(?: float32|( \w+)) (?:meta|cpu)\b")
_KIND_WORDS = re.compile(r"(?:^|(?<=[(\[{])|(?<=[,:=] ))(?:class|function) (?=\w)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree: the branches before it, the call with its values, and the place it is made at."""

    branches: str
    name: str
    values: str
    place: str

    def __str__(self) -> str:
        return f"{self.branches}{self.name}{self.values}  {self.place}"


def story_lines(
    story: Mapping[str, Any], *, depth: int | None = None, full: bool = False, width: int = WIDTH
) -> list[Line]:
    """The lines of a story.

    Args:
        story: as :mod:`explorer.protocol.trace` describes it.
        depth: levels below the first call to show; all where ``None``.
        full: every call and every argument, uncut, those equal to their default and those that are ``None`` too.
        width: columns to keep a line to, where the call's own name and place leave room.
    """
    writer = _Writer(story["steps"], depth, full, width)
    return [line for index, count in story["roots"] for line in writer.top(index, count)]


class _Writer:
    """Writes one story; a step's calls are written once, and where the same calls come again it says so."""

    def __init__(self, steps: Sequence[Mapping[str, Any]], depth: int | None, full: bool, width: int) -> None:
        self._width = width
        self._steps = steps
        self._depth = depth
        self._full = full
        self._shapes = _shapes(steps)
        self._written: set[int] = set()

    def top(self, index: int, count: int) -> Iterator[Line]:
        yield self._line(_CallRun(index, count), "", "")
        yield from self._below(index, "", 1)

    def _below(self, index: int, indent: str, level: int) -> Iterator[Line]:
        runs = [] if self._is_repeat(index) else self._runs(index)
        if runs and self._depth is not None and level > self._depth:
            calls = sum(run.count for run in runs)
            yield Line(f"{indent}└─ ", "…", "", f"{calls} {'call' if calls == 1 else 'calls'} below")
            return
        for position, run in enumerate(runs):
            is_last = position == len(runs) - 1
            line = "┄ " if self._steps[run.index].get("through") else "─ "
            yield self._line(run, indent + ("└" if is_last else "├"), line)
            yield from self._below(run.index, indent + ("   " if is_last else "│  "), level + 1)
        self._written.add(self._shapes[index])

    def _is_repeat(self, index: int) -> bool:
        """Whether the same calls stand above, and are more than one line."""
        steps = self._steps[index].get("steps", ())
        is_long = len(steps) > 1 or any("steps" in self._steps[child] for child, _ in steps)
        return not self._full and is_long and self._shapes[index] in self._written

    def _runs(self, index: int) -> "list[_CallRun]":
        """What a step calls; many calls in a row of one function from one place are one."""
        runs: list[_CallRun] = []
        for group in _alike(self._steps, self._steps[index].get("steps", ())):
            calls = sum(count for _, count in group)
            if len(group) > 1 and calls >= FOLDED_FROM and not self._full:
                varying = "values" if len({self._shapes[step] for step, _ in group}) == 1 else "calls"
                runs.append(_CallRun(group[0][0], calls, varying))
            else:
                runs += [_CallRun(step, count) for step, count in group]
        return runs

    def _line(self, run: "_CallRun", branch: str, line: str) -> Line:
        step = self._steps[run.index]
        name = step["callee"].partition(":")[2].replace("<locals>.", "")
        if step.get("part"):
            name += f".{step['part']}"
        place = step["at"] + ("  ↑ as above" if self._is_repeat(run.index) else "")
        used = len(f"{branch}{line}{name}()  {place}")
        return Line(branch + line, name, self._values(step, run, name, self._width - used), place)

    def _values(self, step: Mapping[str, Any], run: "_CallRun", name: str, room: int) -> str:
        """Arguments in brackets, result and count, in the room that is left."""
        if self._full:
            arguments = {**step.get("arguments", {}), **step.get("defaults", {})}
            return f"({_joined(arguments, _UNCUT)}){_outcome(step, _UNCUT, str)}{run.times()}"
        arguments = {n: _plain(v) for n, v in _telling(step.get("arguments", {}), name).items()}
        for value_length, result_length in _LENGTHS:
            after = _outcome(step, result_length, _plain) + run.times()
            inside = _joined(arguments, value_length)
            if len(inside) + len(after) <= room:
                break
        else:
            inside = _fitted(arguments, value_length, room - len(after))
        return f"({inside}){after}"


@dataclass(frozen=True, slots=True)
class _CallRun:
    """Calls in a row shown as one: the first, how many, and what the others differ in, where they do."""

    index: int
    count: int
    varying: str = ""

    def times(self) -> str:
        """How many calls there are, where there are several."""
        return f"  ×{self.count}{f', {self.varying} vary' if self.varying else ''}" if self.count > 1 else ""


def _alike(steps: Sequence[Mapping[str, Any]], calls: Sequence[Sequence[int]]) -> list[list[Sequence[int]]]:
    """Calls in a row of the same function from the same place."""
    groups = groupby(calls, key=lambda call: (steps[call[0]]["callee"], steps[call[0]]["at"]))
    return [list(group) for _, group in groups]


def _shapes(steps: Sequence[Mapping[str, Any]]) -> list[int]:
    """Of each step a number that it shares with those of the same function that make the same calls in turn, whatever
    the values."""
    numbers: dict[Any, int] = {}
    shapes: list[int] = []
    for step in steps:
        calls = []
        for shape, group in groupby(step.get("steps", ()), key=lambda call: shapes[call[0]]):
            alike = list(group)
            calls.append((shape, steps[alike[0][0]]["at"], sum(count for _, count in alike)))
        key = (step["callee"], step.get("part"), step.get("through"), "raised" in step, tuple(calls))
        shapes.append(numbers.setdefault(key, len(numbers)))
    return shapes


def _telling(arguments: Mapping[str, str], name: str) -> dict[str, str]:
    """Arguments that say something: not what is ``None``, nor the instance whose class the name tells."""
    own = name.rpartition(".")[0].rpartition(".")[2]
    return {n: v for n, v in arguments.items() if v != "None" and not (n in ("self", "cls") and v.endswith(f" {own}"))}


def _plain(text: str) -> str:
    """A value without what can be told without: that a bare name is a class or function, that sizes are a tensor's."""
    return _KIND_WORDS.sub("", _TENSOR.sub(r"\1\2", text))


def _outcome(step: Mapping[str, Any], length: int, plain: Callable[[str], str]) -> str:
    if "raised" in step:
        return f" raises {_cut(step['raised'], length)}"
    result = f" → {_cut(plain(step['result']), length)}" if "result" in step else ""
    return f"{result}  yields {step['yields']}" if "yields" in step else result


def _joined(arguments: Mapping[str, str], length: int) -> str:
    return ", ".join(f"{name}={_cut(value, length)}" for name, value in arguments.items())


def _fitted(arguments: Mapping[str, str], length: int, room: int) -> str:
    """The first ones, as many as there is room for, and one that takes a little more; ``…`` stands for the others."""
    shown: list[str] = []
    for name, value in arguments.items():
        text = f"{name}={_cut(value, length)}"
        if len(", ".join([*shown, text, "…"])) > (room if shown else room + _OVERHANG):
            break
        shown.append(text)
    return ", ".join([*shown, "…"] if len(shown) < len(arguments) else shown)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip(', …')}…"
