"""What timm's registered names hold in the graph, and where a node's source lies: on disk, and in timm's repository."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from explorer.graph import Node, NodeKind, Payload

PACKAGE = "timm"
_BLOB = "https://github.com/huggingface/pytorch-image-models/blob"


@dataclass(frozen=True, slots=True)
class RegistrationData(Payload):
    """A registered name: its family, and the module that registers it."""

    family: str
    module: str


@dataclass(frozen=True, slots=True)
class ModelData(RegistrationData):
    """A model: its tags, the default first, and whether the default weights exist.

    ``unknown`` names the fields that the source does not settle.
    """

    tags: Sequence[str]
    pretrained: bool
    unknown: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class AliasData(RegistrationData):
    """A deprecated name: the architecture, with a tag or without, that replaces it, or nothing."""

    replaced_by: str | None


@dataclass(frozen=True, slots=True)
class WeightsData(Payload):
    """One pretrained cfg: ``cfg`` has every field of timm's ``PretrainedCfg`` but those listed in ``unknown``."""

    architecture: str
    tag: str
    has_weights: bool
    cfg: Mapping[str, Any]
    unknown: Sequence[str]

    @property
    def name(self) -> str:
        """``resnet34.a1_in1k``, or the bare architecture for an empty tag."""
        return f"{self.architecture}.{self.tag}" if self.tag else self.architecture


def registration_of(node: Node) -> RegistrationData | None:
    """What registers a model or a deprecated name, ``None`` for any other node."""
    if node.kind is NodeKind.MODEL:
        return ModelData.of(node)
    return AliasData.of(node) if node.kind is NodeKind.ALIAS else None


def home_of(node: Node) -> str:
    """Where a node is at home, in a word: a source node's module, a registered name's family, nothing for weights."""
    if node.module is not None:
        return node.module
    registration = registration_of(node)
    return registration.family if registration else ""


def source_url(node: Node, timm_version: str) -> str | None:
    """The node's first line in timm's repository at this version; ``None`` for a node without a file there.

    A version that was never released has no tag there, so its links lead to the main branch.
    """
    if not node.file or not is_timms(node):
        return None
    tag = f"v{timm_version}" if _is_release(timm_version) else "main"
    anchor = f"#L{node.line}" if node.line else ""
    return f"{_BLOB}/{tag}/timm/{quote(node.file)}{anchor}"


def is_timms(node: Node) -> bool:
    """Whether a node's source is timm's, and not the user's own that stands beside it; weights count as timm's."""
    module = node.module
    if module is None:
        registration = registration_of(node)
        module = registration.module if registration else PACKAGE
    return module.partition(".")[0] == PACKAGE


def place_of(node: Node, place: str) -> str:
    """A place in a node's file (``models/resnet.py:484``) as it lies on disk: timm's files below ``timm/``."""
    return f"{PACKAGE}/{place}" if is_timms(node) else place


def _is_release(version: str) -> bool:
    return "." in version and all(part.isdecimal() for part in version.split("."))
