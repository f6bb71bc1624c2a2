"""Pictures of how timm hangs together: which view of what, and how each is made, drawn, told as data or as lines."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.diagram import EVERYTHING, Picture, tree_lines, view_of
from explorer.diagram.views import view_function
from explorer.errors import RequestError
from explorer.files import read_regular
from explorer.graph import Graph, Node, NodeKind
from explorer.queries.model_list import families
from explorer.queries.names import find_node, model_of
from explorer.queries.node_data import registration_of
from explorer.queries.slices import MAX_NODES, USUAL_NODES, Slice, around, model_calls
from explorer.usecases.choosing import ModelNames
from explorer.usecases.loading import Source, find_sources, for_worker, load, worker
from explorer.usecases.showing import undeprecated
from explorer.usecases.telling import Emit, quiet, tell

if TYPE_CHECKING:
    from explorer.diagram import View
    from explorer.engine.client import Client
    from explorer.protocol.flow import FlowRequest

OVERVIEW, CALLS, CLASSES, IMPORTS, FAMILY = "overview", "calls", "classes", "imports", "family"
ARCHITECTURE, DATAFLOW, USES, ALL = "architecture", "dataflow", "uses", "all"
VIEWS = (OVERVIEW, CALLS, CLASSES, IMPORTS, FAMILY, ARCHITECTURE, DATAFLOW, USES, ALL)
RUNNING = (ARCHITECTURE, DATAFLOW)
"""Views of a model that is built and run."""

_BUILDING = ("img_size", "in_chans", "num_classes", "features_only", "reparam")
_STEPS = (None, CALLS, CLASSES, IMPORTS)
_FITTING: dict[str, Sequence[str | None]] = {
    "depth": (*_STEPS, *RUNNING),
    "up": _STEPS,
    "level": (DATAFLOW,),
    "shade": (DATAFLOW,),
    **dict.fromkeys(_BUILDING, RUNNING),
    "args": RUNNING,
    "nodes": tuple(view for view in (None, *VIEWS) if view != ALL),
}
"""The views that each wish has a meaning for; ``None`` is the one that suits the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureWish:
    """How a picture is made; what is not set is chosen to suit.

    ``depth`` and ``up`` are steps to follow down and up, ``nodes`` the boxes there is room for. Of a model that runs:
    ``level`` and ``shade`` of its dataflow, and how it is built (``img_size`` in pixels, ``args`` of ``create_model``).
    """

    depth: int | None = None
    up: int | None = None
    nodes: int | None = None
    level: str | None = None
    shade: str | None = None
    img_size: int | None = None
    in_chans: int | None = None
    num_classes: int | None = None
    features_only: bool = False
    reparam: bool = False
    args: Mapping[str, Any] = field(default_factory=dict)


def draw(
    target: str | None = None,
    *,
    view: str | None = None,
    sources: Sequence[Source] = (),
    client: "Client | None" = None,
    graph: Graph | None = None,
    emit: Emit = quiet,
    **wishes: Any,
) -> Picture:
    """A picture of how timm hangs together: all of it, a model, a family, or a piece of code.

    ::

        explorer.draw("resnet34")                      # a notebook shows it
        explorer.draw("resnet34", view="architecture", depth=2).save("resnet34.svg")

    Args:
        target: a model, family, module, class or function; ``None``: timm on one whiteboard.
        view: ``overview``, ``calls``, ``classes``, ``imports``, ``family``, ``architecture``, ``dataflow``, ``uses`` or
            ``all``; what suits the target when ``None``. ``architecture`` and ``dataflow`` build and run the model.
        sources: source of the user's own that registers models.
        client: a worker for views that run a model, which stays warm; a fresh one when ``None``.
        graph: where to look; the installed timm's when ``None``.
        emit: takes what is worth telling.
        wishes: ``depth``, ``up``, ``nodes``, ``level``, ``shade``, ``img_size``, ...: fields of
            :class:`~explorer.usecases.drawing.PictureWish`.

    Raises:
        UnknownName: there is no such target.
        RequestError: the view is not for this target, or a wish says nothing to it.
        EngineError: the model cannot be built or run.
    """
    unknown = [name for name in wishes if name not in _FITTING]
    if unknown:
        raise RequestError(f"a picture has no {unknown[0]!r}", f"it has: {', '.join(_FITTING)}")
    wish = PictureWish(**wishes)
    check(view, target, wish)
    extras = find_sources(sources)
    graph = load(sources=extras, emit=emit) if graph is None else graph
    if view not in RUNNING or view is None or target is None:
        return _static_picture(graph, target, view, wish, emit)
    request = flow_request(target, wish, extras)
    ModelNames(extras, graph).check(target, wish.args)
    with worker(client) as near:
        flow = near.run(request, emit)
    shown = {name: getattr(wish, name) for name in ("depth", "level", "shade") if getattr(wish, name)}
    make_view = view_function(view)
    return _picture(lambda nodes: make_view(flow, nodes=nodes, graph=graph, **shown), wish, MAX_NODES)


def check(view: str | None, target: str | None, wish: PictureWish) -> None:
    """Refuse what makes no sense before any work is done.

    Raises:
        RequestError: there is no such view, or it does not go with the rest.
    """
    if view is not None and view not in VIEWS:
        raise RequestError(f"no view {view!r}", f"views: {', '.join(VIEWS)}")
    if target is None and view not in (None, OVERVIEW, ALL):
        raise RequestError(f"no target for --view {view}", f"explorer graph TARGET --view {view}")
    if target is not None and view == OVERVIEW:
        raise RequestError("the overview is of all of timm", f"leave {target} out, or --view overview")
    for name, views in _FITTING.items():
        if getattr(wish, name) and view not in views:
            fitting = ", ".join(v for v in views if v)
            option = "--set" if name == "args" else f"--{name.replace('_', '-')}"
            raise RequestError(f"{option} says nothing to --view {view or CALLS}", f"for: {fitting}")
    for name, values in {"level": ("module", "operator"), "shade": ("macs", "params")}.items():
        if getattr(wish, name) not in (None, *values):
            raise RequestError(f"no {name} {getattr(wish, name)!r}", f"--{name} {' or '.join(values)}")


# views of the source


def _static_picture(graph: Graph, target: str | None, view: str | None, wish: PictureWish, emit: Emit) -> Picture:
    """What reads the source alone: every view but those of a model that runs."""
    if view == ALL:
        return _everything(graph, target)
    if target is None:
        return _static(OVERVIEW, graph, None, wish)
    node, suiting = _found(graph, target, view)
    if (view or suiting) != CALLS:
        return _static(view or suiting, graph, undeprecated(graph, node, emit), wish)
    return _calls(graph, node, wish, emit, is_asked=view == CALLS)


def _found(graph: Graph, target: str, view: str | None) -> tuple[Node, str]:
    """The node that is meant, and the view that suits it."""
    is_model = any(f"{kind}:{target}" in graph for kind in (NodeKind.MODEL, NodeKind.ALIAS, NodeKind.WEIGHTS))
    if view in (None, FAMILY, CLASSES) and not is_model and target in families(graph):
        names = map(registration_of, graph.nodes(NodeKind.MODEL, NodeKind.ALIAS))
        module = next(r.module for r in names if r and r.family == target)
        return graph.get(f"timm.models.{target}") or graph.node(module), FAMILY
    node = find_node(graph, target)
    return node, {NodeKind.CLASS: CLASSES, NodeKind.MODULE: IMPORTS}.get(node.kind, CALLS)


def _static(view: str, graph: Graph, node: Node | None, wish: PictureWish) -> Picture:
    steps = ("up", "depth") if view in _STEPS else ()
    wishes = {name: getattr(wish, name) for name in steps if getattr(wish, name) is not None}
    whats = (graph,) if node is None else (graph, node)
    make_view = view_function(view)
    return _picture(lambda nodes: make_view(*whats, nodes=nodes, **wishes), wish, MAX_NODES)


def _picture(make: "Callable[[int], View]", wish: PictureWish, usual: int) -> Picture:
    """A picture whose data and lines are those of its view."""
    return Picture(make, wish.nodes or usual, is_fixed=wish.nodes is not None)


def _calls(graph: Graph, node: Node, wish: PictureWish, emit: Emit, *, is_asked: bool) -> Picture:
    current = undeprecated(graph, node, emit)
    if is_asked and model_of(graph, current) is None and node.kind is not NodeKind.FUNCTION:
        raise RequestError(
            f"{node.name} is no function: it makes no calls", "--view calls takes a model or function; leave it out"
        )
    nodes = wish.nodes or USUAL_NODES
    up, depth = wish.up, wish.depth

    def part(budget: int | None) -> Slice:
        found = neighbourhood(graph, current, up=1 if up is None else up, depth=depth, max_nodes=budget)
        if found.left_out:
            tell(emit, f"{found.left_out} nodes further away are left out; --nodes shows more, --depth fewer")
        return found

    def lines() -> list[str]:
        shown = part(nodes)
        return tree_lines(shown.graph, shown.root)

    make_view = view_function(CALLS)
    return Picture(
        lambda budget: make_view(graph, node, up=up, depth=depth, nodes=budget),
        nodes,
        is_fixed=wish.nodes is not None,
        make_data=lambda budget: part(budget).graph.to_node_link(),
        make_lines=lines,
    )


def neighbourhood(
    graph: Graph, node: Node, *, up: int = 1, depth: int | None = None, max_nodes: int | None = USUAL_NODES
) -> Slice:
    """What ``create_model`` runs for a model, weights or alias; of anything else what it reaches and what reaches it.

    Args:
        graph: the whole graph.
        node: any node.
        up: steps to follow up, of what is no model.
        depth: steps to follow down; as many as there is room for when ``None``.
        max_nodes: the nearest nodes up to this number are kept; when ``None``, of a model all.
    """
    model = model_of(graph, node)
    if model is not None:
        return model_calls(graph, model, depth=depth, max_nodes=max_nodes)
    return around(graph, node, up=up, depth=depth, max_nodes=max_nodes or USUAL_NODES)


def _everything(graph: Graph, target: str | None) -> Picture:
    """All nodes and edges; a target has to be one of them."""
    if target is not None:
        find_node(graph, target)

    def lines() -> list[str]:
        raise RequestError("the whole graph is data", "-o FILE.json, .graphml, .gexf or .dot; --view overview draws it")

    return Picture(
        lambda _: view_of(graph, title="timm"),
        EVERYTHING,
        make_data=lambda _: graph.to_node_link(),
        make_lines=lines,
    )


# views of a model that runs


def flow_request(model: str, wish: PictureWish, sources: Sequence[Source] = ()) -> "FlowRequest":
    """What to run for a view of a model.

    Raises:
        RequestError: a wish has a value that makes no sense for any model.
    """
    from explorer.protocol.flow import FlowRequest  # views of the source alone wait for no msgspec

    asked = {name: getattr(wish, name) for name in _BUILDING if getattr(wish, name) is not None}
    return FlowRequest(model, **asked, args=wish.args, extra=for_worker(find_sources(sources)))


# a picture of somebody else's


_LARGEST_DOT = 100 << 20
"""Bytes."""

_MOST_WHOLE = 300
"""Nodes of a drawing that is somebody's own, or half as many as its edges, up to which it is shown as it is."""

_LAYOUT_LIMIT_S = 5.0


def dot_picture(file: Path, wish: PictureWish, emit: Emit = quiet) -> Picture:
    """A picture of a user's own DOT: as it is, or folded where it is large.

    Args:
        file: the DOT.
        wish: ``nodes`` is heeded.
        emit: takes what was left out or folded of the file.

    Raises:
        RequestError: the file cannot be read, or is no DOT.
    """
    from explorer.diagram.dot_folding import folded
    from explorer.diagram.dot_reader import read_dot  # both for nothing but this

    text = _text_of(file, emit)
    view = read_dot(text, title=file.name)
    is_large = len(view.nodes) > _MOST_WHOLE or len(view.edges) > 2 * _MOST_WHOLE
    return Picture(
        lambda nodes: folded(view, nodes) if nodes < EVERYTHING else view,
        wish.nodes or (MAX_NODES if is_large else max(len(view.nodes), 1)),
        is_fixed=wish.nodes is not None,
        may_be_wide=True,
        time_limit_s=_LAYOUT_LIMIT_S,
        tell=lambda note: tell(emit, note),
    )


def _text_of(file: Path, emit: Emit) -> str:
    try:
        content = read_regular(file, _LARGEST_DOT)
    except OSError as error:
        raise RequestError(f"cannot read {file}: {error.strerror or error}") from error
    encoding = "utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        # What Graphviz does; any bytes are Latin-1, and what is no DOT is refused as that.
        tell(emit, f"{file} is no UTF-8: read as Latin-1")
        return content.decode("latin-1")
