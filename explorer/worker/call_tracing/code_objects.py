"""Code objects -> the functions they are of: what these are called, where they are, what their parameters are."""

import inspect
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from explorer.protocol.trace import CallStep
from explorer.worker.call_tracing.short_text import is_exact, short

_PARTS = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>", "<lambda>"})
_MODULE = "<module>"
_SUSPENDABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@dataclass(frozen=True)
class Root:
    """A package whose calls are recorded.

    Args:
        path: its folder, or the file of a module that is no package.
        prefix: put before the paths of its files, which are relative to the folder: ``""`` or ``"name/"``.
    """

    path: Path
    prefix: str = ""

    def relative(self, filename: str) -> str | None:
        """The path of one of its files as recorded, ``None`` for any other file."""
        own = str(self.path)
        if filename == own:
            return self.path.name
        folder = own.rstrip("\\/")
        if not filename.startswith(folder) or filename[len(folder) : len(folder) + 1] not in ("/", "\\"):
            return None
        return self.prefix + filename[len(folder) + 1 :].replace("\\", "/")


class TracedFunction:
    """The code of one function: what it is called, where it is, what its parameters are."""

    __slots__ = ("_code", "_found", "_lines", "file", "id", "is_module", "is_suspendable", "line", "parameters", "part",
                 "star", "stars")  # fmt: skip

    def __init__(self, code: CodeType, module: str, file: str) -> None:
        names = code.co_qualname.split(".")
        self.part = names[-1] if names[-1] in _PARTS else ""
        self.id = f"{module}:{_qualname(names)}"
        self.file = file
        self.line = code.co_firstlineno
        self.is_module = code.co_name == _MODULE
        self.is_suspendable = bool(code.co_flags & _SUSPENDABLE)
        count = code.co_argcount + code.co_kwonlyargcount
        self.parameters = [name for name in code.co_varnames[:count] if not name.startswith(".")]
        extra = iter(code.co_varnames[count:])
        self.star = next(extra) if code.co_flags & inspect.CO_VARARGS else None
        self.stars = next(extra) if code.co_flags & inspect.CO_VARKEYWORDS else None
        self._code = code
        self._found: dict[str, tuple[object, str]] | None = None
        self._lines: dict[int, int] = {}

    def line_of(self, frame: FrameType) -> int:
        """The line that one of its frames is at."""
        line = self._lines.get(frame.f_lasti)
        if line is None:
            line = self._lines[frame.f_lasti] = frame.f_lineno or self.line
        return line

    def describe_arguments(self, frame: FrameType, step: CallStep) -> None:
        """Put the arguments of a call that has just begun into its step, those equal to their default apart."""
        values = frame.f_locals
        defaults = self._defaults(frame)
        for name in self.parameters:
            if name not in values:
                continue
            value = values[name]
            text = short(value)
            default, default_text = defaults.get(name, _NO_DEFAULT)
            is_default = value is default or (
                type(value) is type(default) and text == default_text and is_exact(text, value)
            )
            (step.defaults if is_default else step.arguments)[name] = text
        if self.star and values.get(self.star):
            step.arguments[f"*{self.star}"] = short(values[self.star])
        if self.stars:
            step.arguments |= {name: short(value) for name, value in values.get(self.stars, {}).items()}

    def _defaults(self, frame: FrameType) -> Mapping[str, tuple[object, str]]:
        """Values of parameters with a default, and their texts; empty where the function cannot be found."""
        if self._found is None:
            function = _find(self._code, frame.f_globals)
            values = (function and function.__defaults__) or ()
            positional = self._code.co_varnames[: self._code.co_argcount]
            found = dict(zip(positional[len(positional) - len(values) :], values, strict=True))
            found |= (function and function.__kwdefaults__) or {}
            self._found = {name: (value, short(value)) for name, value in found.items()}
        return self._found


_NO_DEFAULT: tuple[object, str] = (object(), "")


def _qualname(names: list[str]) -> str:
    """A qualified name with the comprehensions, generator expressions and lambdas at its end taken off."""
    kept = len(names)
    while kept and names[kept - 1] in _PARTS:
        kept -= 2 if names[kept - 2 : kept - 1] == ["<locals>"] else 1
    return ".".join(names[:kept]) or _MODULE


def _find(code: CodeType, module: Mapping[str, Any]) -> types.FunctionType | None:
    """The function object that has this code, where its qualified name leads to it."""
    names = code.co_qualname.split(".")
    found: Any = module.get(names[0])
    for name in names[1:]:
        found = type.__dict__["__dict__"].__get__(found).get(name) if issubclass(type(found), type) else None
    for candidate in _functions_in(found):
        if candidate.__code__ is code:
            return candidate
    return None


def _functions_in(value: Any) -> Iterator[types.FunctionType]:
    """A function, and what decorators have hidden in it."""
    if type(value) is property:
        for part in (value.fget, value.fset, value.fdel):
            yield from _functions_in(part)
    elif type(value) in (staticmethod, classmethod):
        yield from _functions_in(value.__func__)
    while type(value) is types.FunctionType:
        yield value
        value = value.__dict__.get("__wrapped__")


class Codes:
    """Code objects of the roots; by identity, as code of different files can be equal."""

    def __init__(self, roots: Sequence[Root]) -> None:
        self._roots = roots
        self._known: dict[int, tuple[TracedFunction | None, CodeType]] = {}

    def function(self, code: CodeType, frame: FrameType) -> TracedFunction | None:
        """The function that a code belongs to, ``None`` where it is foreign."""
        known = self._known.get(id(code))
        if known is None:
            # The code is kept with what is known of it, so that no other is ever given its id.
            known = self._known[id(code)] = (self._look_up(code, frame), code)
        return known[0]

    def known(self, code: CodeType) -> TracedFunction | None:
        """The same, for code that has been met before; ``None`` if it has not."""
        known = self._known.get(id(code))
        return known[0] if known else None

    def _look_up(self, code: CodeType, frame: FrameType) -> TracedFunction | None:
        for root in self._roots:
            file = root.relative(code.co_filename)
            if file is not None:
                function = TracedFunction(code, frame.f_globals.get("__name__", "?"), file)
                is_outside = function.id.endswith(f":{_MODULE}") and not function.is_module
                return None if is_outside else function
        return None
