"""What an instance is made of: the modules that it holds, as torch's ``Module.modules`` goes through them."""

from collections.abc import Iterator

from explorer.graph.instances import Held
from explorer.introspect.evaluator.objects import Objects
from explorer.introspect.evaluator.values import (
    MODULE,
    ClassValue,
    ExternalValue,
    InstanceValue,
    Value,
    external_id,
    options_of,
)

_TENSORS = frozenset(("Parameter", "Buffer", "UninitializedParameter", "UninitializedBuffer"))
"""What ``torch.nn`` has beside modules that instances are made of."""
_NAMESPACE = MODULE.removesuffix("Module")


def held_by(objects: Objects, value: Value) -> Held | None:
    """What an instance holds, and what these hold; ``None`` where the value is no instance.

    A module in a plain list or dict is not held: torch does not register it either.
    """
    roots = [option for option in options_of(value) if isinstance(option, InstanceValue)]
    if not roots:
        return None
    pairs: dict[tuple[str, str], None] = {}
    seen = {id(root) for root in roots}
    level = roots
    while level:
        following: list[InstanceValue] = []
        for holder in level:
            name = class_id(holder.cls)
            for part in _parts(objects, holder):
                pairs[name, class_id(part.cls)] = None
                if id(part) not in seen:
                    seen.add(id(part))
                    following.append(part)
        level = following
    return Held(tuple(dict.fromkeys(class_id(root.cls) for root in roots)), tuple(pairs))


def class_id(cls: ClassValue | ExternalValue) -> str:
    """The node id of a class."""
    return f"{cls.module}:{cls.qualname}" if isinstance(cls, ClassValue) else external_id(cls.name)


def _parts(objects: Objects, holder: InstanceValue) -> Iterator[InstanceValue]:
    for value in (*holder.fields.values(), *holder.held()):
        for option in options_of(value):
            if isinstance(option, InstanceValue) and _is_module(objects, option.cls):
                yield option


def _is_module(objects: Objects, cls: ClassValue | ExternalValue) -> bool:
    names = (base.name for base in objects.external_bases(cls))
    return any(name.startswith(_NAMESPACE) and name.rpartition(".")[2] not in _TENSORS for name in names)
