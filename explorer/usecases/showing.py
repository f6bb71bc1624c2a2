"""One thing by its name: the node that is meant, and all that is known of it without running it."""

from collections.abc import Mapping
from typing import Any

from explorer.graph import Graph, Node
from explorer.queries.facts import facts
from explorer.queries.names import current, find_node
from explorer.queries.node_data import AliasData
from explorer.usecases.loading import load
from explorer.usecases.telling import Emit, quiet, tell


def show(name: str, *, graph: Graph | None = None, emit: Emit = quiet) -> dict[str, Any]:
    """All that is known of a model, weights, deprecated name, module, class, function or foreign symbol.

    ::

        explorer.show("resnet34")["cfg"]["input_size"]

    Args:
        name: ``resnet34``, ``resnet34.a1_in1k``, ``ResNet.forward``, ``timm.layers.ConvNormAct``, a node's id, ...
        graph: where to look; the installed timm's when ``None``.
        emit: takes what is worth telling: that the name is deprecated.

    Returns:
        The facts by name, as ``explorer show --json`` prints them: ``id``, ``kind``, ``name``, place and docstring, and
        what its kind has: ``tags``, ``cfg``, ``entrypoint``, ``classes``, ``signature``, ``callers``, ...

    Raises:
        UnknownName: nothing is known by that name; the hint has the closest.
        RequestError: several things are.
        TimmNotFound: no timm is installed.
    """
    graph = load(emit=emit) if graph is None else graph
    record = facts(graph, find_node(graph, name))
    if record.get("deprecated"):
        tell(emit, f"{record['name']} is deprecated: {replacement(record)}")
    return record


def replacement(record: Mapping[str, Any]) -> str:
    """What became of a deprecated name, from its facts, in words."""
    return f"timm maps it to {record['replaced_by']}" if record["replaced_by"] else "removed, with no replacement"


def undeprecated(graph: Graph, node: Node, emit: Emit = quiet) -> Node:
    """What a deprecated name stands for, with a line that says so; any other node is returned as it is.

    Raises:
        RequestError: nothing stands behind the name any more.
    """
    found = current(graph, node)
    if found is not node:
        tell(emit, f"{node.name} is deprecated: timm maps it to {AliasData.of(node).replaced_by}")
    return found
