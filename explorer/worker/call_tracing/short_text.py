"""Values as short text, without running any code of theirs.

No ``repr``, ``str``, ``len``, property or ``isinstance`` of an unknown object: its class is asked through ``type``
alone, and what is shown of it is read by the built-in classes' own descriptors. A tensor's content is never read.
"""

import enum
import functools
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

LIMIT = 60
"""Characters of one value, about."""

_DEEPEST = 1
"""Containers this deep inside another still show what they hold."""

_INNER_STRING = 20
"""Characters of a string inside a container."""

_LARGEST_SORTED_SET = 32

_WIDEST_INT_BITS = 128
"""Writing an int out takes time that grows with the square of its length, and from 4,300 digits on Python refuses."""

_mro: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_name: Callable[[type], str] = type.__dict__["__name__"].__get__
_namespace: Callable[[type], Mapping[str, Any]] = type.__dict__["__dict__"].__get__


def short(value: object) -> str:
    """A text of about :data:`LIMIT` characters: ``64``, ``'relu'``, ``[3, 4, 6, 3]``, ``class Bottleneck``,
    ``partial(LayerNorm, eps=1e-06)``, ``Tensor 64×3×7×7 float32 meta``; anything unknown by its class, ``a ResNet``."""
    try:
        text = _text(value, 0)
    except Exception:
        text = _an(type(value))
    return text if len(text) <= LIMIT else f"{text[: LIMIT - 1]}…"


def _text(value: Any, depth: int) -> str:
    cls = type(value)
    writer = _WRITERS.get(cls)
    if writer is not None:
        return writer(value, depth)
    lineage = _mro(cls)
    if type in lineage:
        return f"class {_name(value)}"
    if enum.Enum in lineage:
        return f"{_name(cls)}.{object.__getattribute__(value, '_name_')}"
    torch_text = _of_torch(value, cls, lineage)
    if torch_text is not None:
        return torch_text
    for base in (str, int, float, tuple, list, dict, set, frozenset, functools.partial):
        if base in lineage:
            return f"{_name(cls)} {_WRITERS[base](value, depth)}"
    if cls is _imported("numpy").get("ndarray"):
        return f"ndarray {_shape(value.shape)} {value.dtype}"
    return _an(cls)


def _an(cls: type) -> str:
    name = _name(cls)
    return f"{'an' if name[:1] in 'AEIOaeio' else 'a'} {name}"


def _integer(value: Any, _: int) -> str:
    bits = int.bit_length(value)
    return int.__repr__(value) if bits <= _WIDEST_INT_BITS else f"an int of {bits} bits"


def _string(value: Any, depth: int) -> str:
    text = str.__str__(value)
    room = _INNER_STRING if depth else LIMIT - 2
    return repr(text if len(text) <= room else f"{text[: room - 1]}…")


def _partial(value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        return "partial(…)"
    function, args, keywords = (getattr(functools.partial, n).__get__(value) for n in ("func", "args", "keywords"))
    what = _text(function, depth).removeprefix("class ").removeprefix("function ")
    parts = [what, *(_text(a, depth + 1) for a in args), *(f"{k}={_text(v, depth + 1)}" for k, v in keywords.items())]
    return f"partial({', '.join(parts)})"


def _function(value: Any, _: int) -> str:
    name = value.__qualname__.rpartition("<locals>.")[2]
    return "a lambda" if name.endswith("<lambda>") else f"function {name}"


def _method(value: Any, depth: int) -> str:
    return _text(value.__func__, depth).replace("function ", "method ", 1)


def _items(brackets: str, texts: Iterator[str], count: int, depth: int) -> str:
    """The first items, as many as there is room for, and how many more there are."""
    opening, closing = brackets[0], brackets[1]
    if not count:
        return brackets
    if depth > _DEEPEST:
        return f"{opening}…{closing}"
    shown: list[str] = []
    room = (LIMIT if depth == 0 else LIMIT // 2) - 2
    for text in texts:
        left = count - len(shown)
        reserve = len(f", … {left} more") if left > 1 else 0
        if len(text) + reserve > room and shown:
            return f"{opening}{', '.join(shown)}, … {left} more{closing}"
        shown.append(text)
        room -= len(text) + 2
    return f"{opening}{', '.join(shown)}{closing}"


def _sequence(brackets: str, cls: Any) -> Callable[[Any, int], str]:
    def write(value: Any, depth: int) -> str:
        texts = (_text(item, depth + 1) for item in cls.__iter__(value))
        return _items(brackets, texts, cls.__len__(value), depth)

    return write


def _tuple(value: Any, depth: int) -> str:
    text = _sequence("()", tuple)(value, depth)
    return f"{text[:-1]},)" if tuple.__len__(value) == 1 and not text.endswith("…)") else text


def _dict(value: Any, depth: int) -> str:
    texts = (f"{_text(k, depth + 1)}: {_text(v, depth + 1)}" for k, v in dict.items(value))
    return _items("{}", texts, dict.__len__(value), depth)


def _set(cls: Any) -> Callable[[Any, int], str]:
    """Sets have no order of their own that is the same in every process, so small ones are sorted and large counted."""

    def write(value: Any, depth: int) -> str:
        count = cls.__len__(value)
        if not count:
            return "an empty set"
        if count > _LARGEST_SORTED_SET:
            return f"a set of {count}"
        return _items("{}", iter(sorted(_text(item, depth + 1) for item in cls.__iter__(value))), count, depth)

    return write


def _of_torch(value: Any, cls: type, lineage: tuple[type, ...]) -> str | None:
    """Tensors, dtypes and devices, where torch is imported; else ``None``."""
    torch = _imported("torch")
    if cls in (torch.get("dtype"), torch.get("device")):
        return str(value).removeprefix("torch.")
    if cls is torch.get("Size"):
        return _tuple(value, 0)
    if torch.get("Tensor") in lineage:
        return _tensor(value, cls, lineage, torch)
    return None


def _tensor(value: Any, cls: type, lineage: tuple[type, ...], torch: Mapping[str, Any]) -> str:
    tensor = torch["Tensor"]
    own = lineage[: lineage.index(tensor)]
    if any("__torch_dispatch__" in _namespace(c) for c in own):
        return _an(cls)
    # Overrides, the device context's among them, would take the questions and answer with code of theirs.
    with torch["_C"].DisableTorchFunction():
        shape, dtype, device = (getattr(tensor, n).__get__(value) for n in ("shape", "dtype", "device"))
    return f"{_name(cls)} {_shape(shape)} {str(dtype).removeprefix('torch.')} {device}"


def _shape(sizes: Iterable[object]) -> str:
    return "×".join(_text(size, _DEEPEST) for size in tuple(sizes)) or "scalar"


def _imported(module: str) -> Mapping[str, Any]:
    """What a module that somebody else imported holds."""
    found = sys.modules.get(module)
    return vars(found) if type(found) is types.ModuleType else {}


_WRITERS: dict[type, Callable[[Any, int], str]] = {
    type(None): lambda value, _: "None",
    bool: lambda value, _: "True" if value else "False",
    int: _integer,
    float: lambda value, _: float.__repr__(value),
    complex: lambda value, _: complex.__repr__(value),
    str: _string,
    bytes: lambda value, _: f"{len(value)} bytes",
    range: lambda value, _: repr(value),
    type(...): lambda value, _: "...",
    type: lambda value, _: f"class {_name(value)}",
    tuple: _tuple,
    list: _sequence("[]", list),
    dict: _dict,
    set: _set(set),
    frozenset: _set(frozenset),
    functools.partial: _partial,
    types.FunctionType: _function,
    types.BuiltinFunctionType: lambda value, _: f"function {value.__name__}",
    types.MethodType: _method,
    types.ModuleType: lambda value, _: f"module {types.ModuleType.__getattribute__(value, '__name__')}",
}


def is_exact(text: str, value: object) -> bool:
    """Whether no other value of its class has this text: numbers, strings and plain containers of them, uncut."""
    cls = type(value)
    return "…" not in text and (cls in _SCALARS or (cls in _CONTAINERS and not _BY_KIND.search(text)))


_SCALARS = frozenset({bool, int, float, str})
_CONTAINERS = frozenset({tuple, list, dict})
_BY_KIND = re.compile(r"[A-Za-z]\w* [\w(\[{]")
"""What is told by its kind: ``a ReLU``, ``class ReLU``, ``Tensor 3×3``."""
