"""timm's source -> the graph."""

from collections.abc import Mapping
from dataclasses import replace

from explorer import collector
from explorer.graph import CallData, ClassData, Edge, EdgeKind, FunctionData, Graph, GraphInfo, Node, NodeKind, Problem
from explorer.introspect.call_graph import CallGraph, follow_calls
from explorer.introspect.evaluator.machine import Evaluator
from explorer.introspect.evaluator.values import ExternalValue, external_id
from explorer.introspect.reading.parse import ClassDefinition, FunctionDefinition, Module, parse_module
from explorer.introspect.reading.source import SourceTree
from explorer.introspect.registry import Architecture, Registry, read_registry
from explorer.introspect.reuse import untouched_calls
from explorer.queries.node_data import AliasData, ModelData
from explorer.underway import counted


class Builder:
    """Builds the graph of one source in two steps: what timm is made of at once, its calls when they are asked for.

    Files with syntax errors are left out and named in ``info.problems``.

    Args:
        source: what to read.
    """

    def __init__(self, source: SourceTree) -> None:
        with collector.paused():
            self._modules, problems = _parse(source)
            self.graph = Graph(GraphInfo(source.version, source.origin, source.digest, tuple(problems)))
            """The graph; without calls, bases and what is external until :meth:`complete` has run."""
            self.graph.files = source.file_digests
            for module in self._modules.values():
                _add_definitions(self.graph, module)
                _add_imports(self.graph, module, self._modules)
            self._registry, self._evaluator = read_registry(self._modules, source.packages, source.beside)
            self.graph.info = replace(self.graph.info, untold=_untold(self._evaluator, self._modules))
            _add_registry(self.graph, self._registry, self._modules)
            _add_replacements(self.graph, self._registry)
            for (name, line), reason in self._evaluator.state.failures.items():
                problems.append(Problem(self._modules[name].file, line or None, reason))
            self.graph.info = replace(self.graph.info, problems=tuple(problems))

    def complete(self, before: Graph | None = None) -> Graph:
        """Follow the calls, once.

        Args:
            before: the whole static graph of an earlier state of the same files; what no change has touched is taken
                from it.
        """
        graph, modules, registry, evaluator = self.graph, self._modules, self._registry, self._evaluator
        if modules:
            with collector.paused():
                known = untouched_calls(before, graph.files, modules, registry) if before else None
                calls = follow_calls(evaluator, registry, known)
                _add_bases(graph, evaluator, modules)
                _add_calls(graph, calls, registry, modules)
                evaluator.forget()
                self._modules = {}
        return graph


def _untold(evaluator: Evaluator, modules: Mapping[str, Module]) -> tuple[Problem, ...]:
    """Where source of the user's own may register what it does not tell."""
    return tuple(
        Problem(modules[module].file, line, why)
        for (module, line), why in sorted(evaluator.state.untold.items())
        if evaluator.is_own(module)
    )


def _parse(source: SourceTree) -> tuple[dict[str, Module], list[Problem]]:
    modules: dict[str, Module] = {}
    problems = [Problem(file, None, reason) for file, reason in source.unreadable.items()]
    for name, file, content in counted(list(source.module_names()), f"reading timm {source.version}", "files"):
        try:
            modules[name] = parse_module(name, file, content)
        except SyntaxError as error:
            problems.append(Problem(file, error.lineno, error.msg))
        except (
            ValueError,
            LookupError,
            RecursionError,
            MemoryError,
        ) as error:  # NUL bytes, and brackets nested thousands deep
            problems.append(Problem(file, None, str(error)))
    return modules, problems


def _add_definitions(graph: Graph, module: Module) -> None:
    graph.add_node(Node(module.name, NodeKind.MODULE, module.file, 1, module.line_count, module.doc))
    definitions: list[ClassDefinition | FunctionDefinition] = [*module.classes.values(), *module.functions.values()]
    for definition in sorted(definitions, key=lambda d: (d.line, d.qualname)):
        node_id = f"{module.name}:{definition.qualname}"
        if isinstance(definition, FunctionDefinition):
            kind = NodeKind.FUNCTION
            data = FunctionData(definition.signature, definition.keywords, definition.decorators).to_json()
        else:
            kind = NodeKind.CLASS
            data = ClassData(definition.fields, definition.decorators).to_json()
        graph.add_node(Node(node_id, kind, module.file, definition.line, definition.end_line, definition.doc, data))
        parent = f"{module.name}:{definition.parent.qualname}" if definition.parent else module.name
        graph.add_edge(Edge(parent, node_id, EdgeKind.CONTAINS))


def _add_imports(graph: Graph, module: Module, modules: Mapping[str, Module]) -> None:
    """``from a import b`` imports ``a.b`` when that is a module, else ``a``."""
    for imported, lines in module.imported.items():
        target = imported if imported in modules else imported.rpartition(".")[0]
        if target in modules and target != module.name:
            graph.add_edge(Edge(module.name, target, EdgeKind.IMPORTS, sites=_sites(module, lines)))


def _add_bases(graph: Graph, evaluator: Evaluator, modules: Mapping[str, Module]) -> None:
    for cls in evaluator.state.classes:
        node_id = f"{cls.module}:{cls.qualname}"
        for base in evaluator.objects.bases(cls) if node_id in graph else ():
            target = external_id(base.name) if isinstance(base, ExternalValue) else f"{base.module}:{base.qualname}"
            if target != node_id:  # a base of the same name as the class is taken for the class
                _add_external(graph, target)
                sites = _sites(modules[cls.module], [cls.node.lineno])
                graph.add_edge(Edge(node_id, target, EdgeKind.INHERITS, sites=sites))


def _add_calls(graph: Graph, calls: CallGraph, registry: Registry, modules: Mapping[str, Module]) -> None:
    """Calls between functions; those of ``create_model`` that lead to an entrypoint went through the registry."""
    entrypoints = {architecture.entrypoint for architecture in registry.architectures.values()}
    factories = {calls.contexts.function(number) for number in calls.contexts.models.values()}
    for caller, callees in sorted(calls.edges.items()):
        if caller not in graph:
            continue
        module = modules[caller.partition(":")[0]]
        for callee, call in sorted(callees.items(), key=lambda item: (min(item[1].lines), item[0])):
            if callee.partition(":")[0] not in modules:
                _add_external(graph, callee)
            elif callee not in graph:
                continue  # what source makes up at run time, as a dataclass its `__init__`, has no definition
            dispatched = callee in entrypoints and caller in factories
            kind = EdgeKind.DISPATCHES if dispatched else EdgeKind.CALLS
            names = set(call.lines.values())
            # Told only where all lines call by one name; None stands for the callee's own.
            via = names.pop() if len(names) == 1 and not dispatched else None
            data = CallData(call.through, via).to_json()
            graph.add_edge(Edge(caller, callee, kind, sites=_sites(module, list(call.lines)), data=data))
    graph.contexts, graph.instances = calls.contexts, calls.instances


def _add_registry(graph: Graph, registry: Registry, modules: Mapping[str, Module]) -> None:
    for architecture in registry.architectures.values():
        _add_architecture(graph, architecture, modules.get(architecture.entrypoint.partition(":")[0]))
    for deprecation in registry.deprecations.values():
        alias = f"alias:{deprecation.name}"
        data = AliasData(deprecation.family, deprecation.module, deprecation.replaced_by)
        graph.add_node(Node(alias, NodeKind.ALIAS, data=data.to_json()))


def _add_replacements(graph: Graph, registry: Registry) -> None:
    """What a deprecated name leads to; where timm has no such tag, the architecture that it still builds."""
    for deprecation in registry.deprecations.values():
        name = deprecation.replaced_by or ""
        architecture = name.partition(".")[0]
        candidates = (f"model:{name}", f"weights:{name}", f"model:{architecture}", f"alias:{architecture}")
        target = next((c for c in candidates if c in graph), None)
        if target:
            graph.add_edge(Edge(f"alias:{deprecation.name}", target, EdgeKind.REPLACES))


def _add_architecture(graph: Graph, architecture: Architecture, module: Module | None) -> None:
    model = f"model:{architecture.name}"
    entrypoint = graph.get(architecture.entrypoint)
    line = architecture.line or None
    if entrypoint is None and module and line:
        # A lambda, or what text that was executed defines: nothing else names these.
        entrypoint = Node(architecture.entrypoint, NodeKind.FUNCTION, module.file, line, line)
        graph.add_node(entrypoint)
        graph.add_edge(Edge(module.name, entrypoint.id, EdgeKind.CONTAINS))
    data = ModelData(
        architecture.family,
        architecture.module,
        [weights.tag for weights in architecture.weights],
        architecture.pretrained,
        unknown=[] if architecture.weights_known else ["tags", "pretrained"],
    ).to_json()
    graph.add_node(replace(entrypoint or Node(model, NodeKind.MODEL), id=model, kind=NodeKind.MODEL, data=data))
    if entrypoint:
        sites = (f"{entrypoint.file}:{entrypoint.line}",)
        graph.add_edge(Edge(model, entrypoint.id, EdgeKind.REGISTERS, sites=sites))
    for weights in architecture.weights:
        node_id = f"weights:{weights.name}"
        graph.add_node(Node(node_id, NodeKind.WEIGHTS, data=weights.to_json()))
        graph.add_edge(Edge(model, node_id, EdgeKind.CONFIGURES))


def _add_external(graph: Graph, node_id: str) -> None:
    if node_id not in graph:
        graph.add_node(Node(node_id, NodeKind.EXTERNAL))


def _sites(module: Module, lines: list[int]) -> tuple[str, ...]:
    return tuple(f"{module.file}:{line}" for line in sorted(set(lines)))
