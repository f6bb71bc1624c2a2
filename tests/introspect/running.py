"""What Python itself calls: the truth that what is read from source is held against.

Run as a script, it answers a JSON list of sources on stdin with a list of :func:`ran`.
"""

import asyncio
import inspect
import json
import sys
from types import CodeType, FrameType
from typing import Any

_FILE = "<case>"
_FOLDED = ("<lambda>", "<listcomp>", "<genexpr>", "<setcomp>", "<dictcomp>")


def ran(source: str) -> list[str]:
    """The pairs of functions seen while ``f()`` of this source runs, sorted.

    ``a>b`` is a call by ``a`` itself, ``a~b`` one by foreign Python code that ``a`` called. Lambdas and comprehensions
    belong to the function around them; calls of itself and bodies of modules and classes are left out.
    """
    names: dict[str, Any] = {"__name__": "case"}
    exec(compile(source, _FILE, "exec"), names)
    direct: set[tuple[str, str]] = set()
    indirect: set[tuple[str, str]] = set()

    def watch(frame: FrameType, event: str, arg: object) -> None:
        if event != "call" or not _is_function(frame.f_code):
            return
        caller, is_direct = frame.f_back, True
        while caller is not None and caller.f_code.co_filename != _FILE:
            caller, is_direct = caller.f_back, False
        if caller is None or not _is_function(caller.f_code):
            return
        pair = _name(caller.f_code), _name(frame.f_code)
        if pair[0] != pair[1]:
            (direct if is_direct else indirect).add(pair)

    sys.setprofile(watch)
    try:
        result = names["f"]()
        if inspect.iscoroutine(result):
            asyncio.run(result)
    finally:
        sys.setprofile(None)
    return sorted([f"{a}>{b}" for a, b in direct] + [f"{a}~{b}" for a, b in indirect - direct])


def _is_function(code: CodeType) -> bool:
    return code.co_filename == _FILE and bool(code.co_flags & inspect.CO_OPTIMIZED)


def _name(code: CodeType) -> str:
    name = code.co_qualname
    while name.endswith(_FOLDED):
        name = name.rpartition(".")[0].removesuffix(".<locals>")
    return name or "<module>"


if __name__ == "__main__":
    json.dump([ran(source) for source in json.load(sys.stdin)], sys.stdout)
