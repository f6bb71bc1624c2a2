"""What of an earlier graph still holds when some files have changed."""

from collections.abc import Iterable, Mapping

from explorer.graph import CallData, EdgeKind, Graph, NodeKind
from explorer.graph.contexts import Contexts
from explorer.graph.instances import InstanceTable
from explorer.graph.walk import reached, visit
from explorer.introspect.call_graph import CallEdge, CallGraph, KnownCalls
from explorer.introspect.reading.parse import Module
from explorer.introspect.registry import Architecture, Deprecation, Registry
from explorer.queries.creation import call_between


def untouched_calls(
    before: Graph, files: Mapping[str, str], modules: Mapping[str, Module], registry: Registry
) -> KnownCalls:
    """The calls that no change can have touched.

    A module is touched when its file has changed, or when it uses a name of one that is, at whatever remove. A model's
    calls are kept when the module that registers it and that of ``create_model`` are untouched: whatever its creation
    runs, these name.

    Args:
        before: the earlier graph, static.
        files: every file's digest, by path, as they are now.
        modules: the modules as they are now.
        registry: what is registered now.
    """
    touched = _touched(before, files, modules)
    untouched = frozenset(modules) - touched
    contexts = before.contexts
    entries: list[Architecture | Deprecation] = [*registry.architectures.values(), *registry.deprecations.values()]
    factories = {contexts.function(number).partition(":")[0] for number in contexts.models.values()}
    # A module is kept or followed as a whole: contexts of its models share most of what they call.
    untouched -= {entry.module for entry in entries if factories & touched or entry.name not in contexts.models}
    # Called with anything, a factory leads to every model, so that one more or one less touches it.
    untouched -= _depending(before, touched) | (factories if _has_other_models(before, registry) else set())
    models = {e.name: contexts.models[e.name] for e in entries if e.module in untouched}
    others = {f: c for f, c in contexts.others.items() if f.partition(":")[0] in untouched}
    return KnownCalls(untouched, _restricted(before, models, others))


def _depending(before: Graph, touched: set[str]) -> set[str]:
    """Modules of functions that, called with anything, lead into a touched module though they name none: by the
    registry, say."""
    contexts = before.contexts
    return {
        function.partition(":")[0]
        for function, number in contexts.others.items()
        if any(contexts.function(called).partition(":")[0] in touched for called in contexts.reached(number))
    }


def _has_other_models(before: Graph, registry: Registry) -> bool:
    """Whether models came or went."""
    entrypoints = {edge.target for edge in before.edges(EdgeKind.REGISTERS)}
    return entrypoints != {architecture.entrypoint for architecture in registry.architectures.values()}


def _touched(before: Graph, files: Mapping[str, str], modules: Mapping[str, Module]) -> set[str]:
    """Modules that changed, came or went, and all whose names come from one that did."""
    changed = {name for name, module in modules.items() if files[module.file] != before.files.get(module.file)}
    # A module that went is imported no more, so only the earlier graph knows who did.
    gone = {node.id for node in before.nodes(NodeKind.MODULE) if node.id not in modules}
    touched = changed | gone | {edge.source for name in gone for edge in before.in_edges(name, EdgeKind.IMPORTS)}
    users: dict[str, set[str]] = {}
    for name, module in modules.items():
        for target in module.imported:
            wholes, passed = _origins(target, modules)
            for whole in wholes:
                users.setdefault(whole, set()).add(name)
            if changed & passed:
                touched.add(name)
    return set(reached(touched, lambda name: users.get(name, ())))


def _origins(target: str, modules: Mapping[str, Module]) -> tuple[set[str], set[str]]:
    """Where an imported name (``timm.layers.Mlp``) comes from: the modules that it may be defined in, and those that
    only pass it on."""
    wholes: set[str] = set()
    passed: set[str] = set()

    def sources(name: str) -> Iterable[str]:
        module, _, last = name.rpartition(".")
        if name in modules:
            wholes.add(name)
        elif module in modules:
            found = [other for other in modules[module].imported if other.endswith(f".{last}") and last != "*"]
            (passed if found else wholes).add(module)
            return found
        return ()

    visit([target], sources)
    return wholes, passed


def _restricted(before: Graph, models: dict[str, int], others: dict[str, int]) -> CallGraph:
    """The contexts that these lead to, renumbered, and the calls they make."""
    contexts = before.contexts
    instances = InstanceTable()
    kept = CallGraph(contexts=Contexts(ids=contexts.ids), instances=instances.instances)
    for name in models:
        if held := before.instances.of(name):
            instances.add(name, held)
    numbers: dict[int, int] = {}
    for number in sorted(reached([*models.values(), *others.values()], contexts.calls)):
        direct = [numbers[n] for n in contexts.direct[number]]
        through = [numbers[n] for n in contexts.through[number]]
        numbers[number] = kept.contexts.add(contexts.functions[number], direct, through)
        caller = contexts.function(number)
        edges = kept.edges.get(caller, {})
        for callee in map(contexts.function, contexts.calls(number)):
            edge = None if callee in edges else call_between(before, caller, callee)
            if edge is not None:
                call = CallData.of(edge)
                lines = {int(site.rpartition(":")[2]): call.via for site in edge.sites}
                edges[callee] = CallEdge(lines, call.through)
        if edges:  # what is not of the package has none, and is no caller
            kept.edges[caller] = edges
    kept.contexts.models = {name: numbers[number] for name, number in models.items()}
    kept.contexts.others = {name: numbers[number] for name, number in others.items()}
    return kept
