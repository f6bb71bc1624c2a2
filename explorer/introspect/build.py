"""timm's source -> the graph."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from explorer.graph import Edge, EdgeKind, Graph, GraphInfo, Node, NodeKind, Problem
from explorer.introspect.calls import find_calls
from explorer.introspect.parse import Definition, FunctionDefinition, Module, parse_module
from explorer.introspect.registry import Architecture, Registry, read_registry
from explorer.introspect.resolve import Ref, RefKind, Resolver
from explorer.introspect.source import SourceTree, module_name


def build_graph(source: SourceTree) -> Graph:
    """Build the whole graph from source. Files with syntax errors are left out and named in ``info.problems``."""
    with _collector_paused():
        return _build(source)


def _build(source: SourceTree) -> Graph:
    modules, problems = _parse(source)
    graph = Graph(GraphInfo(source.version, source.origin, source.digest, tuple(problems)))
    resolver = Resolver(modules)
    for module in modules.values():
        _add_definitions(graph, module)
    for module in modules.values():
        _add_imports(graph, module, modules)
        _add_bases(graph, module, resolver)
    _add_calls(graph, modules, resolver)
    registry = read_registry(modules)
    _add_registry(graph, registry)
    _add_replacements(graph, registry)
    _add_dispatches(graph, registry, resolver, modules)
    return graph


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A million small syntax nodes, alive all along: looking for garbage among them takes as long as parsing does.

    What runs inside must let go of the trees before it returns, or the first collection walks them after all.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _parse(source: SourceTree) -> tuple[dict[str, Module], list[Problem]]:
    modules: dict[str, Module] = {}
    problems = [Problem(file, None, reason) for file, reason in source.unreadable.items()]
    for file, content in source.files.items():
        name = module_name(file)
        try:
            modules[name] = parse_module(name, file, content)
        except SyntaxError as error:
            problems.append(Problem(file, error.lineno, error.msg))
        except (ValueError, RecursionError, MemoryError) as error:
            problems.append(Problem(file, None, str(error)))
    return modules, problems


def _add_definitions(graph: Graph, module: Module) -> None:
    graph.add_node(Node(module.name, NodeKind.MODULE, module.file, 1, module.line_count, module.doc))
    definitions: list[Definition] = [*module.classes.values(), *module.functions.values()]
    for definition in sorted(definitions, key=lambda d: (d.line, d.qualname)):
        node_id = f"{module.name}:{definition.qualname}"
        if isinstance(definition, FunctionDefinition):
            kind = NodeKind.FUNCTION
            data: dict[str, Any] = {"signature": definition.signature}
        else:
            kind, data = NodeKind.CLASS, {}
        if definition.decorators:
            data["decorators"] = [".".join(path) for path in definition.decorators]
        graph.add_node(Node(node_id, kind, module.file, definition.line, definition.end_line, definition.doc, data))
        parent = f"{module.name}:{definition.parent.qualname}" if definition.parent else module.name
        graph.add_edge(Edge(parent, node_id, EdgeKind.CONTAINS))


def _add_imports(graph: Graph, module: Module, modules: Mapping[str, Module]) -> None:
    """``from a import b`` imports ``a.b`` when that is a module, else ``a``."""
    for imported, lines in module.imported.items():
        target = imported if imported in modules else imported.rpartition(".")[0]
        if target in modules and target != module.name:
            graph.add_edge(Edge(module.name, target, EdgeKind.IMPORTS, sites=_sites(module, lines)))


def _add_bases(graph: Graph, module: Module, resolver: Resolver) -> None:
    for definition in module.classes.values():
        cls = Ref(RefKind.CLASS, module.name, definition.qualname)
        for base in resolver.bases(cls):
            _add_external(graph, base)
            graph.add_edge(Edge(cls.id, base.id, EdgeKind.INHERITS, sites=_sites(module, [definition.line])))


def _add_calls(graph: Graph, modules: Mapping[str, Module], resolver: Resolver) -> None:
    for call in find_calls(modules, resolver):
        _add_external(graph, call.callee)
        data = {"via": call.via, "stands_for": call.stands_for, "default": call.default, "binds": call.binds}
        sites = _sites(modules[call.caller.module], call.lines)
        graph.add_edge(Edge(call.caller.id, call.callee.id, EdgeKind.CALLS, sites=sites, data=_given(data)))


def _add_registry(graph: Graph, registry: Registry) -> None:
    for architecture in registry.architectures.values():
        _add_architecture(graph, architecture)
    for deprecation in registry.deprecations.values():
        alias = f"alias:{deprecation.name}"
        data = {
            "family": deprecation.family,
            "module": deprecation.module,
            "replaced_by": deprecation.replaced_by,
        }
        graph.add_node(Node(alias, NodeKind.ALIAS, data=data))


def _add_replacements(graph: Graph, registry: Registry) -> None:
    """What a deprecated name leads to; where timm has no such tag, the architecture that it still builds."""
    for deprecation in registry.deprecations.values():
        name = deprecation.replaced_by or ""
        architecture = name.partition(".")[0]
        candidates = (
            (f"weights:{name}", f"model:{architecture}", f"alias:{architecture}")
            if "." in name
            else (f"model:{name}", f"alias:{name}")
        )
        target = next((c for c in candidates if c in graph), None)
        if target:
            graph.add_edge(Edge(f"alias:{deprecation.name}", target, EdgeKind.REPLACES))


def _add_architecture(graph: Graph, architecture: Architecture) -> None:
    model = f"model:{architecture.name}"
    entrypoint = graph.get(architecture.entrypoint)
    data = {
        "family": architecture.family,
        "module": architecture.module,
        "tags": [w.tag for w in architecture.weights],
        "pretrained": architecture.pretrained,
    }
    if not architecture.weights_known:
        data["unknown"] = ["tags", "pretrained"]
    graph.add_node(
        replace(entrypoint, id=model, kind=NodeKind.MODEL, data=data)
        if entrypoint
        else Node(model, NodeKind.MODEL, data=data)
    )
    if entrypoint:
        sites = (f"{entrypoint.file}:{entrypoint.line}",)
        graph.add_edge(Edge(model, entrypoint.id, EdgeKind.REGISTERS, sites=sites))
    for weights in architecture.weights:
        node_id = f"weights:{weights.name}"
        facts = {
            "architecture": architecture.name,
            "tag": weights.tag,
            "has_weights": weights.has_weights,
            "cfg": weights.cfg,
            "unknown": list(weights.unknown),
        }
        graph.add_node(Node(node_id, NodeKind.WEIGHTS, data=facts))
        graph.add_edge(Edge(model, node_id, EdgeKind.CONFIGURES))


def _add_dispatches(graph: Graph, registry: Registry, resolver: Resolver, modules: Mapping[str, Module]) -> None:
    """``create_model`` calls what it looked up in ``_model_entrypoints``: a local name that holds the entrypoint."""
    root = modules.get("timm.models")
    ref = resolver.resolve(root, None, ("create_model",)) if root else None
    function = resolver.function(ref) if ref else None
    if ref is None or function is None:
        return
    lines = [c.line for c in function.calls if len(c.callee) == 1 and c.callee[0] in function.scope.stores]
    sites = _sites(modules[ref.module], lines)
    for architecture in registry.architectures.values():
        if architecture.entrypoint in graph:
            graph.add_edge(Edge(ref.id, architecture.entrypoint, EdgeKind.DISPATCHES, sites=sites))


def _add_external(graph: Graph, ref: Ref) -> None:
    if ref.kind is RefKind.EXTERNAL and ref.id not in graph:
        graph.add_node(Node(ref.id, NodeKind.EXTERNAL))


def _given(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value}


def _sites(module: Module, lines: list[int]) -> tuple[str, ...]:
    return tuple(f"{module.file}:{line}" for line in sorted(set(lines)))
