"""What a model accepts, followed through made-up creation paths and through timm's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import RequestError
from explorer.graph import Graph, NodeKind
from explorer.introspect import load_graph
from explorer.queries.model_arguments import accepted_arguments, check_arguments

TOY = """
    from dataclasses import dataclass, replace
    from torch import nn
    from timm.layers import ConvAct
    from ._builder import build_model_with_cfg
    from ._registry import register_model

    @dataclass
    class ToyCfg:
        depths: tuple = (1, 2)
        stem: str = ''

    class Base(nn.Module):
        def __init__(self, num_classes=1000, drop_rate=0., *, act_layer='relu'):
            super().__init__()

    class ToyNet(Base):
        def __init__(self, depth=1, width=8, **kwargs):
            super().__init__(**kwargs)

    class CfgNet(nn.Module):
        def __init__(self, cfg: ToyCfg, in_chans=3, **kwargs):
            super().__init__()
            cfg = replace(cfg, **kwargs)

    class OpenNet(nn.Module):
        def __init__(self, in_chans=3, **kwargs):
            super().__init__()
            for key, value in kwargs.items():
                setattr(self, key, value)

    def resolve_norm(kwargs):
        args = {}
        eps = kwargs.pop('norm_eps', None)
        return args

    def _create(cls, variant, pretrained=False, **kwargs):
        indices = kwargs.pop('out_indices', (0, 1))
        return build_model_with_cfg(cls, variant, pretrained, **kwargs)

    @register_model
    def toy_small(pretrained=False, **kwargs):
        resolve_norm(kwargs)
        model_args = dict(depth=1)
        return _create(ToyNet, 'toy_small', pretrained, **dict(model_args, **kwargs))

    @register_model
    def toy_fixed(pretrained=False, **kwargs):
        return _create(ToyNet, 'toy_fixed', pretrained, width=9, **kwargs)

    @register_model
    def toy_cfg(pretrained=False, **kwargs):
        return build_model_with_cfg(CfgNet, 'toy_cfg', pretrained, cfg=ToyCfg(), **kwargs)

    @register_model
    def toy_open(pretrained=False, **kwargs):
        return _create(OpenNet, 'toy_open', pretrained, **kwargs)
    """


@pytest.fixture
def toy_graph(make_timm: Callable[..., Path]) -> Graph:
    return load_graph(make_timm({"models/toy.py": TOY}))


def accepted(graph: Graph, model: str) -> set[str]:
    return set(accepted_arguments(graph, graph.node(f"model:{model}")).names)


def test_parameters_of_the_class_and_of_the_bases_it_hands_on_to_are_accepted(toy_graph: Graph) -> None:
    assert {"depth", "width", "num_classes", "drop_rate", "act_layer"} <= accepted(toy_graph, "toy_small")


def test_keys_taken_out_on_the_way_are_accepted(toy_graph: Graph) -> None:
    assert {"out_indices", "norm_eps"} <= accepted(toy_graph, "toy_small")
    assert "norm_eps" not in accepted(toy_graph, "toy_fixed")


def test_what_a_call_gives_itself_is_not(toy_graph: Graph) -> None:
    names = accepted(toy_graph, "toy_fixed")
    assert "depth" in names
    assert not {"width", "cls", "variant", "model_cls", "pretrained", "model_name", "self"} & names


def test_setting_what_is_fixed_is_refused_as_such(toy_graph: Graph) -> None:
    with pytest.raises(RequestError, match="toy_fixed fixes 'width' itself"):
        check_arguments(toy_graph, toy_graph.node("model:toy_fixed"), ["width"])


def test_what_only_other_functions_on_the_path_take_is_not(toy_graph: Graph) -> None:
    """``load_pretrained`` runs, but is handed nothing on."""
    assert not {"model", "cfg", "kwargs"} & accepted(toy_graph, "toy_small")


def test_fields_of_a_dataclass_that_arguments_replace_are_accepted(toy_graph: Graph) -> None:
    found = accepted_arguments(toy_graph, toy_graph.node("model:toy_cfg"))
    assert {"depths", "stem", "in_chans"} <= set(found.names)
    assert found.complete


def test_arguments_that_cannot_be_followed_are_never_refused(toy_graph: Graph) -> None:
    node = toy_graph.node("model:toy_open")
    assert not accepted_arguments(toy_graph, node).complete
    check_arguments(toy_graph, node, ["anything"])


def test_a_mistake_is_refused_with_the_closest_names(toy_graph: Graph) -> None:
    with pytest.raises(RequestError, match="toy_small takes no argument 'drop_rat'") as caught:
        check_arguments(toy_graph, toy_graph.node("model:toy_small"), ["depth", "drop_rat"])
    assert caught.value.hint.startswith("closest: drop_rate")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["pretrained", "model_name"])
def test_weights_and_the_name_cannot_be_set(toy_graph: Graph, name: str) -> None:
    with pytest.raises(RequestError, match=f"{name} cannot be set"):
        check_arguments(toy_graph, toy_graph.node("model:toy_small"), [name])


# timm's own


@pytest.mark.parametrize(
    ("model", "some"),
    [
        ("resnet34", {"drop_path_rate", "act_layer", "block_args", "in_chans", "out_indices", "zero_init_last"}),
        ("efficientnet_b0", {"bn_eps", "bn_momentum", "act_layer", "drop_path_rate", "se_layer"}),
        ("vit_base_patch16_224", {"dynamic_img_size", "global_pool", "embed_dim", "img_size", "pretrained_strict"}),
        ("gernet_l", {"stem_type", "width_factor", "drop_path_rate", "zero_init_last"}),
        ("regnety_016", {"w0", "group_size", "drop_path_rate"}),
        ("mobilenetv3_large_100", {"pad_type", "bn_eps", "global_pool"}),
        ("convnext_tiny", {"ls_init_value", "kernel_sizes", "conv_mlp"}),
        ("resnet34.a1_in1k", {"drop_path_rate"}),
    ],
)
def test_timms_models_accept_their_arguments(timm_graph: Graph, model: str, some: set[str]) -> None:
    kind = "weights" if "." in model else "model"
    found = accepted_arguments(timm_graph, timm_graph.node(f"{kind}:{model}"))
    assert some <= set(found.names)
    assert found.complete
    assert "drop_path_rat" not in found.names


def test_an_argument_that_sends_creation_another_way_leaves_the_rest_to_the_worker(timm_graph: Graph) -> None:
    node = timm_graph.node("model:vit_base_patch16_224")
    check_arguments(timm_graph, node, ["use_naflex", "pos_embed_grid_size"])
    with pytest.raises(RequestError, match="pos_embed_grid_size"):
        check_arguments(timm_graph, node, ["pos_embed_grid_size"])


def test_most_of_timms_models_are_followed_to_the_end(timm_graph: Graph) -> None:
    models = list(timm_graph.nodes(NodeKind.MODEL))
    followed = [node for node in models if accepted_arguments(timm_graph, node).complete]
    assert len(followed) > 0.85 * len(models)
