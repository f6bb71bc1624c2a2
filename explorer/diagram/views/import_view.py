"""The view ``imports``: the modules around a module, or around the module of anything else."""

from explorer.diagram.view import View, counted
from explorer.diagram.views.view_builder import ViewBuilder, first_few
from explorer.errors import RequestError
from explorer.graph import Edge, EdgeKind, Graph, Node, NodeKind
from explorer.queries.names import module_of
from explorer.queries.slices import MAX_NODES, Surroundings, edges_between, surroundings

_KINDS = (EdgeKind.IMPORTS,)
_FEW = 14
"""Among so many modules all imports are drawn; among more only those of the module asked for."""


def imports(
    graph: Graph, node: Node, *, up: int | None = None, depth: int | None = None, nodes: int = MAX_NODES
) -> View:
    """What a module imports, and what imports it; many modules of one package are one box.

    Args:
        graph: the whole graph.
        node: a module, or what is defined in one; of a model, its family's.
        up: steps to modules that import it; one when ``None``.
        depth: steps to modules that it imports; one when ``None``.
        nodes: boxes at the most.

    Raises:
        RequestError: what was asked for is in no module of timm's.
    """
    module = _module(graph, node)
    steps = 1 if up is None else up, 1 if depth is None else depth
    found = surroundings(graph, module.id, _KINDS, up=steps[0], down=steps[1], room=nodes, sort=_package)
    builder = ViewBuilder(graph)
    for node_id in found.nodes:
        builder.source(node_id, focus=node_id == module.id)
    _add_crowds(builder, found)
    among = list(edges_between(graph, found.nodes, _KINDS))
    apart = len(among) > 2 * _FEW and max(steps) == 1
    for edge in among:
        if not apart or module.id in (edge.source, edge.target):
            builder.edge(edge)
    notes = ("Imports between its neighbours are left out.",) if apart else ()
    modules = len(found.nodes) + sum(len(crowd.edges) for crowd in found.crowds)
    return builder.view(f"Imports of {module.id}", counted(modules, "module"), notes=notes)


def _module(graph: Graph, node: Node) -> Node:
    name = module_of(graph, node)
    module = graph.get(name) if name else None
    if module is None or module.kind is not NodeKind.MODULE:
        raise RequestError(f"{node.id} is in no module of timm's", "name a module, a class, a function or a model")
    return module


def _package(edge: Edge, forward: bool) -> str:
    end = edge.target if forward else edge.source
    return end if end.count(".") < 2 else end.rpartition(".")[0]


def _add_crowds(builder: ViewBuilder, found: Surroundings) -> None:
    for crowd in found.crowds:
        box_id = f"group:{'imported' if crowd.forward else 'importing'}:{crowd.owner}:{crowd.sort}"
        names = sorted(member.rpartition(".")[2] for member in crowd.members)
        label = f"{crowd.sort}: {counted(len(names), 'module')}"
        builder.fold(box_id, label, names, words=first_few(names, 36))
        ends = (crowd.owner, box_id) if crowd.forward else (box_id, crowd.owner)
        builder.join(*ends, EdgeKind.IMPORTS)
