"""What ``explorer graph`` can show: which view of what, and how each is made, as a picture, as data or as lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.cli.options import undeprecated
from explorer.cli.output import notice
from explorer.errors import RequestError

if TYPE_CHECKING:
    from explorer.diagram import View
    from explorer.graph import Graph, Node
    from explorer.protocol import FlowRequest, FlowResult
    from explorer.queries.slices import Slice

OVERVIEW, CALLS, CLASSES, IMPORTS, FAMILY = "overview", "calls", "classes", "imports", "family"
ARCHITECTURE, DATAFLOW, USES, ALL = "architecture", "dataflow", "uses", "all"
VIEWS = (OVERVIEW, CALLS, CLASSES, IMPORTS, FAMILY, ARCHITECTURE, DATAFLOW, USES, ALL)
RUNNING = (ARCHITECTURE, DATAFLOW)
"""Views of a model that is built and run."""

_EVERYTHING = 100_000
"""A budget that nothing exceeds: data has all."""

_STEPS = (None, CALLS, CLASSES, IMPORTS)
_FITTING: dict[str, Sequence[str | None]] = {
    "depth": (*_STEPS, *RUNNING),
    "up": _STEPS,
    "level": (DATAFLOW,),
    "shade": (DATAFLOW,),
    "img_size": RUNNING,
    "in_chans": RUNNING,
    "num_classes": RUNNING,
    "features_only": RUNNING,
    "reparam": RUNNING,
    "arguments": RUNNING,
    "nodes": tuple(view for view in (None, *VIEWS) if view != ALL),
}
"""The views that each option has a meaning for; ``None`` is the one that suits the target."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Something to show. ``make`` gives its view for a budget of nodes, ``nodes`` is the one it opens with.

    ``data`` gives node-link data, of everything when no budget is named; ``lines`` a tree for terminals.
    """

    make: "Callable[[int], View]"
    nodes: int
    data: Callable[[int | None], dict[str, Any]]
    lines: Callable[[], list[str]]


def check(view: str | None, target: str | None, options: Mapping[str, Any]) -> None:
    """Refuse what makes no sense before any work is done.

    Args:
        view: as ``--view`` has it.
        target: what is to be shown.
        options: values by the name of the option, ``None`` or empty where it was not given.

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
        if options.get(name) and view not in views:
            fitting = ", ".join(v for v in views if v)
            raise RequestError(f"--{name.replace('_', '-')} says nothing to --view {view or CALLS}", f"for: {fitting}")
    for name, values in {"level": ("module", "operator"), "shade": ("macs", "params")}.items():
        if options.get(name) not in (None, *values):
            raise RequestError(f"no {name} {options[name]!r}", f"--{name} {' or '.join(values)}")


def picture_of(graph: "Graph", target: str | None, view: str | None, options: Mapping[str, Any]) -> Picture:
    """What reads the source alone: every view but those of a model that runs.

    Raises:
        RequestError: the view is not for this target.
        UnknownName: there is no such target.
    """
    if view == ALL:
        return _everything(graph, target)
    if target is None:
        return _static(OVERVIEW, graph, None, options)
    node, suiting = _found(graph, target, view)
    if (view or suiting) != CALLS:
        return _static(view or suiting, graph, undeprecated(graph, node), options)
    return _calls(graph, node, options, is_asked=view == CALLS)


def running_pictures(
    wishes: "Sequence[tuple[str, FlowRequest]]", options: Mapping[str, Any], graph: "Graph"
) -> "Iterator[Callable[[], Picture]]":
    """Views of models as they run, each model built and run once in one worker when its picture is asked for.

    Args:
        wishes: the view of each, and what to run for it.
        options: values by the name of the option.
        graph: where the classes' sources are.

    Raises:
        EngineError: a model cannot be built or run; raised when its picture is asked for.
    """
    from explorer.cli.narrator import narrator
    from explorer.engine.client import Client

    with Client() as client, narrator() as tell:
        for view, request in wishes:
            yield partial(_running, view, request, options, graph, lambda asked: client.run(asked, tell))


def _running(
    view: str,
    request: "FlowRequest",
    options: Mapping[str, Any],
    graph: "Graph",
    run: "Callable[[FlowRequest], FlowResult]",
) -> Picture:
    from explorer.diagram.views import view_function
    from explorer.queries.slices import MAX_NODES

    flow = run(request)
    function = view_function(view)
    wishes = {name: options[name] for name in ("depth", "level", "shade") if options.get(name)}
    return _picture(lambda nodes: function(flow, nodes=nodes, graph=graph, **wishes), options, MAX_NODES)


def flow_request(model: str, options: Mapping[str, Any], extras: Sequence[tuple[str, Path]]) -> "FlowRequest":
    """What to run for a view of a model.

    Raises:
        RequestError: an option's value makes no sense for any model.
    """
    from explorer.protocol import FlowRequest

    names = ("img_size", "in_chans", "num_classes", "features_only", "reparam")
    asked = {name: options[name] for name in names if options.get(name) is not None}
    own = tuple((name, str(path)) for name, path in extras)
    return FlowRequest(model, **asked, args=options.get("args") or {}, extra=own)


def dot_picture(file: Path, options: Mapping[str, Any]) -> Picture:
    """A picture of a user's own DOT.

    Raises:
        RequestError: the file cannot be read, or is no DOT.
    """
    from explorer.diagram.formats.dot import read_dot

    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RequestError(f"cannot read {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RequestError(f"{file} is no text in UTF-8", "convert it: iconv -t UTF-8") from error
    view = read_dot(text, title=file.name)
    return _picture(lambda _: view, options, max(len(view.nodes), 1))


def _picture(make: "Callable[[int], View]", options: Mapping[str, Any], usual: int) -> Picture:
    """A picture whose data and lines are those of its view."""
    from explorer.diagram.formats.interchange import view_node_link
    from explorer.diagram.formats.terminal import view_lines

    nodes = options.get("nodes") or usual
    return Picture(
        make,
        nodes,
        lambda budget: view_node_link(make(budget or _EVERYTHING)),
        lambda: view_lines(make(nodes)),
    )


def _static(view: str, graph: "Graph", node: "Node | None", options: Mapping[str, Any]) -> Picture:
    from explorer.diagram.views import view_function
    from explorer.queries.slices import MAX_NODES

    function = view_function(view)
    steps = ("up", "depth") if view in _STEPS else ()
    wishes = {name: options[name] for name in steps if options.get(name) is not None}
    whats = (graph,) if node is None else (graph, node)
    return _picture(lambda nodes: function(*whats, nodes=nodes, **wishes), options, MAX_NODES)


def _found(graph: "Graph", target: str, view: str | None) -> "tuple[Node, str]":
    """The node that is meant, and the view that suits it."""
    from explorer.graph import NodeKind
    from explorer.queries.model_list import families
    from explorer.queries.names import find_node
    from explorer.queries.node_data import registration_of

    is_model = any(f"{kind}:{target}" in graph for kind in (NodeKind.MODEL, NodeKind.ALIAS, NodeKind.WEIGHTS))
    if view in (None, FAMILY, CLASSES) and not is_model and target in families(graph):
        names = map(registration_of, graph.nodes(NodeKind.MODEL, NodeKind.ALIAS))
        module = next(r.module for r in names if r and r.family == target)
        return graph.get(f"timm.models.{target}") or graph.node(module), FAMILY
    node = find_node(graph, target)
    return node, {NodeKind.CLASS: CLASSES, NodeKind.MODULE: IMPORTS}.get(node.kind, CALLS)


def _calls(graph: "Graph", node: "Node", options: Mapping[str, Any], *, is_asked: bool) -> Picture:
    from explorer.diagram.formats.terminal import tree_lines
    from explorer.diagram.views.call_view import calls
    from explorer.graph import NodeKind
    from explorer.queries.names import model_of
    from explorer.queries.slices import USUAL_NODES

    current = undeprecated(graph, node)
    model = model_of(graph, current)
    if is_asked and model is None and node.kind is not NodeKind.FUNCTION:
        raise RequestError(
            f"{node.name} is no function: it makes no calls", "--view calls takes a model or function; leave it out"
        )
    nodes = options.get("nodes") or USUAL_NODES
    up, depth = options.get("up"), options.get("depth")

    def part(budget: int | None) -> "Slice":
        found = _slice(graph, model or current, model is not None, up, depth, budget)
        if found.left_out:
            notice(f"{found.left_out} nodes further away are left out; --nodes shows more, --depth fewer")
        return found

    def lines() -> list[str]:
        shown = part(nodes)
        return tree_lines(shown.graph, shown.root)

    return Picture(
        lambda budget: calls(graph, node, up=up, depth=depth, nodes=budget),
        nodes,
        lambda budget: part(budget).graph.to_node_link(),
        lines,
    )


def _slice(
    graph: "Graph", node: "Node", is_model: bool, up: int | None, depth: int | None, max_nodes: int | None
) -> "Slice":
    from explorer.queries.slices import USUAL_NODES, around, model_calls

    if is_model:
        return model_calls(graph, node, depth=depth, max_nodes=max_nodes)
    return around(graph, node, up=1 if up is None else up, depth=depth, max_nodes=max_nodes or USUAL_NODES)


def _everything(graph: "Graph", target: str | None) -> Picture:
    """All nodes and edges; a target has to be one of them."""
    from explorer.diagram.view import view_of
    from explorer.queries.names import find_node

    if target is not None:
        find_node(graph, target)

    def lines() -> list[str]:
        raise RequestError("the whole graph is data", "-o FILE.json, .graphml, .gexf or .dot; --view overview draws it")

    return Picture(lambda _: view_of(graph, title="timm"), _EVERYTHING, lambda _: graph.to_node_link(), lines)
