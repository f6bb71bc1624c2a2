"""All that is known of one node, as one flat record: what ``explorer show`` prints and the terminal app's details."""

from collections.abc import Callable
from typing import Any

from explorer.graph import ClassData, EdgeKind, FunctionData, Graph, Node, NodeKind
from explorer.queries.composition import INIT
from explorer.queries.creation import model_classes
from explorer.queries.names import model_of, weights_of
from explorer.queries.node_data import AliasData, ModelData, WeightsData, registration_of, source_url


def facts(graph: Graph, node: Node) -> dict[str, Any]:
    """What is known of a node: ``id, kind, name``, its place in the source, and what its kind has.

    A model, its weights and a deprecated name have ``family, deprecated, replaced_by, tags, pretrained, cfg`` and
    ``unknown``, the fields of ``cfg`` that the source does not settle.
    """
    record: dict[str, Any] = {"id": node.id, "kind": str(node.kind), "name": node.name}
    record |= _OF_KIND[node.kind](graph, node)
    return record


def _place(graph: Graph, node: Node) -> dict[str, Any]:
    if node.file is None:
        return {}
    return {
        "file": node.file,
        "line": node.line,
        "end_line": node.end_line,
        "source_url": source_url(node, graph.info.timm_version),
        "doc": node.doc,
    }


def _model(graph: Graph, node: Node) -> dict[str, Any]:
    model, weights = model_of(graph, node), weights_of(graph, node)
    registration = registration_of(model or node)
    model_data = ModelData.of(model) if model else None
    weights_data = WeightsData.of(weights) if weights else None
    alias = AliasData.of(node) if node.kind is NodeKind.ALIAS else None
    if node.kind is NodeKind.MODEL:
        is_pretrained = ModelData.of(node).pretrained
    else:
        is_pretrained = bool(model_data and weights_data and weights_data.has_weights)
    record: dict[str, Any] = {
        "family": registration.family if registration else None,
        "architecture": model.name if model else None,
        "tag": (weights_data.tag or None) if weights_data else None,
        "deprecated": alias is not None,
        "replaced_by": alias.replaced_by if alias else None,
        "tags": list(model_data.tags) if model_data else [],
        "pretrained": is_pretrained,
        "cfg": dict(weights_data.cfg) if weights_data else None,
        "unknown": [*(model_data.unknown if model_data else ()), *(weights_data.unknown if weights_data else ())],
    }
    if model:
        record |= _built(graph, model)
    return record


def _built(graph: Graph, model: Node) -> dict[str, Any]:
    """Where the model comes from: entrypoint, class, and the deprecated names that lead to it."""
    entrypoint = next(graph.successors(model.id, EdgeKind.REGISTERS), None)
    function = graph.get(entrypoint) if entrypoint else None
    configured = list(graph.successors(model.id, EdgeKind.CONFIGURES))
    aliases = [alias for name in (model.id, *configured) for alias in graph.predecessors(name, EdgeKind.REPLACES)]
    return {
        "entrypoint": entrypoint,
        "classes": model_classes(graph, model, entrypoint) if entrypoint else [],
        "aliases": [graph.node(alias).name for alias in aliases],
        **(_place(graph, function) if function else {}),
    }


def _module(graph: Graph, node: Node) -> dict[str, Any]:
    contained = _targets(graph, node, EdgeKind.CONTAINS)
    models = [model for part in contained for model in graph.predecessors(part, EdgeKind.REGISTERS)]
    return {
        **_place(graph, node),
        "models": [graph.node(i).name for i in models],
        "contains": contained,
        "imports": _targets(graph, node, EdgeKind.IMPORTS),
        "imported_by": _sources(graph, node, EdgeKind.IMPORTS),
    }


def _class(graph: Graph, node: Node) -> dict[str, Any]:
    init = graph.get(f"{node.id}{INIT}")
    return {
        **_place(graph, node),
        "signature": FunctionData.of(init).signature if init else None,
        "decorators": list(ClassData.of(node).decorators),
        "inherits": _targets(graph, node, EdgeKind.INHERITS),
        "inherited_by": _sources(graph, node, EdgeKind.INHERITS),
        "contains": _targets(graph, node, EdgeKind.CONTAINS),
        "made_by": _sources(graph, init, EdgeKind.CALLS) if init else [],
    }


def _function(graph: Graph, node: Node) -> dict[str, Any]:
    data = FunctionData.of(node)
    return {
        **_place(graph, node),
        "signature": data.signature,
        "decorators": list(data.decorators),
        "registers": [graph.node(i).name for i in _sources(graph, node, EdgeKind.REGISTERS)],
        "calls": _targets(graph, node, EdgeKind.CALLS),
        "called_by": [*_sources(graph, node, EdgeKind.CALLS), *_sources(graph, node, EdgeKind.DISPATCHES)],
        "dispatches": _targets(graph, node, EdgeKind.DISPATCHES),
    }


def _external(graph: Graph, node: Node) -> dict[str, Any]:
    return {
        "called_by": _sources(graph, node, EdgeKind.CALLS),
        "inherited_by": _sources(graph, node, EdgeKind.INHERITS),
    }


def _targets(graph: Graph, node: Node, kind: EdgeKind) -> list[str]:
    return list(graph.successors(node.id, kind))


def _sources(graph: Graph, node: Node, kind: EdgeKind) -> list[str]:
    return list(graph.predecessors(node.id, kind))


_OF_KIND: dict[NodeKind, Callable[[Graph, Node], dict[str, Any]]] = {
    NodeKind.MODEL: _model,
    NodeKind.WEIGHTS: _model,
    NodeKind.ALIAS: _model,
    NodeKind.MODULE: _module,
    NodeKind.CLASS: _class,
    NodeKind.FUNCTION: _function,
    NodeKind.PARAMETER: _place,
    NodeKind.EXTERNAL: _external,
}
