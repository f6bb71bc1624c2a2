"""The graph as networkx's node-link JSON, written and read without networkx (its import costs more than a command)."""

from typing import Any

from explorer.graph.model import Edge, EdgeKind, Evidence, Graph, GraphInfo, Node, NodeKind, Problem


def to_node_link(graph: Graph) -> dict[str, Any]:
    """A dict that ``networkx.node_link_graph(data, edges="edges")`` reads back as a ``MultiDiGraph``.

    Nodes carry ``id, kind, name`` and, where they have them, ``file, line, end_line, doc, data``. Edges carry
    ``source, target, key`` (the kind, as networkx needs it), ``kind, evidence, sites, data``.
    """
    info = graph.info
    return {
        "directed": True,
        "multigraph": True,
        "graph": {
            "timm_version": info.timm_version,
            "origin": info.origin,
            "digest": info.digest,
            "problems": [{"file": p.file, "line": p.line, "message": p.message} for p in info.problems],
        },
        "nodes": [node_dict(node) for node in graph.nodes()],
        "edges": [edge_dict(edge) for edge in graph.edges()],
    }


def from_node_link(data: dict[str, Any]) -> Graph:
    """The graph that :func:`to_node_link` wrote.

    Raises:
        KeyError, ValueError: the data is not of that form.
    """
    about = data["graph"]
    problems = tuple(Problem(p["file"], p["line"], p["message"]) for p in about.get("problems", ()))
    graph = Graph(GraphInfo(about["timm_version"], about["origin"], about["digest"], problems))
    for n in data["nodes"]:
        place = {k: n.get(k) for k in ("file", "line", "end_line", "doc")}
        graph.add_node(Node(n["id"], NodeKind(n["kind"]), **place, data=n.get("data", {})))
    for e in data["edges"]:
        evidence = tuple(Evidence(x) for x in e["evidence"])
        graph.add_edge(
            Edge(e["source"], e["target"], EdgeKind(e["kind"]), evidence, tuple(e["sites"]), e.get("data", {}))
        )
    return graph


def node_dict(node: Node) -> dict[str, Any]:
    """One node as JSON; facts it does not have are left out."""
    known = {"file": node.file, "line": node.line, "end_line": node.end_line, "doc": node.doc}
    facts = {k: v for k, v in known.items() if v is not None}
    data = {"data": dict(node.data)} if node.data else {}
    return {"id": node.id, "kind": str(node.kind), "name": node.name, **facts, **data}


def edge_dict(edge: Edge) -> dict[str, Any]:
    """One edge as JSON."""
    data = {"data": dict(edge.data)} if edge.data else {}
    return {
        "source": edge.source,
        "target": edge.target,
        "key": str(edge.kind),
        "kind": str(edge.kind),
        "evidence": [str(e) for e in edge.evidence],
        "sites": list(edge.sites),
        **data,
    }
