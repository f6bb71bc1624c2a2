"""What a node or an edge says about itself: at most two short lines and a tooltip."""

from explorer.graph import Edge, EdgeKind, Node, NodeKind

_CONSTRUCTOR = ".__init__"
_LOCALS = ".<locals>"


def label_of(node: Node) -> str:
    """The first line. A constructor shows its class: calling it is how a call path makes an instance."""
    if node.kind is NodeKind.FUNCTION:
        return node.name.removesuffix(_CONSTRUCTOR).replace(_LOCALS, "")
    if node.kind is NodeKind.PARAMETER:
        return node.name.rpartition("(")[2].removesuffix(")")
    return node.name or node.id


def sublabel_of(node: Node) -> str:
    """The second line: the place of a source node, or what kind of name it is; may be empty."""
    if node.kind is NodeKind.MODULE:
        return node.file or ""
    if node.kind is NodeKind.EXTERNAL:
        return node.module or ""
    if node.kind is NodeKind.MODEL:
        return "model name"
    if node.kind is NodeKind.WEIGHTS:
        return "weights"
    if node.kind is NodeKind.ALIAS:
        return "deprecated name"
    if node.kind is NodeKind.PARAMETER:
        return f"of {node.name.partition('(')[0]}"
    place = _place(node)
    if node.kind is NodeKind.FUNCTION and node.name.endswith(_CONSTRUCTOR):
        return " · ".join(filter(None, ("__init__", place)))
    return place


def tooltip_of(node: Node) -> str:
    """Id, first line of the docstring and ``file:line``, each on a line of its own where known."""
    doc = (node.doc or "").strip().partition("\n")[0].strip()
    where = f"{node.file}:{node.line}" if node.file and node.line else node.file
    return "\n".join(filter(None, (node.id, doc, where)))


def edge_label_of(edge: Edge, target: Node) -> str:
    """What an edge says beyond its kind: the lookup of a dispatch, the parameter of an indirect call."""
    if edge.kind is EdgeKind.DISPATCHES:
        return f'_model_entrypoints["{target.name}"]'
    if edge.kind is EdgeKind.CALLS and edge.data.get("via"):
        return f"via {edge.data['via']}"
    return ""


def edge_tooltip_of(edge: Edge) -> str:
    """Ends and kind, how it is known, and up to five of its call sites, one on a line."""
    lines = [f"{edge.source} {edge.kind} {edge.target}", " + ".join(edge.evidence), *edge.sites[:5]]
    if len(edge.sites) > 5:
        lines.append(f"and {len(edge.sites) - 5} more")
    return "\n".join(filter(None, lines))


def _place(node: Node) -> str:
    if not node.file:
        return ""
    file = node.file.rpartition("/")[2]
    return f"{file}:{node.line}" if node.line else file
