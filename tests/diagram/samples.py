"""Graphs as the explorer hands them over: how ``create_model`` reaches a model, as in timm 1.0.31."""

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

from explorer.diagram import DATA, GraphvizProcess, Picture, View, data_of, format_of, view_of
from explorer.graph import Edge, EdgeKind, Evidence, Graph, GraphInfo, Node, NodeKind
from explorer.queries.node_data import ModelData
from explorer.queries.slices import USUAL_NODES

FACTORY, BUILDER, RESNET = "timm.models._factory", "timm.models._builder", "timm.models.resnet"
CREATE_MODEL = f"{FACTORY}:create_model"
RESNET34 = f"{RESNET}:resnet34"
CONSTRUCTOR = f"{RESNET}:ResNet.__init__"

_LINES = {
    CREATE_MODEL: (162, "Create a model."),
    f"{FACTORY}:parse_model_name": (28, "Parse source and name from a model name."),
    "timm.models._registry:is_model": (363, "Check if a model name exists"),
    "timm.models._registry:split_model_name_tag": (33, None),
    "timm.models._registry:get_pretrained_cfg": (409, None),
    "timm.models._registry:get_arch_name": (48, None),
    "timm.models._pretrained:PretrainedCfg.__init__": (21, None),
    "timm.models._helpers:load_checkpoint": (216, "Load a checkpoint into a model, handling key remapping."),
    "timm.models._helpers:load_state_dict": (88, None),
    "timm.models._hub:load_model_config_from_hf": (184, None),
    "timm.models._hub:load_state_dict_from_hf": (230, None),
    "timm.models._hub:hf_split": (146, None),
    RESNET34: (1546, "Constructs a ResNet-34 model."),
    f"{RESNET}:_create_resnet": (813, None),
    CONSTRUCTOR: (484, "Args: block (nn.Module): class for the residual block."),
    f"{RESNET}:ResNet.init_weights": (627, None),
    f"{RESNET}:make_blocks": (363, None),
    f"{RESNET}:drop_blocks": (348, None),
    f"{RESNET}:downsample_conv": (289, None),
    f"{RESNET}:get_padding": (44, None),
    f"{RESNET}:BasicBlock.__init__": (56, None),
    f"{RESNET}:BasicBlock.zero_init_last": (138, None),
    f"{BUILDER}:build_model_with_cfg": (427, "Build model with specified default_cfg and optional model_cfg"),
    f"{BUILDER}:resolve_pretrained_cfg": (386, None),
    f"{BUILDER}:_update_default_model_kwargs": (
        345,
        "Update the default_cfg and kwargs before passing to model",
    ),
    f"{BUILDER}:_resolve_pretrained_source": (47, None),
    f"{BUILDER}:load_pretrained": (158, "Load pretrained checkpoint"),
    f"{BUILDER}:load_custom_pretrained": (107, None),
    f"{BUILDER}:pretrained_cfg_for_features": (329, None),
    "timm.models._prune:adapt_model_from_file": (113, None),
    "timm.models._features:FeatureListNet.__init__": (238, None),
    "timm.layers.classifier:create_classifier": (39, None),
    "timm.layers.create_act:get_act_layer": (114, "Activation Layer Factory"),
    "timm.layers.create_norm:get_norm_layer": (87, None),
    "timm.layers.create_attn:get_attn": (30, None),
    "timm.layers.config:set_layer_config.__init__": (93, None),
    "timm.layers.drop:DropPath.__init__": (171, None),
}

_CALLS = """
_factory:create_model > _factory:parse_model_name _registry:is_model _hub:load_model_config_from_hf
_factory:create_model > _helpers:load_checkpoint layers.config:set_layer_config.__init__
_factory:create_model > _registry:split_model_name_tag _pretrained:PretrainedCfg.__init__
_registry:is_model > _registry:get_arch_name
_registry:get_arch_name > _registry:split_model_name_tag
_helpers:load_checkpoint > _helpers:load_state_dict
_hub:load_model_config_from_hf > _hub:hf_split
_hub:load_state_dict_from_hf > _hub:hf_split
resnet:resnet34 > resnet:_create_resnet
resnet:_create_resnet > _builder:build_model_with_cfg
_builder:build_model_with_cfg > resnet:ResNet.__init__ _builder:resolve_pretrained_cfg
_builder:build_model_with_cfg > _builder:_update_default_model_kwargs _builder:load_pretrained
_builder:build_model_with_cfg > _builder:pretrained_cfg_for_features _features:FeatureListNet.__init__
_builder:build_model_with_cfg > _prune:adapt_model_from_file _builder:load_custom_pretrained
_builder:resolve_pretrained_cfg > _registry:get_pretrained_cfg
_builder:load_pretrained > _builder:_resolve_pretrained_source _hub:load_state_dict_from_hf
_builder:load_custom_pretrained > _builder:_resolve_pretrained_source
resnet:ResNet.__init__ > resnet:make_blocks resnet:ResNet.init_weights layers.classifier:create_classifier
resnet:ResNet.__init__ > layers.create_act:get_act_layer layers.create_norm:get_norm_layer
resnet:make_blocks > resnet:drop_blocks resnet:downsample_conv resnet:BasicBlock.__init__
resnet:downsample_conv > resnet:get_padding
resnet:BasicBlock.__init__ > layers.create_attn:get_attn layers.drop:DropPath.__init__
resnet:ResNet.init_weights > resnet:BasicBlock.zero_init_last
"""

_SMALL = (
    CREATE_MODEL,
    RESNET34,
    f"{RESNET}:_create_resnet",
    f"{BUILDER}:build_model_with_cfg",
    CONSTRUCTOR,
    f"{RESNET}:make_blocks",
    f"{BUILDER}:resolve_pretrained_cfg",
)
_MEDIUM = (
    *_SMALL,
    f"{FACTORY}:parse_model_name",
    "timm.models._registry:is_model",
    f"{BUILDER}:load_pretrained",
    f"{BUILDER}:_update_default_model_kwargs",
    f"{RESNET}:ResNet.init_weights",
    f"{RESNET}:drop_blocks",
    f"{RESNET}:downsample_conv",
    f"{RESNET}:BasicBlock.__init__",
    "timm.layers.classifier:create_classifier",
    "timm.layers.create_act:get_act_layer",
)


def small() -> Graph:
    """8 nodes: the path alone."""
    return _sample(_SMALL)


def medium() -> Graph:
    """20 nodes: the path, its class and what lies beside it."""
    graph = _sample(_MEDIUM)
    _add_classes(graph)
    return graph


def large() -> Graph:
    """40 nodes: everything two calls away."""
    graph = _sample(tuple(_LINES))
    _add_classes(graph)
    return graph


def _sample(ids: tuple[str, ...]) -> Graph:
    graph = Graph(GraphInfo("1.0.31"))
    for node_id in ids:
        line, doc = _LINES[node_id]
        graph.add_node(Node(node_id, NodeKind.FUNCTION, _file(node_id), line, line + 20, doc))
    model = ModelData("resnet", RESNET, ["a1_in1k"], pretrained=True).to_json()
    graph.add_node(Node("model:resnet34", NodeKind.MODEL, "models/resnet.py", 1546, data=model))
    graph.add_edge(Edge("model:resnet34", RESNET34, EdgeKind.REGISTERS))
    site = "models/_factory.py:241"
    graph.add_edge(Edge(CREATE_MODEL, RESNET34, EdgeKind.DISPATCHES, (Evidence.STATIC, Evidence.TRACED), (site,)))
    for source, target in _calls():
        if source in graph and target in graph:
            data = {"via": "model_cls"} if target == CONSTRUCTOR else {}
            graph.add_edge(Edge(source, target, EdgeKind.CALLS, (Evidence.STATIC,), (_file(source) + ":500",), data))
    return graph


def _add_classes(graph: Graph) -> None:
    graph.add_node(Node(f"{RESNET}:ResNet", NodeKind.CLASS, "models/resnet.py", 452, 800, "ResNet / ResNeXt / SE"))
    graph.add_node(Node("torch.nn:Module", NodeKind.EXTERNAL))
    graph.add_edge(Edge(f"{RESNET}:ResNet", "torch.nn:Module", EdgeKind.INHERITS))
    graph.add_edge(Edge(f"{RESNET}:ResNet", CONSTRUCTOR, EdgeKind.CONTAINS))


def _calls() -> list[tuple[str, str]]:
    pairs = []
    for line in _CALLS.strip().splitlines():
        source, _, targets = line.partition(" > ")
        pairs += [(_full(source), _full(target)) for target in targets.split()]
    return pairs


def _full(short: str) -> str:
    return f"timm.{short}" if short.startswith("layers") else f"timm.models.{short}"


def _file(node_id: str) -> str:
    return node_id.partition(":")[0].removeprefix("timm.").replace(".", "/") + ".py"


NASTY = (
    'quote"s',
    "it's",
    "<angle> & </svg>",
    "back\\slash",
    "\\",
    '\\"',
    "\\N \\n",
    "&lt;",
    "残差网络",
    "]]>",
    "tab\there",
    "bell\x07",
    "🦊" * 30,
    "a_very_long_name_" * 12,
)


def nasty() -> Graph:
    """Names that break writers which do not escape."""
    graph = Graph(GraphInfo("1.0.31"))
    for i, name in enumerate(NASTY):
        file = f"models/{name}.py" if i % 2 else None
        graph.add_node(Node(f"timm.{name}:{name}", NodeKind.FUNCTION, file, 3, 9, f"{name} docs"))
    ids = list(graph.ids())
    for source, target in pairwise(ids):
        graph.add_edge(Edge(source, target, EdgeKind.DISPATCHES, sites=(f"{source}:3",)))
        graph.add_edge(Edge(source, target, EdgeKind.CALLS, data={"via": NASTY[0]}))
    return graph


def draw(
    make: Callable[[int], View],
    fmt: str,
    *,
    nodes: int = USUAL_NODES,
    time_limit_s: float = 10.0,
    fit: bool = True,
    graphviz: GraphvizProcess | None = None,
) -> bytes:
    """A view in a format; with ``fit=False`` as wide as it comes out."""
    return Picture(make, nodes, is_fixed=not fit, time_limit_s=time_limit_s).render(fmt, graphviz=graphviz)


def render(
    graph: Graph,
    fmt: str,
    *,
    title: str,
    focus: Collection[str] = (),
    notes: Sequence[str] = (),
    time_limit_s: float = 10.0,
    graphviz: GraphvizProcess | None = None,
) -> bytes:
    """A slice of the graph, as it is, as a picture or as data."""
    if format_of(fmt) in DATA:
        return data_of(graph.to_node_link(), format_of(fmt))
    view = view_of(graph, title=title, focus=focus, notes=notes)
    return draw(lambda _: view, fmt, time_limit_s=time_limit_s, fit=False, graphviz=graphviz)
