"""Where a node's source is, for people: its place on disk, and its line in timm's public repository."""

from explorer.graph import Node

_BLOB = "https://github.com/huggingface/pytorch-image-models/blob"
_PACKAGE = "timm"


def source_url(node: Node, timm_version: str) -> str | None:
    """The node's first line in timm's repository at this version; ``None`` for a node without a file there.

    A version that was never released has no tag there, so its links lead to the main branch.
    """
    if not node.file or not is_timms(node):
        return None
    from urllib.parse import quote

    tag = f"v{timm_version}" if _is_release(timm_version) else "main"
    anchor = f"#L{node.line}" if node.line else ""
    return f"{_BLOB}/{tag}/timm/{quote(node.file)}{anchor}"


def is_timms(node: Node) -> bool:
    """Whether a node's source is timm's, and not the user's own that stands beside it."""
    module = node.module or node.data.get("module") or _PACKAGE
    return module == _PACKAGE or module.startswith(f"{_PACKAGE}.")


def place_of(node: Node, place: str) -> str:
    """A place in a node's file (``models/resnet.py:484``) as it lies on disk: timm's files below ``timm/``."""
    return f"{_PACKAGE}/{place}" if is_timms(node) else place


def _is_release(version: str) -> bool:
    return "." in version and all(part.isdecimal() for part in version.split("."))
