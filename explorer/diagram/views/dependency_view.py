"""The views ``imports`` and ``uses``: what a module imports and is imported by, and which models use a thing."""

from collections import Counter
from collections.abc import Mapping, Sequence

from explorer.diagram.style import Flow
from explorer.diagram.view import Stack, View, column, counted
from explorer.diagram.views.view_builder import ViewBuilder, first_few, named, with_room
from explorer.errors import RequestError
from explorer.graph import Edge, EdgeKind, Graph, Node, NodeKind
from explorer.queries.families import Family, families_of, family_composition
from explorer.queries.names import current, model_of, module_of
from explorer.queries.node_data import ModelData
from explorer.queries.slices import MAX_NODES, Surroundings, edges_between, surroundings
from explorer.queries.usage import uses_of

_IMPORTS = (EdgeKind.IMPORTS,)
_MOST_IMPORTS = 28
"""With more imports than these among neighbours, only those of the module asked for are drawn."""

_MORE_FAMILIES, _MORE_MAKERS = "group:families", "group:makers"
_FAMILIES, _MAKERS = "frame:families", "frame:makers"
_MOST_IN_COLUMN = 14
_MOST_ARROWS = 40
"""More arrows from families to classes than these are a tangle: then families lead straight to the thing."""


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
    found = surroundings(graph, module.id, _IMPORTS, up=steps[0], down=steps[1], room=nodes, sort=_package)
    builder = ViewBuilder(graph)
    for node_id in found.nodes:
        builder.source(node_id, focus=node_id == module.id)
    _add_crowds(builder, found)
    among = list(edges_between(graph, found.nodes, _IMPORTS))
    is_star = len(among) > _MOST_IMPORTS and max(steps) == 1
    for edge in among:
        if not is_star or module.id in (edge.source, edge.target):
            builder.edge(edge)
    notes = ("Imports between its neighbours are left out.",) if is_star else ()
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
        builder.fold(box_id, f"{crowd.sort}: {counted(len(names), 'module')}", names, few=36)
        ends = (crowd.owner, box_id) if crowd.forward else (box_id, crowd.owner)
        builder.join(*ends, EdgeKind.IMPORTS)


def uses(graph: Graph, node: Node, *, nodes: int = MAX_NODES) -> View:
    """Who uses a thing: families with the number of their architectures that do, the most first.

    Args:
        graph: the whole graph.
        node: a class, a function, a module, or something external; of a model, its class.
        nodes: boxes at the most; the rest is folded.

    Raises:
        RequestError: it is a parameter, or a name that timm removed.
    """
    if node.kind is NodeKind.PARAMETER:
        raise RequestError(f"no model uses {node.id}", "name a layer, a class, a function or a model")
    node = _used(graph, node)
    found = uses_of(graph, node)
    users: dict[str, list[str]] = {}
    for module, family in families_of(graph).items():
        names = [model.name for model in family.models if model.name in found]
        if names:
            users[module] = names
    makers = Counter(maker for above in found.values() for maker in above if maker != node.id)
    room = min(max((nodes - 3) // 2, 1), _MOST_IN_COLUMN)
    builder = ViewBuilder(graph)
    builder.source(node.id, focus=True)
    families = _add_families(builder, users, room)
    between = _add_makers(builder, makers, room)
    _add_arrows(builder, node.id, users, found)
    between = builder.levelled(between, families)
    columns = column(families, _FAMILIES, 18.0), column(between, _MAKERS, 18.0), node.id
    words = f"{counted(len(found), 'architecture')} in {counted(len(users), 'family', 'families')}"
    notes = () if found else ("No architecture uses it when it is created with its defaults.",)
    return builder.view(f"What uses {node.name}", words, notes=notes, stack=Stack(columns, gap_px=90.0))


def _used(graph: Graph, node: Node) -> Node:
    """What is looked for: of a model its class."""
    model = model_of(graph, current(graph, node))
    if model is None:
        return node
    family = families_of(graph)[ModelData.of(model).module]
    classes = family_composition(graph, Family(family.name, family.module, (model,))).models
    entrypoint = next(graph.successors(model.id, EdgeKind.REGISTERS), model.id)
    return graph.node(classes[0] if classes else entrypoint)


def _add_families(builder: ViewBuilder, users: Mapping[str, Sequence[str]], room: int) -> list[str]:
    frame = builder.frame(_FAMILIES, "families", of="timm.models")
    families = families_of(builder.graph)
    order = sorted(users, key=lambda module: (-len(users[module]), module))
    shown, rest = with_room(order, room)
    for module in shown:
        words = f"{len(users[module])} of {counted(len(families[module].models), 'architecture')}"
        about = list(named(users[module]))
        builder.source(module, label=families[module].name, words=words, frame=frame, about=about)
    lines = [f"{families[module].name}: {len(users[module])} of {len(families[module].models)}" for module in rest]
    words = counted(sum(len(users[module]) for module in rest), "architecture")
    label = counted(len(rest), "more family", "more families")
    builder.fold(_MORE_FAMILIES, label, lines, words=words, frame=frame)
    return [*shown, _MORE_FAMILIES]


def _add_makers(builder: ViewBuilder, makers: Counter[str], room: int) -> list[str]:
    frame = builder.frame(_MAKERS, "made by")
    order = sorted(makers, key=lambda maker: (-makers[maker], maker))
    shown, rest = with_room(order, room)
    for maker in shown:
        file = maker.partition(":")[0].rpartition(".")[2]
        builder.source(maker, words=f"{file} · {counted(makers[maker], 'architecture')}", frame=frame)
    names = [maker.partition(":")[2] for maker in rest]
    lines = [f"{name}: {makers[maker]}" for name, maker in zip(names, rest, strict=True)]
    label = counted(len(rest), "more class", "more classes")
    builder.fold(_MORE_MAKERS, label, lines, words=first_few(names, 28), frame=frame)
    return [*shown, _MORE_MAKERS]


def _add_arrows(
    builder: ViewBuilder, used: str, users: Mapping[str, Sequence[str]], found: Mapping[str, Sequence[str]]
) -> None:
    """From families by what makes it to the thing itself, or straight to it where that is a tangle."""
    pairs: dict[tuple[str, str], None] = {}
    for module, names in users.items():
        start = module if module in builder.nodes else _MORE_FAMILIES
        makers = [maker for name in names for maker in found[name] if maker != used]
        for maker in makers or [used]:
            pairs[start, maker if maker in builder.nodes else _MORE_MAKERS] = None
    # The classes in between still have arrows to the thing, and families are sorted by how much they use it.
    if len(pairs) > _MOST_ARROWS:
        pairs = {(start, used): None for start, _ in pairs}
    for start, end in pairs:
        builder.join(start, end, Flow.USES)
    for maker in list(builder.nodes):
        if builder.nodes[maker].group == _MAKERS:
            builder.join(maker, used, Flow.USES)
