"""The view ``family``: a family's architectures, what builds them, what they share and where they differ."""

from collections import Counter

from explorer.diagram.style import Flow
from explorer.diagram.view import Stack, View, column, counted, in_rows
from explorer.diagram.views.view_builder import ViewBuilder, first_few, named
from explorer.errors import RequestError
from explorer.graph import EdgeKind, Graph, Node, NodeKind
from explorer.queries.families import Family, FamilyComposition, Variant, families_of, family_composition
from explorer.queries.names import current, model_of
from explorer.queries.node_data import ModelData, WeightsData
from explorer.queries.slices import MAX_NODES

_BUILD = "timm.models._builder:build_model_with_cfg"
_ALL, _TAGS, _SIZES, _MORE_VARIANTS = "group:architectures", "group:tags", "group:sizes", "group:variants"
_BUILT, _SHARED, _SOME, _VARIANTS, _WEIGHTS = (f"frame:{n}" for n in ("built", "shared", "some", "variants", "weights"))
_MOST_VARIANTS = 10
_MOST_ARROWS = 26
"""More arrows between variants and classes than these are a tangle: then the boxes alone say it."""
_ACROSS = 4


def family(graph: Graph, node: Node, *, nodes: int = MAX_NODES) -> View:
    """A family on one page.

    Args:
        graph: the whole graph.
        node: a model, or anything in a module that models are registered from.
        nodes: boxes at the most; the rest is folded.

    Raises:
        RequestError: what was asked for is in no family.
    """
    found = _family(graph, node)
    composition = family_composition(graph, found)
    builder = ViewBuilder(graph)
    top = _add_way(builder, found, composition)
    _add_weights(builder, found)
    room = max(nodes - len(builder.nodes), 6)
    shared = _add_classes(builder, _SHARED, "all are made of", dict.fromkeys(composition.shared, 0), room // 4)
    some = _add_classes(builder, _SOME, "some are made of", composition.some, room // 3, len(found.models))
    variants = _add_variants(builder, composition, min(room - len(shared) - len(some), _MOST_VARIANTS), node)
    words = counted(len(found.models), "architecture"), counted(len(composition.variants), "variant")
    beside = column(variants, _VARIANTS, 20.0), column(builder.levelled(some, variants), _SOME, 20.0)
    below = Stack(beside, align="start", gap_px=90.0)
    rows = column(in_rows(shared, _ACROSS, 20.0), _SHARED, 20.0)
    stack = Stack((top, below, rows, Stack((_TAGS, _SIZES), frame=_WEIGHTS)), down=True, gap_px=36.0)
    return builder.view(f"The {found.name} family", *words, stack=stack)


def _family(graph: Graph, node: Node) -> Family:
    model = model_of(graph, current(graph, node))
    module = ModelData.of(model).module if model else node.module
    found = families_of(graph).get(module or "")
    if found is None:
        raise RequestError(f"{node.id} is in no family", "name a model, or a module that registers models")
    return found


def _add_way(builder: ViewBuilder, family: Family, composition: FamilyComposition) -> Stack:
    """From the architectures' names by the builder to the model's class."""
    frame = builder.frame(_BUILT, family.module, of=family.module)
    names = [model.name for model in family.models]
    label = counted(len(names), "architecture")
    builder.fold(_ALL, label, names, few=28, frame=frame, kind=NodeKind.MODEL)
    builders, models = list(composition.builders)[:_ACROSS], composition.models[:_ACROSS]
    for function in builders:
        count = composition.builders[function]
        words = None if count == len(names) else f"{count} of {counted(len(names), 'architecture')}"
        builder.source(function, words=words, frame=frame)
        builder.join(_ALL, function, Flow.LEADS)
        builder.source(_BUILD)
        builder.call(function, _BUILD)
    own = [model for model in models if model.startswith(f"{family.module}:")]
    for model in models:
        builder.source(model, frame=frame if model in own else None)
        if model in composition.built:
            builder.call(_BUILD, model)
        else:
            builder.join(_ALL, model, Flow.LEADS)
    columns = (Stack(tuple(column), down=True, gap_px=16.0) for column in (builders, own))
    built = Stack((_ALL, *columns), frame=_BUILT, gap_px=44.0)
    others = tuple(model for model in models if model not in own)
    return Stack((built, Stack((_BUILD, Stack(others, gap_px=16.0)), gap_px=44.0)), down=True, gap_px=44.0)


def _add_weights(builder: ViewBuilder, family: Family) -> None:
    graph = builder.graph
    frame = builder.frame(_WEIGHTS, "pretrained cfgs")
    weights = [graph.node(e.target) for model in family.models for e in graph.out_edges(model.id, EdgeKind.CONFIGURES)]
    tags = Counter(tag for w in weights if (tag := WeightsData.of(w).tag))
    names = [f"{tag} ×{count}" for tag, count in tags.most_common()]
    builder.fold(_TAGS, counted(len(tags), "tag"), names, few=40, frame=frame, kind=NodeKind.WEIGHTS)
    sizes = Counter(_size(w) for w in weights)
    names = [f"{size} ×{count}" for size, count in sizes.most_common() if size]
    label = counted(len(names), "input size")
    builder.fold(_SIZES, label, names, few=40, frame=frame, kind=NodeKind.WEIGHTS)


def _size(weights: Node) -> str:
    size = WeightsData.of(weights).cfg.get("input_size")
    return "×".join(map(str, size[1:])) if isinstance(size, (list, tuple)) else ""


def _add_classes(
    builder: ViewBuilder, frame_id: str, label: str, counts: dict[str, int], room: int, of: int = 0
) -> tuple[str, ...]:
    """As many classes as there is room for, the rest in one box; their ids."""
    words = {class_id: f"in {count} of {of}" if of else None for class_id, count in counts.items()}
    return builder.some(words, room, f"group:{frame_id}", builder.frame(frame_id, label))


def _add_variants(builder: ViewBuilder, composition: FamilyComposition, room: int, asked: Node) -> tuple[str, ...]:
    frame = builder.frame(_VARIANTS, "variants" if len(composition.variants) > 1 else "architectures")
    variants = composition.variants
    shown = variants if len(variants) <= room else variants[: max(room - 1, 1)]
    ids = [_add_variant(builder, v, f"group:variant:{index}", frame, asked) for index, v in enumerate(shown)]
    rest = [name for variant in variants[len(shown) :] for name in variant.names]
    label = counted(len(variants) - len(shown), "more variant")
    builder.fold(_MORE_VARIANTS, label, rest, words=counted(len(rest), "architecture"), frame=frame)
    arrows = [(i, c) for i, v in zip(ids, shown, strict=True) for c in v.classes if c in builder.nodes]
    if len(arrows) <= _MOST_ARROWS:
        for variant_id, class_id in arrows:
            builder.join(variant_id, class_id, Flow.USES)
    return (*ids, _MORE_VARIANTS)


def _add_variant(builder: ViewBuilder, variant: Variant, box_id: str, frame: str, asked: Node) -> str:
    classes = [class_id.partition(":")[2] for class_id in reversed(variant.classes)]
    if len(variant.names) == 1:
        model = f"model:{variant.names[0]}"
        words = first_few(classes, 40) or "1 architecture"
        builder.source(model, words=words, frame=frame, focus=model == asked.id, about=list(named(classes)))
        return model
    words, about = counted(len(variant.names), "architecture"), ""
    if classes:
        words, about = f"{len(variant.names)} × {first_few(classes, 34)}", f"with {', '.join(classes)}"
    label = first_few(variant.names, 32)
    builder.fold(box_id, label, variant.names, words=words, frame=frame, about=about)
    return box_id
