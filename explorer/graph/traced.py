"""What was seen to be called when models were created."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Pair = tuple[str, str, tuple[str, ...]]
"""Caller, callee and the ``file:line`` sites of the calls."""


@dataclass(frozen=True)
class Traced:
    """The pairs seen with one timm.

    ``models`` has the indices into ``pairs`` of each model's creation, ascending; ``forward`` those of a forward pass,
    where one was traced. ``devices`` has the device that a model was created on, ``failed`` the reason why one could
    not be created. A pair's sites are those of all models.
    """

    version: str
    digest: str
    pairs: Sequence[Pair]
    models: Mapping[str, tuple[int, ...]]
    failed: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    forward: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def pairs_of(self, model: str) -> Iterator[Pair]:
        """The pairs of one model's creation; none where it is not traced."""
        return (self.pairs[index] for index in self.models.get(model, ()))
