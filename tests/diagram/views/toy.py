"""Names in the toy timm of ``tests.conftest``, and what a view of it shows."""

from pathlib import Path
from textwrap import dedent

from explorer.diagram.view import View
from explorer.graph import Graph
from explorer.introspect import load_graph

CREATE_MODEL = "timm.models._factory:create_model"
BUILDER = "timm.models._builder:build_model_with_cfg"
TOY, TOY_NET, CONV_ACT = "timm.models.toy", "timm.models.toy:ToyNet", "timm.layers.conv:ConvAct"


def arrows(view: View) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, str(edge.kind)) for edge in view.edges}


def boxes(view: View) -> dict[str, str]:
    return {node.id: node.sublabel for node in view.nodes}


def written(package: Path, files: dict[str, str]) -> Graph:
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return load_graph(package, use_cache=False)
