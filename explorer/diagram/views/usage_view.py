"""The view ``uses``: the families and architectures that use a layer, a class or a function."""

from collections import Counter
from collections.abc import Iterable, Mapping

from explorer.diagram.style import Flow
from explorer.diagram.view import Stack, View, counted
from explorer.diagram.views.view_builder import ViewBuilder, first_few, named
from explorer.errors import RequestError
from explorer.graph import EdgeKind, Graph, Node, NodeKind
from explorer.queries.composition import uses_of
from explorer.queries.families import Family, families_of, portrait_of
from explorer.queries.names import current, model_of
from explorer.queries.node_data import ModelData
from explorer.queries.slices import MAX_NODES

_MORE_FAMILIES, _MORE_MAKERS = "group:families", "group:makers"
_FAMILIES, _MAKERS = "frame:families", "frame:makers"
_MOST = 14
"""How many families, and how many classes, stand in a column."""
_MOST_ARROWS = 40


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
    families = {
        module: (family, [model.name for model in family.models if model.name in found])
        for module, family in families_of(graph).items()
    }
    families = {module: entry for module, entry in families.items() if entry[1]}
    makers = Counter(maker for above in found.values() for maker in above if maker != node.id)
    room = min(max((nodes - 3) // 2, 1), _MOST)
    builder = ViewBuilder(graph)
    builder.source(node.id, focus=True)
    shown = _add_families(builder, families, room)
    between = _add_makers(builder, makers, room)
    _add_arrows(builder, node.id, families, found)
    columns = _column(shown, _FAMILIES), _column(builder.levelled(between, shown), _MAKERS), node.id
    words = counted(len(found), "architecture"), counted(len(families), "family", "families")
    notes = () if found else ("No architecture uses it when it is created with its defaults.",)
    return builder.view(f"What uses {node.name}", " in ".join(words), notes=notes, stack=Stack(columns, gap_px=90.0))


def _used(graph: Graph, node: Node) -> Node:
    """What is looked for: of a model its class."""
    model = model_of(graph, current(graph, node))
    if model is None:
        return node
    family = families_of(graph)[ModelData.of(model).module]
    classes = portrait_of(graph, Family(family.name, family.module, (model,))).models
    entrypoint = next(graph.successors(model.id, EdgeKind.REGISTERS), model.id)
    return graph.node(classes[0] if classes else entrypoint)


def _add_families(builder: ViewBuilder, families: Mapping[str, tuple[Family, list[str]]], room: int) -> list[str]:
    frame = builder.frame(_FAMILIES, "families", of="timm.models")
    order = sorted(families, key=lambda module: (-len(families[module][1]), module))
    shown, rest = (order, []) if len(order) <= room else (order[: room - 1], order[room - 1 :])
    for module in shown:
        family, names = families[module]
        words = f"{len(names)} of {counted(len(family.models), 'architecture')}"
        builder.source(module, label=family.name, words=words, frame=frame, about=list(named(names)))
    lines = [
        f"{families[module][0].name}: {len(families[module][1])} of {len(families[module][0].models)}"
        for module in rest
    ]
    count = sum(len(families[module][1]) for module in rest)
    label = counted(len(rest), "more family", "more families")
    builder.fold(_MORE_FAMILIES, label, lines, words=counted(count, "architecture"), frame=frame)
    return [*shown, _MORE_FAMILIES]


def _add_makers(builder: ViewBuilder, makers: Counter[str], room: int) -> list[str]:
    frame = builder.frame(_MAKERS, "made by")
    order = sorted(makers, key=lambda maker: (-makers[maker], maker))
    shown, rest = (order, []) if len(order) <= room else (order[: room - 1], order[room - 1 :])
    for maker in shown:
        builder.source(maker, words=f"{_file(maker)} · {counted(makers[maker], 'architecture')}", frame=frame)
    names = [f"{maker.partition(':')[2]}: {makers[maker]}" for maker in rest]
    words = first_few([maker.partition(":")[2] for maker in rest], 28)
    builder.fold(_MORE_MAKERS, counted(len(rest), "more class", "more classes"), names, words=words, frame=frame)
    return [*shown, _MORE_MAKERS]


def _add_arrows(
    builder: ViewBuilder,
    used: str,
    families: Mapping[str, tuple[Family, list[str]]],
    found: Mapping[str, tuple[str, ...]],
) -> None:
    """From families by what makes it to the thing itself; where that is a tangle, families lead straight to it."""
    pairs: dict[tuple[str, str], None] = {}
    for module, (_, names) in families.items():
        start = module if module in builder.nodes else _MORE_FAMILIES
        above = [maker for name in names for maker in found[name] if maker != used]
        for maker in above or [used]:
            between = maker if maker in builder.nodes else _MORE_MAKERS
            pairs[start, between] = None
    for start, end in _unless_tangled(pairs, used):
        builder.join(start, end, Flow.USES)
    for maker in list(builder.nodes):
        if builder.nodes[maker].group == _MAKERS:
            builder.join(maker, used, Flow.USES)


def _unless_tangled(pairs: Iterable[tuple[str, str]], used: str) -> list[tuple[str, str]]:
    kept = list(pairs)
    return kept if len(kept) <= _MOST_ARROWS else list(dict.fromkeys((start, used) for start, _ in kept))


def _file(class_id: str) -> str:
    return class_id.partition(":")[0].rpartition(".")[2]


def _column(ids: list[str], frame: str) -> Stack:
    return Stack(tuple(ids), down=True, frame=frame, gap_px=18.0)
