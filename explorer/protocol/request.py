"""What every request has in common, and the checks its values go through."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from explorer.errors import RequestError

JSON = Any
"""A value that JSON can hold."""

R = TypeVar("R")
"""What a request is answered with."""


class Value(Protocol):
    """Data that crosses the pipe."""

    def to_json(self) -> dict[str, JSON]:
        """The value as a dict that JSON can hold."""

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> Self:
        """Rebuild one from :meth:`to_json`."""


class Request(Generic[R]):
    """A piece of work for the worker, answered by one ``R``."""

    kind: ClassVar[str]
    """The request's name on the wire."""

    partial_type: ClassVar[type[Any]]
    """What its :class:`Partial` events carry."""

    result_type: ClassVar[type[Any]]
    """``R`` again, for the decoder."""


def checked_extra(extra: object) -> tuple[tuple[str, str], ...]:
    """Sources of the user's own as (name, path) pairs.

    Raises:
        RequestError: it is something else.
    """
    pairs = [tuple(item) for item in extra if isinstance(item, list | tuple)] if isinstance(extra, list | tuple) else []
    if not isinstance(extra, list | tuple) or len(pairs) != len(extra):
        raise RequestError(f"extra sources must be (name, path) pairs, not {extra!r}")
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(text, str) and text for text in pair):
            raise RequestError(f"an extra source must be a name and a path, not {pair!r}")
    return tuple((name, path) for name, path in pairs)


def check_name(model: object) -> None:
    """A model's name must be text."""
    if not isinstance(model, str) or not model.strip():
        raise RequestError(f"the model must be a name, not {model!r}")


def check_count(what: str, value: int | None) -> None:
    """A number that must be 1 or more, or ``None``."""
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RequestError(f"the {what} must be a whole number from 1 up, not {value!r}")


def is_number(value: object) -> bool:
    """Whether it is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_seconds(value: object) -> None:
    """A span of time: a finite number over 0."""
    if not (is_number(value) and math.isfinite(value) and value > 0):  # type: ignore[arg-type,operator]
        raise RequestError(f"seconds must be a number over 0, not {value!r}")


def check_flag(what: str, value: object) -> None:
    """A value that must be true or false."""
    if not isinstance(value, bool):
        raise RequestError(f"{what} must be true or false, not {value!r}")


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How a model is built, besides its name. ``None`` leaves a thing as the model has it.

    Args:
        img_size: height and width of the input in pixels.
        in_chans: channels of the input.
        num_classes: outputs of the classifier; 0: none.
        features_only: build the feature extractor that timm makes of it.
        reparam: fuse its branches into the form it has when deployed.
        args: further arguments of ``create_model``, by name.

    Raises:
        RequestError: a value makes no sense for any model.
    """

    img_size: int | None = None
    in_chans: int | None = None
    num_classes: int | None = None
    features_only: bool = False
    reparam: bool = False
    args: Mapping[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_count("image size", self.img_size)
        check_count("input channels", self.in_chans)
        if self.num_classes != 0:
            check_count("number of classes", self.num_classes)
        check_flag("features_only", self.features_only)
        check_flag("reparam", self.reparam)
        if not isinstance(self.args, Mapping) or not all(isinstance(name, str) for name in self.args):
            raise RequestError(f"model arguments must be values by name, not {self.args!r}")
