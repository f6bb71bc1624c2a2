"""The models' half of the whiteboard: from a name through registry and builder to families and layers."""

from collections import Counter

from explorer.diagram.style.colours import Flow
from explorer.diagram.view import Stack, counted
from explorer.diagram.views.boxes import first_few
from explorer.diagram.views.view_builder import Sheet
from explorer.graph import EdgeKind, Graph, NodeKind
from explorer.queries.composition import ancestors, class_made_by
from explorer.queries.families import Blocks, Family, blocks_of, families_of

CREATE_MODEL = "timm.models._factory:create_model"
MOST_USED = 5
"""How many layers stand on their own."""

_REGISTRY, _BUILDER, _LAYERS = "timm.models._registry", "timm.models._builder", "timm.layers"
_LOOK_UP = f"{_REGISTRY}:model_entrypoint"
_BUILD, _LOAD = f"{_BUILDER}:build_model_with_cfg", f"{_BUILDER}:load_pretrained"
_FROM_HUB = "timm.models._hub:load_state_dict_from_hf"
_NAMES, _ENTRYPOINTS, _CLASSES, _WEIGHTS = "group:names", "group:entrypoints", "group:classes", "group:weights"
_MORE_LAYERS = "group:layers"
_BLOCKS, _MOST_USED = "frame:blocks", "frame:most-used"
_FRAMES = "frame:registry", "frame:models", "frame:builder", "frame:layers"


def add(sheet: Sheet) -> None:
    """Boxes and arrows from ``create_model`` to the families."""
    families = families_of(sheet.graph)
    _add_registry(sheet)
    _add_families(sheet, families)
    _add_builder(sheet)
    sheet.call(CREATE_MODEL, _LOOK_UP)
    sheet.join(_LOOK_UP, _NAMES, Flow.LEADS)
    sheet.join(_NAMES, _WEIGHTS, EdgeKind.CONFIGURES)
    sheet.join(_NAMES, _ENTRYPOINTS, EdgeKind.REGISTERS)
    dispatched = next(sheet.graph.out_edges(CREATE_MODEL, EdgeKind.DISPATCHES), None)
    if dispatched:
        sheet.join(CREATE_MODEL, _ENTRYPOINTS, EdgeKind.DISPATCHES, evidence=dispatched.evidence)
    sheet.join(_ENTRYPOINTS, _BUILD, EdgeKind.CALLS)
    sheet.join(_BUILD, _CLASSES, EdgeKind.CALLS)
    sheet.call(_BUILD, _LOAD)
    sheet.call(_LOAD, _FROM_HUB)
    sheet.join(_WEIGHTS, _LOAD, Flow.LEADS)


def arranged(layers: tuple[str, ...]) -> Stack:
    """How the boxes stand; ``layers`` are those that stand on their own, and the rest."""
    registry, families, builder, frame = _FRAMES
    kinds = tuple(_kind_box(kind) for kind in Blocks)
    rows = tuple(Stack(layers[i : i + 3], gap_px=16.0) for i in range(0, len(layers), 3))
    blocks = Stack(kinds, down=True, frame=_BLOCKS, gap_px=16.0)
    most_used = Stack(rows, down=True, frame=_MOST_USED, wide=True, gap_px=16.0)
    return Stack(
        (
            Stack((_LOOK_UP, _NAMES, _WEIGHTS), frame=registry, wide=True, gap_px=24.0),
            Stack(
                (
                    Stack((_ENTRYPOINTS, _CLASSES, blocks), down=True, frame=families, align="end"),
                    Stack((_BUILD, _LOAD, _FROM_HUB), down=True, frame=builder, gap_px=44.0),
                ),
                align="start",
                wide=True,
            ),
            Stack((_LAYERS, most_used), down=True, frame=frame, wide=True, align="end", gap_px=20.0),
        ),
        down=True,
        gap_px=32.0,
    )


def add_layers(sheet: Sheet, most: int) -> tuple[str, ...]:
    """The layers that most models have on their own, the rest in one box; their ids."""
    graph = sheet.graph
    layers = [node.id for node in graph.nodes(NodeKind.CLASS) if _is_layer(graph, node.id)]
    frame = sheet.frame("frame:layers", "layers", of=_LAYERS)
    sheet.source(_LAYERS, words=counted(len(layers), "class", "classes"), frame=frame)
    sheet.join(_CLASSES, _LAYERS, EdgeKind.COMPOSES)
    counts = _architectures_by_class(graph)
    frame = sheet.frame(_MOST_USED, "most used", of=_LAYERS, parent=frame)
    order = sorted(layers, key=lambda layer: (-counts[layer], layer))
    for layer in order[:most]:
        sheet.source(layer, words=f"in {counted(counts[layer], 'model')}", frame=frame)
    rest = [layer.partition(":")[2] for layer in order[most:]]
    sheet.fold(_MORE_LAYERS, f"{len(rest)} more", rest, words=first_few(rest, 24), frame=frame)
    return (*order[:most], _MORE_LAYERS)


def _add_registry(sheet: Sheet) -> None:
    graph = sheet.graph
    frame = sheet.frame("frame:registry", "registry", about="From a name to the function that makes it.", of=_REGISTRY)
    names = [graph.node(i).name for i in graph.ids(NodeKind.MODEL)]
    weights = [graph.node(i).name for i in graph.ids(NodeKind.WEIGHTS)]
    aliases = sum(1 for _ in graph.ids(NodeKind.ALIAS))
    sheet.source(_LOOK_UP, words="looks a name up", frame=frame)
    words = f"and {aliases:,} deprecated" if aliases else ""
    sheet.fold(_NAMES, counted(len(names), "model name"), names, words=words, frame=frame, kind=NodeKind.MODEL)
    words = "their pretrained cfgs"
    sheet.fold(_WEIGHTS, f"{len(weights):,} weights", weights, words=words, frame=frame, kind=NodeKind.WEIGHTS)


def _add_families(sheet: Sheet, families: dict[str, Family]) -> None:
    graph = sheet.graph
    label = counted(len(families), "family", "families")
    frame = sheet.frame("frame:models", label, about="A family is a module that registers models.", of="timm.models")
    names = [i.partition(":")[2] for i in sorted({e.target for e in graph.edges(EdgeKind.REGISTERS)})]
    count = counted(len(names), "entrypoint")
    sheet.fold(_ENTRYPOINTS, count, names, words="one for each name", frame=frame, kind=NodeKind.FUNCTION)
    made = {class_made_by(edge.target) for edge in graph.out_edges(_BUILD, EdgeKind.CALLS)}
    names = sorted(i.partition(":")[2] for i in made if i and i.partition(":")[0] in families)
    count = counted(len(names), "model class", "model classes")
    sheet.fold(_CLASSES, count, names, words="made of blocks", frame=frame, kind=NodeKind.CLASS)
    blocks = blocks_of(graph)
    frame = sheet.frame(_BLOCKS, "by what their blocks are", of="timm.models", parent=frame)
    for kind in Blocks:
        members = [family for module, family in families.items() if blocks[module] is kind]
        count = counted(len(members), "family", "families")
        words = f"{count}, {counted(sum(len(family.models) for family in members), 'model')}"
        names = [f"{family.name} ({len(family.models)})" for family in members]
        sheet.fold(_kind_box(kind), str(kind), names, words=words, frame=frame, about=words)


def _kind_box(kind: Blocks) -> str:
    return f"group:blocks:{kind.name.lower()}"


def _add_builder(sheet: Sheet) -> None:
    frame = sheet.frame("frame:builder", "builder", about="Makes a model and fills in its weights.", of=_BUILDER)
    sheet.source(_BUILD, words="makes the model", frame=frame)
    sheet.source(_LOAD, words="fills in its weights", frame=frame)
    sheet.source(_FROM_HUB, words="from the Hugging Face Hub", frame=frame)


def _is_layer(graph: Graph, class_id: str) -> bool:
    within = class_id.startswith(f"{_LAYERS}.")
    return within and any(base.startswith("torch.nn:") for base in ancestors(graph, class_id))


def _architectures_by_class(graph: Graph) -> Counter[str]:
    contexts = graph.contexts
    made = [class_made_by(function) for function in contexts.ids]
    counts: Counter[str] = Counter()
    for model in graph.nodes(NodeKind.MODEL):
        root = contexts.models.get(model.name)
        reached = contexts.reached(root) if root is not None else ()
        counts.update({name for context in reached if (name := made[contexts.rows[context][0]])})
    return counts
