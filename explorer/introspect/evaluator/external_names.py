"""What the name of something external tells: its node id, and which class inherits from which."""

import functools

from explorer.introspect.evaluator.values import ExternalValue

MODULE = "torch.nn.Module"
_ROOTS = {"torch.nn.Module", "torch.nn.modules.Module", "builtins.object"}


@functools.cache
def external_id(dotted: str) -> str:
    """The node id of something external: ``torch.nn.Conv2d`` is ``torch.nn:Conv2d``, ``torch.Tensor.view`` is
    ``torch:Tensor.view``."""
    parts = dotted.split(".")
    first_class = next((i for i, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    cut = max(1, min(first_class, len(parts) - 1))
    return f"{'.'.join(parts[:cut])}:{'.'.join(parts[cut:])}" if len(parts) > 1 else dotted


def is_subclass(cls: ExternalValue, other: ExternalValue) -> bool | None:
    """Whether an external class is another or inherits from it, by their names alone; ``None`` when that is open."""
    if cls == other or other.name == "builtins.object":
        return True
    if other.name == MODULE:
        return True if cls.name.startswith("torch.nn.") else None
    if cls.name == MODULE or cls.name in _ROOTS:
        return False
    one, two = cls.name.rpartition(".")[2], other.name.rpartition(".")[2]
    if one == two:
        return True
    if two.startswith("_") or one.startswith("_") or not (cls.is_class and other.is_class):
        return None
    return False if cls.name.partition(".")[0] == other.name.partition(".")[0] else None


def defines_init(cls: ExternalValue) -> bool:
    """Whether an external base class certainly makes instances by itself, so that no later base's does."""
    return cls.name.startswith("torch.nn.") and cls.name != MODULE
