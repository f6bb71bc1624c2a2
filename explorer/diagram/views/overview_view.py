"""The view ``overview``: timm on one whiteboard, models on one side, data on the other."""

from collections import Counter
from collections.abc import Iterator

from explorer.diagram.style import Flow
from explorer.diagram.view import Stack, View, column, counted, in_rows
from explorer.diagram.views.view_builder import ViewBuilder
from explorer.graph import EdgeKind, Graph, Node, NodeKind
from explorer.queries.composition import INIT, class_made_by, is_torch_module
from explorer.queries.families import Blocks, Family, blocks_of, families_of
from explorer.queries.slices import MAX_NODES

_YOURS = "frame:yours"

_CREATE_MODEL = "timm.models._factory:create_model"
_MOST_LAYERS = 5
"""How many layers stand on their own."""

_REGISTRY, _BUILDER, _LAYERS = "timm.models._registry", "timm.models._builder", "timm.layers"
_LOOK_UP = f"{_REGISTRY}:model_entrypoint"
_BUILD, _LOAD = f"{_BUILDER}:build_model_with_cfg", f"{_BUILDER}:load_pretrained"
_FROM_HUB = "timm.models._hub:load_state_dict_from_hf"
_NAMES, _ENTRYPOINTS, _CLASSES, _WEIGHTS = "group:names", "group:entrypoints", "group:classes", "group:weights"
_BLOCKS, _MOST_USED = "frame:blocks", "frame:most-used"
_NAMING, _FAMILIES, _MAKING, _LAYER = (f"frame:{name}" for name in ("registry", "models", "builder", "layers"))

_CREATE_DATASET = "timm.data.dataset_factory:create_dataset"
_CREATE_LOADER = "timm.data.loader:create_loader"
_CREATE_TRANSFORM = "timm.data.transforms_factory:create_transform"
_FACTORIES = {
    _CREATE_MODEL: "a name → a model",
    _CREATE_DATASET: "a name → images",
    _CREATE_LOADER: "images → batches",
    _CREATE_TRANSFORM: "an image → a tensor",
}

_CREATE_READER = "timm.data.readers.reader_factory:create_reader"
_RANDOM, _STREAM = "timm.data.dataset:ImageDataset", "timm.data.dataset:IterableImageDataset"
_PREFETCH = "timm.data.loader:PrefetchLoader"
_PIPELINES, _TORCHVISION, _MORE_READERS = "group:pipelines", "group:torchvision", "group:readers"
_LOADING, _DATASETS, _READERS = (f"frame:{name}" for name in ("loading", "datasets", "readers"))
_REST = "frame:rest"
_SHOWN = {"timm.models", "timm.layers", "timm.data"}


def overview(graph: Graph, *, nodes: int = MAX_NODES) -> View:
    """timm's factories, registry, families, layers and readers, and the arrows that matter.

    Args:
        graph: the whole graph.
        nodes: boxes at the most: fewer layers and readers are shown on their own where there is no room.
    """
    builder = ViewBuilder(graph)
    frame = builder.frame(_YOURS, "what you call", about="The four factories.")
    for factory, words in _FACTORIES.items():
        builder.source(factory, words=words, frame=frame)
    _add_models(builder)
    _add_data(builder)
    _add_the_rest(builder)
    most = max((nodes - len(builder.nodes)) // 2, 1)
    layers = _add_layers(builder, min(most, _MOST_LAYERS))
    readers = _add_readers(builder, most)
    builder.join(_CREATE_DATASET, _CREATE_LOADER, Flow.LEADS)
    found = counted(sum(1 for _ in graph.ids(NodeKind.MODEL)), "architecture")
    found = f"{found} in {counted(len(families_of(graph)), 'family', 'families')}"
    yours = Stack(tuple(_FACTORIES), frame=_YOURS, wide=True)
    below = Stack((_models_stack(layers), _data_stack(builder, readers)), align="start", gap_px=24.0)
    stack = Stack((yours, below), down=True, gap_px=36.0)
    return builder.view("timm on one whiteboard", found, stack=stack)


def _add_models(builder: ViewBuilder) -> None:
    """Boxes and arrows from ``create_model`` to the families."""
    families = families_of(builder.graph)
    _add_registry(builder)
    _add_families(builder, families)
    _add_builder(builder)
    builder.call(_CREATE_MODEL, _LOOK_UP)
    builder.join(_LOOK_UP, _NAMES, Flow.LEADS)
    builder.join(_NAMES, _WEIGHTS, EdgeKind.CONFIGURES)
    builder.join(_NAMES, _ENTRYPOINTS, EdgeKind.REGISTERS)
    dispatched = next(builder.graph.out_edges(_CREATE_MODEL, EdgeKind.DISPATCHES), None)
    if dispatched:
        builder.join(_CREATE_MODEL, _ENTRYPOINTS, EdgeKind.DISPATCHES, evidence=dispatched.evidence)
    builder.join(_ENTRYPOINTS, _BUILD, EdgeKind.CALLS)
    builder.join(_BUILD, _CLASSES, EdgeKind.CALLS)
    builder.call(_BUILD, _LOAD)
    builder.call(_LOAD, _FROM_HUB)
    builder.join(_WEIGHTS, _LOAD, Flow.LEADS)


def _models_stack(layers: tuple[str, ...]) -> Stack:
    """How the boxes stand; ``layers`` are those that stand on their own, and the rest."""
    blocks = column(map(_kind_box, Blocks), _BLOCKS, 16.0)
    most_used = Stack(in_rows(layers, 3, 16.0), down=True, frame=_MOST_USED, wide=True, gap_px=16.0)
    left = Stack((_ENTRYPOINTS, _CLASSES, blocks), down=True, frame=_FAMILIES, align="end")
    right = column((_BUILD, _LOAD, _FROM_HUB), _MAKING, 44.0)
    top = Stack((_LOOK_UP, _NAMES, _WEIGHTS), frame=_NAMING, wide=True, gap_px=24.0)
    middle = Stack((left, right), align="start", wide=True)
    bottom = Stack((_LAYERS, most_used), down=True, frame=_LAYER, wide=True, align="end", gap_px=20.0)
    return Stack((top, middle, bottom), down=True, gap_px=32.0)


def _add_layers(builder: ViewBuilder, most: int) -> tuple[str, ...]:
    """The layers that most models have on their own, the rest in one box; their ids."""
    graph = builder.graph
    inside = (node.id for node in graph.nodes(NodeKind.CLASS) if node.id.startswith(f"{_LAYERS}."))
    layers = [layer for layer in inside if is_torch_module(graph, layer)]
    frame = builder.frame(_LAYER, "layers", of=_LAYERS)
    builder.source(_LAYERS, words=counted(len(layers), "class", "classes"), frame=frame)
    builder.join(_CLASSES, _LAYERS, EdgeKind.COMPOSES)
    counts = _architectures_by_class(graph)
    frame = builder.frame(_MOST_USED, "most used", of=_LAYERS, parent=frame)
    order = sorted(layers, key=lambda layer: (-counts[layer], layer))
    words = {layer: f"in {counted(counts[layer], 'model')}" for layer in order}
    return builder.some(words, most + 1, "group:layers", frame)


def _add_registry(builder: ViewBuilder) -> None:
    graph = builder.graph
    about = "From a name to the function that makes it."
    frame = builder.frame(_NAMING, "registry", about=about, of=_REGISTRY)
    names = [graph.node(i).name for i in graph.ids(NodeKind.MODEL)]
    weights = [graph.node(i).name for i in graph.ids(NodeKind.WEIGHTS)]
    aliases = sum(1 for _ in graph.ids(NodeKind.ALIAS))
    builder.source(_LOOK_UP, words="looks a name up", frame=frame)
    words = f"and {aliases:,} deprecated" if aliases else ""
    builder.fold(_NAMES, counted(len(names), "model name"), names, words=words, frame=frame, kind=NodeKind.MODEL)
    words = "their pretrained cfgs"
    builder.fold(_WEIGHTS, f"{len(weights):,} weights", weights, words=words, frame=frame, kind=NodeKind.WEIGHTS)


def _add_families(builder: ViewBuilder, families: dict[str, Family]) -> None:
    graph = builder.graph
    label = counted(len(families), "family", "families")
    frame = builder.frame(_FAMILIES, label, about="A family is a module that registers models.", of="timm.models")
    names = [i.partition(":")[2] for i in sorted({e.target for e in graph.edges(EdgeKind.REGISTERS)})]
    count = counted(len(names), "entrypoint")
    builder.fold(_ENTRYPOINTS, count, names, words="one for each name", frame=frame, kind=NodeKind.FUNCTION)
    made = {class_made_by(node.id) for node in _called(graph, _BUILD)}
    names = sorted(i.partition(":")[2] for i in made if i and i.partition(":")[0] in families)
    count = counted(len(names), "model class", "model classes")
    builder.fold(_CLASSES, count, names, words="made of blocks", frame=frame, kind=NodeKind.CLASS)
    blocks = blocks_of(graph)
    frame = builder.frame(_BLOCKS, "by what their blocks are", of="timm.models", parent=frame)
    for kind in Blocks:
        members = [family for module, family in families.items() if blocks[module] is kind]
        count = counted(len(members), "family", "families")
        words = f"{count}, {counted(sum(len(family.models) for family in members), 'model')}"
        names = [f"{family.name} ({len(family.models)})" for family in members]
        builder.fold(_kind_box(kind), str(kind), names, words=words, frame=frame, about=words)


def _kind_box(kind: Blocks) -> str:
    return f"group:blocks:{kind.name.lower()}"


def _add_builder(builder: ViewBuilder) -> None:
    frame = builder.frame(_MAKING, "builder", about="Makes a model and fills in its weights.", of=_BUILDER)
    builder.source(_BUILD, words="makes the model", frame=frame)
    builder.source(_LOAD, words="fills in its weights", frame=frame)
    builder.source(_FROM_HUB, words="from the Hugging Face Hub", frame=frame)


def _architectures_by_class(graph: Graph) -> Counter[str]:
    contexts = graph.contexts
    made = [class_made_by(function) for function in contexts.ids]
    counts: Counter[str] = Counter()
    for model in graph.nodes(NodeKind.MODEL):
        root = contexts.models.get(model.name)
        reached = contexts.reached(root) if root is not None else ()
        counts.update({name for context in reached if (name := made[contexts.functions[context]])})
    return counts


def _add_data(builder: ViewBuilder) -> None:
    """Boxes and arrows below the three factories of data, without the readers."""
    frame = builder.frame(_LOADING, "batches", of="timm.data.loader")
    builder.source(_PREFETCH, words="on to the device", frame=frame)
    called = _called(builder.graph, _CREATE_TRANSFORM)
    pipelines = [node.name.removesuffix(INIT) for node in called if node.kind is NodeKind.FUNCTION]
    label, words = counted(len(pipelines), "pipeline"), "training, evaluation"
    builder.fold(_PIPELINES, label, pipelines, words=words, frame=frame, kind=NodeKind.FUNCTION)
    builder.call(_CREATE_LOADER, _PREFETCH)
    builder.call(_CREATE_LOADER, _CREATE_TRANSFORM)
    builder.join(_CREATE_TRANSFORM, _PIPELINES, EdgeKind.CALLS)
    frame = builder.frame(_DATASETS, "datasets", of="timm.data.dataset")
    builder.source(_RANDOM, words="by index", frame=frame)
    builder.source(_STREAM, words="a stream", frame=frame)
    places = (node.id.partition(":") for node in _called(builder.graph, _CREATE_DATASET))
    found = sorted({name for module, _, name in places if module == "torchvision.datasets"})
    words = f"{counted(len(found), 'class', 'classes')}, for torch/…"
    builder.fold(_TORCHVISION, "torchvision.datasets", found, words=words, frame=frame, kind=NodeKind.EXTERNAL)
    builder.join(_CREATE_DATASET, _TORCHVISION, EdgeKind.CALLS)
    frame = builder.frame(_READERS, "readers", of="timm.data.readers")
    builder.source(_CREATE_READER, words="by the name's prefix", frame=frame)
    for dataset in (_RANDOM, _STREAM):
        builder.call(_CREATE_DATASET, dataset)
        builder.call(dataset, _CREATE_READER)


def _add_readers(builder: ViewBuilder, most: int) -> tuple[str, ...]:
    """The readers, as many as there is room for on their own; their ids."""
    made = (class_made_by(node.id) for node in _called(builder.graph, _CREATE_READER))
    readers = [name for name in made if name and name in builder.graph and name.startswith("timm")]
    files = {reader: reader.partition(":")[0].rpartition(".")[2] for reader in readers}
    words = {reader: file.removeprefix("reader_").replace("_", " ") for reader, file in files.items()}
    shown = builder.some(words, most, _MORE_READERS, _READERS)
    for reader in shown:
        builder.call(_CREATE_READER, reader)
    builder.join(_CREATE_READER, _MORE_READERS, EdgeKind.CALLS)
    return shown


def _add_the_rest(builder: ViewBuilder) -> None:
    """timm's other packages, each with the number of its classes."""
    graph = builder.graph
    frame = builder.frame(_REST, "to train with", of="timm")
    classes = Counter((node.module or "").rpartition(".")[0] for node in graph.nodes(NodeKind.CLASS))
    packages = [package for package in classes if package.count(".") == 1 and package not in _SHOWN]
    for package in sorted(packages):
        if package.startswith("timm."):
            builder.source(package, words=counted(classes[package], "class", "classes"), frame=frame)


def _data_stack(builder: ViewBuilder, readers: tuple[str, ...]) -> Stack:
    """How the boxes stand; ``readers`` are those that stand on their own, and the rest."""
    rest = tuple(box.id for box in builder.nodes.values() if box.group == _REST)
    parts = (
        Stack((_PREFETCH, _PIPELINES), frame=_LOADING, wide=True),
        Stack((Stack((_RANDOM, _STREAM), gap_px=20.0), _TORCHVISION), down=True, frame=_DATASETS, wide=True),
        Stack((_CREATE_READER, *in_rows(readers, 2, 20.0)), down=True, frame=_READERS, wide=True, gap_px=26.0),
        Stack(in_rows(rest, 2), down=True, frame=_REST, wide=True, gap_px=16.0),
    )
    return Stack(parts, down=True, gap_px=32.0)


def _called(graph: Graph, function: str) -> Iterator[Node]:
    return (graph.node(edge.target) for edge in graph.out_edges(function, EdgeKind.CALLS))
