"""Which models use a thing: hold an instance of a class, or run a function when they are created."""

from collections.abc import Collection, Iterable

from explorer.graph import Graph, Node, NodeKind
from explorer.graph.instances import Held
from explorer.queries.composition import INIT, TORCH_MODULES, descendants, is_torch_module, makers, starts_in


def uses_of(graph: Graph, node: Node) -> dict[str, tuple[str, ...]]:
    """The models that hold an instance of a class, or whose creation runs a function; of a module, any of what it has.

    A class that no model has an instance of is used where one of its heirs is.

    Args:
        graph: the whole graph.
        node: a module, class, function or something external.

    Returns:
        By model name the classes that hold, make or call it there themselves, by id.
    """
    instances = graph.instances
    classes = _modules_meant(graph, node)
    held = {name: _holders(found, classes) for name, found in instances.having(classes)}
    # What a model's instance holds is known of nearly every model; of the others, what their creation makes.
    ran = uses_in_calls(graph, node)
    is_held = bool(classes) and node.kind is not NodeKind.MODULE
    uses: dict[str, tuple[str, ...]] = {}
    for model in graph.nodes(NodeKind.MODEL):
        found = {} if is_held and model.name in instances.models else ran
        if model.name in held or model.name in found:
            uses[model.name] = tuple(dict.fromkeys([*held.get(model.name, ()), *found.get(model.name, ())]))
    return uses


def _modules_meant(graph: Graph, node: Node) -> set[str]:
    """The classes of torch's modules that stand for a node; none where it is nothing that a model could hold."""
    classes = {c for c in starts_in(graph, node) if is_torch_module(graph, c) or c.startswith(TORCH_MODULES)}
    if node.kind is NodeKind.CLASS and classes and not any(graph.instances.having(classes)):
        return {heir for c in classes for heir in descendants(graph, c)} or classes
    return classes


def _holders(held: Held, classes: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(holder for holder, part in held.pairs if part in classes))


def uses_in_calls(graph: Graph, node: Node) -> dict[str, tuple[str, ...]]:
    """The models whose creation runs a function or makes an instance of a class, as :func:`uses_of` gives them."""
    wanted = {node.id}
    if node.kind is NodeKind.MODULE:
        wanted = {f for f in graph.ids(NodeKind.FUNCTION) if f.partition(":")[0] == node.id}
    elif node.kind is NodeKind.CLASS:
        wanted = set(_constructors(graph, node.id))
    contexts = graph.contexts
    numbers = set(contexts.of(wanted))
    above = makers(graph, wanted)
    found: dict[str, tuple[str, ...]] = {}
    for model in graph.nodes(NodeKind.MODEL):
        created = list(contexts.created(model.name))
        if not numbers.isdisjoint(created):
            found[model.name] = tuple(dict.fromkeys(above[c] for c in created if c in above))
    return found


def _constructors(graph: Graph, class_id: str) -> Iterable[str]:
    """What runs when an instance is made: a class without a constructor of its own is seen by its methods."""
    own = f"{class_id}{INIT}"
    if own in graph:
        return [own]
    methods = [f for f in graph.ids(NodeKind.FUNCTION) if f.startswith(f"{class_id}.")]
    return [*methods, *(f"{c}{INIT}" for c in descendants(graph, class_id))]
