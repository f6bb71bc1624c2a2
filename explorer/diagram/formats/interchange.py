"""A graph or a view as data for other programs: networkx's node-link JSON, GraphML and GEXF."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from explorer.diagram.view import View
from explorer.plain_text import plain_json, plain_lines

_DATE = re.compile(r' lastmodifieddate="[^"]*"')
"""networkx dates a GEXF by today; without that the same graph gives the same bytes."""


def view_node_link(view: View) -> dict[str, Any]:
    """What a picture shows, as a dict that ``networkx.node_link_graph(data, edges="edges")`` reads.

    Nodes carry ``id, kind, label`` and, where they have them, ``sublabel, tooltip, href, group, focus, shade``; edges
    ``source, target, key`` (the kind, numbered where two have the same), ``kind, evidence`` and ``label, tooltip``.
    """
    facts = {"title": view.title, "subtitle": view.subtitle, "notes": list(view.notes), "shaded_by": view.shaded_by}
    return {
        "directed": True,
        "multigraph": True,
        "graph": {**_known(facts), "groups": [_fields(group) for group in view.groups]},
        "nodes": [_fields(node) for node in view.nodes],
        "edges": _edges(view),
    }


def data_of(node_link: Mapping[str, Any], fmt: str) -> bytes:
    """Node-link data in one of the formats for machines: ``json``, ``graphml`` or ``gexf``.

    In the latter two a fact that is no number and no text becomes JSON, and what XML lacks is shown.
    """
    return _json_of(node_link) if fmt == "json" else _xml_of(node_link, fmt)


def _json_of(node_link: Mapping[str, Any]) -> bytes:
    # One node or edge a line, so that two versions of a graph can be compared by any diff.
    encode = json.JSONEncoder(ensure_ascii=False).encode
    rows = {name: ",".join("\n" + encode(row) for row in node_link[name]) for name in ("nodes", "edges")}
    head = json.dumps({name: value for name, value in node_link.items() if name not in rows}, ensure_ascii=False)
    lists = (f'"{name}": [{lines}]' for name, lines in rows.items())
    return plain_json(",\n".join((head.removesuffix("}"), *lists)) + "}\n").encode()


def _xml_of(node_link: Mapping[str, Any], fmt: str) -> bytes:
    import networkx as nx  # takes longer to import than a picture to draw, and only these two formats need it

    graph = nx.MultiDiGraph(**_flat(node_link["graph"]))
    for node in node_link["nodes"]:
        facts = _flat(node)
        name = facts.pop("id")
        graph.add_node(name, **{"label": facts.get("name", name), **facts})
    for i, edge in enumerate(node_link["edges"]):
        facts = _flat(edge)
        source, target, key = (facts.pop(part) for part in ("source", "target", "key"))
        graph.add_edge(source, target, key=key, **facts, id=f"e{i}")
    if fmt == "graphml":
        written = BytesIO()
        nx.write_graphml_xml(graph, written, encoding="utf-8", prettyprint=True)
        return written.getvalue()
    lines = "\n".join(nx.generate_gexf(graph, encoding="utf-8", prettyprint=True))
    return f'<?xml version="1.0" encoding="utf-8"?>\n{_DATE.sub("", lines, count=1)}\n'.encode()


def _edges(view: View) -> list[dict[str, Any]]:
    keys: Counter[tuple[str, str, str]] = Counter()
    edges = []
    for edge in view.edges:
        keys[edge.source, edge.target, edge.kind] += 1
        number = keys[edge.source, edge.target, edge.kind]
        key = str(edge.kind) if number == 1 else f"{edge.kind} {number}"
        edges.append({"source": edge.source, "target": edge.target, "key": key, **_fields(edge)})
    return edges


def _fields(thing: object) -> dict[str, Any]:
    """The fields of a part of a view that hold something."""
    return _known({name: getattr(thing, name) for name in type(thing).__dataclass_fields__})  # type: ignore[attr-defined]


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: [str(x) for x in value] if isinstance(value, tuple) else value for name, value in facts.items()}
    plain = {name: str(value) if isinstance(value, str) else value for name, value in plain.items()}
    return {name: value for name, value in plain.items() if value or (value == 0 and value is not False)}


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as XML formats hold them."""
    return {name: _scalar(value) for name, value in facts.items()}


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return plain_lines(value)
    if isinstance(value, bool | int | float):
        return value
    return plain_json(json.dumps(value, ensure_ascii=False))
