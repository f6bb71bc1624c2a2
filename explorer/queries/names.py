"""What a user means by a name: one node, or an error that says what is close."""

from collections.abc import Collection, Sequence

from explorer.errors import RequestError, UnknownName
from explorer.graph import EdgeKind, Graph, Node, NodeKind, fuzzy
from explorer.graph.fuzzy import Hit, closest
from explorer.queries.node_data import PACKAGE, AliasData, ModelData, WeightsData, registration_of

_SOURCE_KINDS = (NodeKind.MODULE, NodeKind.CLASS, NodeKind.FUNCTION, NodeKind.EXTERNAL)


def find_model(graph: Graph, name: str) -> Node:
    """The model, weights or alias node of a name as ``timm.create_model`` takes it.

    Raises:
        UnknownName: there is no such architecture, or it has no such tag.
        RequestError: the name's source (``hf-hub:``, ``local-dir:``) cannot be looked up here.
    """
    source, colon, rest = name.partition(":")
    if colon:
        return _find_sourced(graph, source, rest)
    architecture, dot, tag = name.partition(".")
    for node_id in (f"model:{name}", f"alias:{name}", f"weights:{name}"):
        if node := graph.get(node_id):
            return node
    model = graph.get(f"model:{architecture}")
    if dot and model:
        tags = [t for t in ModelData.of(model).tags if t]
        near = closest(tag, tags) or tags[:3]
        raise UnknownName.of("tag of that name:", name, [f"{architecture}.{t}" for t in near])
    names = _model_names(graph)
    raise hub_name_error(name, names) or UnknownName.of("model", name, closest(name, names))


def hub_name_error(name: str, architectures: Collection[str]) -> UnknownName | None:
    """What to say of a model's name on the hub, ``timm/resnet34.a1_in1k``, that timm takes with its source alone.

    Returns:
        The error; ``None`` for any other name.
    """
    user, slash, rest = name.partition("/")
    if not slash or user != PACKAGE or rest.partition(".")[0] not in architectures:
        return None
    return UnknownName(f"no model {name!r}", f"on the hub: hf-hub:{name}; in timm: {rest}")


def find_node(graph: Graph, name: str) -> Node:
    """The node of a name: a node id, a model name, a dotted name, or the bare name of a class or function.

    Raises:
        UnknownName: nothing is known by that name.
        RequestError: several things are, and none is meant more than the others.
    """
    source = name.partition(":")[0]
    if source in ("hf-hub", "hf_hub", "local-dir"):
        return find_model(graph, name)
    # Models first: many are called as the function that makes them, and some as the file that this is in.
    for node_id in (f"model:{name}", f"alias:{name}", f"weights:{name}", *_as_ids(name)):
        if node := graph.get(node_id):
            return node
    candidates = _by_bare_name(graph, name) if name else []
    if len(candidates) == 1:
        return graph.node(candidates[0])
    if candidates:
        some = ", ".join(candidates[:4]) + (f" and {len(candidates) - 4} more" if len(candidates) > 4 else "")
        raise RequestError(f"{name!r} is the name of {len(candidates)} things", f"say which: {some}")
    if graph.get(f"model:{name.partition('.')[0]}") or hub_name_error(name, _model_names(graph)):
        return find_model(graph, name)
    raise UnknownName.of("model, module, class or function", name, closest(name, _all_names(graph)))


def search(graph: Graph, text: str, kinds: Sequence[NodeKind] = (), limit: int = 20) -> list[Hit]:
    """Nodes whose name is like the text, best first, as :func:`explorer.graph.fuzzy.search` finds them."""
    return fuzzy.search(graph, text, kinds, limit, omitted=f"{PACKAGE}.")


def current(graph: Graph, node: Node) -> Node:
    """What a deprecated name stands for; any other node is returned as it is.

    Raises:
        RequestError: the name was removed, or what replaces it is not in the registry.
    """
    if node.kind is not NodeKind.ALIAS:
        return node
    replaced_by = AliasData.of(node).replaced_by
    if not replaced_by:
        raise RequestError(f"{node.name} was removed from timm with no replacement")
    for target in graph.successors(node.id, EdgeKind.REPLACES):
        return graph.node(target)
    raise RequestError(f"{node.name} is deprecated, and {replaced_by}, which timm maps it to, is not registered")


def model_of(graph: Graph, node: Node) -> Node | None:
    """The model behind a model, weights or alias node, ``None`` for a removed name or another kind of node."""
    if node.kind is NodeKind.MODEL:
        return node
    if node.kind is NodeKind.WEIGHTS:
        return graph.get(f"model:{WeightsData.of(node).architecture}")
    if node.kind is NodeKind.ALIAS:
        for target in graph.successors(node.id, EdgeKind.REPLACES):
            return model_of(graph, graph.node(target))
    return None


def module_of(graph: Graph, node: Node) -> str | None:
    """The module that a node is in, by id: a source node's own, and the one that registers a model by its name."""
    registration = registration_of(model_of(graph, node) or node)
    return registration.module if registration else node.module


def weights_of(graph: Graph, node: Node) -> Node | None:
    """The weights that a model, weights or alias node stands for: the default ones unless a tag is named.

    A deprecated name may be mapped to a tag that its model does not have: then there are none.
    """
    if node.kind is NodeKind.WEIGHTS:
        return node
    if node.kind is NodeKind.ALIAS:
        tag = (AliasData.of(node).replaced_by or "").partition(".")[2]
        for target in graph.successors(node.id, EdgeKind.REPLACES):
            stand_in = graph.node(target)
            return None if tag and stand_in.kind is NodeKind.MODEL else weights_of(graph, stand_in)
    if node.kind is NodeKind.MODEL:
        for target in graph.successors(node.id, EdgeKind.CONFIGURES):
            return graph.get(target)
    return None


def _find_sourced(graph: Graph, source: str, rest: str) -> Node:
    if source not in ("hf-hub", "hf_hub"):
        raise RequestError(f"models from {source}: cannot be looked up in timm's source", "name an architecture")
    hub_id = rest.partition("@")[0]  # a revision may follow
    ids = {node.id: WeightsData.of(node).cfg.get("hf_hub_id") for node in graph.nodes(NodeKind.WEIGHTS)}
    for node_id, known in ids.items():
        if known == hub_id:
            return graph.node(node_id)
    near = closest(hub_id, {known for known in ids.values() if known})
    raise UnknownName.of("weights of timm's own on the hub:", hub_id, [f"hf-hub:{i}" for i in near])


def _as_ids(name: str) -> list[str]:
    """``timm.models.resnet.ResNet.forward`` -> the ids it may stand for, ``timm.`` left out or not."""
    parts = name.split(".")
    dotted = [".".join(parts[:cut]) + ":" + ".".join(parts[cut:]) for cut in range(len(parts) - 1, 0, -1)]
    ids = [name, *dotted] if ":" not in name else [name]
    return [*ids, *(f"timm.{i}" for i in ids)]


def _by_bare_name(graph: Graph, name: str) -> list[str]:
    """Ids of source nodes whose qualname is the name, else of those whose last part is.

    ``timm.layers.ConvNormAct`` names what a package exports: the qualname is looked for below that package.
    """
    ids = list(graph.ids(*_SOURCE_KINDS))
    whole = [i for i in ids if i.partition(":")[2] == name]
    if whole:
        return whole
    package, _, last = name.replace(":", ".").rpartition(".")
    if package in graph:
        return [i for i in ids if i.startswith(f"{package}.") and i.partition(":")[2] == last]
    ending = f".{name}"
    return [i for i in ids if i.endswith(ending)]


def _model_names(graph: Graph) -> Sequence[str]:
    return [i.partition(":")[2] for i in graph.ids(NodeKind.MODEL, NodeKind.ALIAS)]


def _all_names(graph: Graph) -> Sequence[str]:
    kinds = (NodeKind.CLASS, NodeKind.FUNCTION, NodeKind.MODULE)
    return [
        *_model_names(graph),
        *(i.partition(":")[2] or i for i in graph.ids(*kinds) if "<locals>" not in i),
    ]
