"""``explorer path``."""

from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import JsonOption, StaticOption, TimmOption, WithOption, load, undeprecated
from explorer.cli.output import print_json, print_table
from explorer.errors import ExplorerError, RequestError

if TYPE_CHECKING:
    from explorer.graph import Edge, Graph, Node

CREATE_MODEL = "timm.models.create_model"


def path(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="[FROM] TO", help="FROM is create_model when left out.")],
    static: StaticOption = False,
    json: JsonOption = False,
    timm: TimmOption = None,
    extra: WithOption = None,
) -> None:
    """Show how one thing reaches another.

    The shortest chain of calls, with the registry's dispatch on the way; of other relations where no calls lead there.
    """
    from explorer.queries.names import find_node
    from explorer.queries.paths import shortest_path

    if len(names) > 2:
        raise RequestError(f"path takes one or two names, not {len(names)}", "explorer path [FROM] TO")
    graph = load(context, timm, extra, traces=not static)
    source = undeprecated(graph, find_node(graph, names[0] if len(names) == 2 else CREATE_MODEL))
    target = undeprecated(graph, find_node(graph, names[-1]))
    edges = shortest_path(graph, source, target)
    if edges is None:
        raise ExplorerError(f"no way from {source.id} to {target.id} is known", "`explorer show` lists who calls it")
    if json:
        print_json({"from": source.id, "to": target.id, "edges": [edge.to_json() for edge in edges]})
    else:
        _print_steps(graph, source, edges)


def _print_steps(graph: "Graph", source: "Node", edges: list["Edge"]) -> None:
    rows = [("", source.id, _place(source))]
    here = source.id
    for edge in edges:
        backwards = edge.source != here
        here = edge.source if backwards else edge.target
        how = _BACKWARDS.get(str(edge.kind), str(edge.kind)) if backwards else str(edge.kind)
        rows.append((how, here, _site(graph, edge) or _place(graph.node(here))))
    print_table(("how", "reaches", "at"), rows)


_BACKWARDS = {"registers": "registered as", "configures": "weights of", "contains": "belongs to"}


def _site(graph: "Graph", edge: "Edge") -> str:
    """The first of an edge's call sites, which stand in the file of its source."""
    from explorer.queries.node_data import place_of

    return place_of(graph.node(edge.source), edge.sites[0]) if edge.sites else ""


def _place(node: "Node") -> str:
    from explorer.queries.node_data import place_of

    return place_of(node, f"{node.file}:{node.line}") if node.file else ""
