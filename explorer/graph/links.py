"""Links from the graph to timm's public repository."""

from explorer.graph.model import Node

_BLOB = "https://github.com/huggingface/pytorch-image-models/blob"


def source_url(node: Node, timm_version: str) -> str | None:
    """The node's first line in timm's repository at this version; ``None`` for a node without a file.

    A version that was never released has no tag there, so its links lead to the main branch.
    """
    if not node.file:
        return None
    from urllib.parse import quote

    tag = f"v{timm_version}" if _is_release(timm_version) else "main"
    anchor = f"#L{node.line}" if node.line else ""
    return f"{_BLOB}/{tag}/timm/{quote(node.file)}{anchor}"


def _is_release(version: str) -> bool:
    return "." in version and all(part.isdecimal() for part in version.split("."))
