"""The view ``classes``: what a class, a model or a family inherits from, and what it is made of."""

from collections.abc import Sequence

from explorer.diagram.style import Look
from explorer.diagram.view import View, counted
from explorer.diagram.views.view_builder import ViewBuilder, with_room
from explorer.errors import RequestError
from explorer.graph import EdgeKind, Graph, Node, NodeKind
from explorer.queries.composition import (
    Composition,
    composition_around,
    composition_of_model,
    made_by_function,
    starts_in,
)
from explorer.queries.names import current, model_of
from explorer.queries.slices import MAX_NODES

_MODULE = "torch.nn:Module"
_LEFT_OUT = "torch.nn.Module, from which all of these modules inherit in the end, is left out."
_MOST = 20
"""So many classes stand on their own."""
_TANGLE = 45
"""With more arrows than these, only what was asked for stands on its own."""
_CROWD = 6
"""So many that inherit from one class, or hold it, stand on their own."""
_FEW_EXTERNALS = 2
"""So many of one package stand on their own."""


def classes(
    graph: Graph, node: Node, *, up: int | None = None, depth: int | None = None, nodes: int = MAX_NODES
) -> View:
    """Inheritance and composition around a class, in a model, in a module, or of what a function makes.

    A class holds what its constructor makes, itself or in functions that it calls. What is outside timm is folded by
    package, and so is what there is no room for.

    Args:
        graph: the whole graph.
        node: a class, a model, a module, or a function.
        up: steps to bases; all when ``None``. A model shows them all.
        depth: steps to what is held; all of a model, one of anything else when ``None``.
        nodes: boxes at the most.

    Raises:
        RequestError: what was asked for is, has or makes no class.
    """
    model = model_of(graph, current(graph, node))
    builder = ViewBuilder(graph)
    found = composition_of_model(graph, model, depth) if model else _around(graph, builder, node, up, depth)
    if not found.starts:
        raise RequestError(f"{node.id} has no classes", "name a class, a model, or a module with classes")
    place = _add_boxes(builder, found, nodes)
    _add_arrows(builder, found, place)
    _add_crowd(builder, found.heirs, found.starts[0], EdgeKind.INHERITS)
    _add_crowd(builder, found.holders, found.starts[0], EdgeKind.COMPOSES)
    title = f"Classes around {node.name}" if node.id in found.starts else f"Classes of {(model or node).name}"
    count = len({*place, *found.heirs, *found.holders})
    notes = (_LEFT_OUT,) if _MODULE in found.classes and _MODULE not in place else ()
    return builder.view(title, counted(count, "class", "classes"), notes=notes)


def _around(graph: Graph, builder: ViewBuilder, node: Node, up: int | None, depth: int | None) -> Composition:
    if node.kind is not NodeKind.FUNCTION:
        return composition_around(graph, starts_in(graph, node), up, depth)
    made = made_by_function(graph, node)
    builder.source(node.id, focus=True)
    classes = [class_id for class_id in made if _is_of_timm(graph, class_id)]
    found = composition_around(graph, classes, up, 0 if depth is None else depth - 1)
    found.classes.update(dict.fromkeys(made))
    found.holds.update({(node.id, class_id): None for class_id in made})
    return found


def _is_of_timm(graph: Graph, class_id: str) -> bool:
    node = graph.get(class_id)
    return node is not None and node.kind is NodeKind.CLASS


def _add_boxes(builder: ViewBuilder, found: Composition, nodes: int) -> dict[str, str]:
    """The boxes, and for every class the box that it is in."""
    inside: list[str] = []
    outside: dict[str, list[str]] = {}
    for class_id in found.classes:
        is_start = class_id in found.starts
        if _is_of_timm(builder.graph, class_id) or (is_start and class_id in builder.graph):
            inside.append(class_id)
        elif class_id != _MODULE or is_start:
            outside.setdefault(class_id.partition(":")[0], []).append(class_id)
    place: dict[str, str] = {}
    alone = _alone(found, inside, nodes - len(builder.nodes) - len(outside))
    for class_id in inside[:alone]:
        builder.source(class_id, focus=[class_id] == list(found.starts))
        place[class_id] = class_id
    _fold(builder, place, outside, _FEW_EXTERNALS, NodeKind.EXTERNAL)
    beyond: dict[str, list[str]] = {}
    for class_id in inside[alone:]:
        beyond.setdefault(class_id.partition(":")[0].rpartition(".")[0], []).append(class_id)
    _fold(builder, place, beyond, 1, Look.GROUP, "more ")
    return place


def _alone(found: Composition, inside: Sequence[str], room: int) -> int:
    """How many of timm's classes stand on their own, the first of them."""
    crowds = sum(min(len(crowd), _CROWD) for crowd in (found.heirs, found.holders))
    alone = max(room - crowds - 2, 1)
    if len(inside) > _MOST:
        alone = min(alone, _MOST)
    if len(found.holds) + len(found.inherits) > _TANGLE:
        alone = min(alone, len(found.starts))
    return alone


def _fold(
    builder: ViewBuilder,
    place: dict[str, str],
    packages: dict[str, list[str]],
    few: int,
    kind: NodeKind | Look,
    more: str = "",
) -> None:
    """The boxes of packages; one that has few classes is not folded."""
    for package, members in packages.items():
        if len(members) <= few:
            for class_id in members:
                builder.source(class_id)
                place[class_id] = class_id
            continue
        box_id = f"group:classes:{package}"
        names = sorted(class_id.partition(":")[2] for class_id in members)
        label = f"{package}: {counted(len(members), f'{more}class', f'{more}classes')}"
        builder.fold(box_id, label, names, few=34, kind=kind)
        place.update(dict.fromkeys(members, box_id))


def _add_arrows(builder: ViewBuilder, found: Composition, place: dict[str, str]) -> None:
    for below, base in found.inherits:
        if below in place and base in place:
            builder.join(place[below], place[base], EdgeKind.INHERITS)
    for holder, part in found.holds:
        if part in place:
            made = EdgeKind.CALLS if holder not in place else EdgeKind.COMPOSES
            builder.join(place.get(holder, holder), place[part], made)


def _add_crowd(builder: ViewBuilder, members: Sequence[str], start: str, kind: EdgeKind) -> None:
    """What leads to the class asked for: a few on their own, the rest in one box."""
    alone, rest = with_room(members, _CROWD)
    for class_id in alone:
        builder.source(class_id)
        builder.join(class_id, start, kind)
    # A class is named with its file: many have the same name.
    places = (class_id.partition(":") for class_id in rest)
    names = sorted(f"{module.rpartition('.')[2]}.{name}" for module, _, name in places)
    box_id = f"group:{kind}:{start}"
    label = counted(len(names), "more class", "more classes")
    if builder.fold(box_id, label, names, few=38):
        builder.join(box_id, start, kind)
