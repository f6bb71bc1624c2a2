"""The installed timm's registry as read from source, held against timm's own, imported once in a process beside."""

import json
import subprocess
import sys
from typing import Any

import pytest

from explorer.graph import EdgeKind, Graph, NodeKind
from explorer.queries.model_list import families, list_models

pytestmark = pytest.mark.xdist_group("torch")

LISTINGS: list[dict[str, Any]] = [
    {},
    {"filter": "resnet*"},
    {"filter": "RESNET*"},
    {"filter": "*resnext*", "module": "resnet"},
    {"filter": ["resnet1?", "vit_*"], "exclude_filters": "*dino*"},
    {"filter": "nothing_like_this"},
    {"filter": "[cd]*", "exclude_filters": ["*_base*", "*[0-9]"]},
    {"pretrained": True},
    {"pretrained": True, "filter": "resnet*"},
    {"pretrained": True, "filter": "resnet*.a1_in1k"},
    {"pretrained": True, "filter": "*.in1k", "exclude_filters": "*_large*"},
    {"pretrained": True, "filter": "resnet50", "exclude_filters": "*.a?_in1k"},
    {"pretrained": True, "filter": "resnet50."},
    {"pretrained": True, "include_tags": False},
    {"include_tags": True, "module": ["resnet", "convnext"]},
    {"include_tags": True, "filter": "vit_tiny*"},
    {"include_tags": True, "filter": "vit_tiny*", "exclude_filters": "*.augreg*"},
    {"module": ["no_such_module"]},
]
"""Arguments of timm's own ``list_models``."""

_TRUTH = """
import dataclasses, json, sys, warnings
warnings.simplefilter("ignore")
import timm
from timm.models import _registry as r
names = {
    name: {
        "family": r._model_to_module[name],
        "module": fn.__module__,
        "deprecated": name in r._deprecated_models,
        "replaced_by": r._deprecated_models.get(name),
        "tags": [full.partition(".")[2] for full in r._model_with_tags.get(name, [])],
        "pretrained": name in r._model_has_pretrained,
    }
    for name, fn in r._model_entrypoints.items()
}
cfgs = {name: dataclasses.asdict(cfg) for name, cfg in r._model_pretrained_cfgs.items()}
listings = [timm.list_models(**arguments) for arguments in json.loads(sys.argv[1])]
answer = {"version": timm.__version__, "names": names, "cfgs": cfgs, "families": timm.list_modules()}
json.dump({**answer, "listings": listings}, sys.stdout)
"""


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    """What importing timm says of its registry; the answers to :data:`LISTINGS` are in ``listings``."""
    done = subprocess.run(
        [sys.executable, "-c", _TRUTH, json.dumps(LISTINGS)], capture_output=True, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    answer["asked"] = LISTINGS
    return answer


def test_the_registry_is_timms_own(timm_graph: Graph, truth: dict[str, Any]) -> None:
    names: dict[str, dict[str, Any]] = {}
    for node in timm_graph.nodes(NodeKind.MODEL):
        names[node.name] = {**node.data, "deprecated": False, "replaced_by": None}
    for node in timm_graph.nodes(NodeKind.ALIAS):
        names[node.name] = {**node.data, "deprecated": True, "tags": [], "pretrained": False}
    for name, record in truth["names"].items():
        if record["deprecated"]:
            # the function of a deprecated name is made in the registry's module
            record["module"] = names.get(name, {}).get("module")

    assert timm_graph.info.timm_version == truth["version"]
    assert [n for n in names.keys() | truth["names"].keys() if names.get(n) != truth["names"].get(n)] == []


def test_every_field_of_every_cfg_is_timms_own(timm_graph: Graph, truth: dict[str, Any]) -> None:
    wrong = []
    for name, fields in truth["cfgs"].items():
        architecture, _, tag = name.partition(".")
        default = next(timm_graph.successors(f"model:{architecture}", EdgeKind.CONFIGURES))
        data = timm_graph.node(f"weights:{name}" if tag else default).data
        cfg = json.loads(json.dumps(data["cfg"]))
        wrong += [(name, f, v, cfg.get(f)) for f, v in fields.items() if cfg.get(f, "missing") != v]

    assert wrong == []


def test_listings_are_timms_own(timm_graph: Graph, truth: dict[str, Any]) -> None:
    for asked, answer in zip(truth["asked"], truth["listings"], strict=True):
        arguments = {
            "patterns": _listed(asked.get("filter")),
            "exclude": _listed(asked.get("exclude_filters")),
            "families": _listed(asked.get("module")),
            "pretrained": asked.get("pretrained", False),
            "include_tags": asked.get("include_tags"),
        }
        assert [entry.name for entry in list_models(timm_graph, **arguments)] == answer, asked


def test_families_are_timms_own(timm_graph: Graph, truth: dict[str, Any]) -> None:
    assert families(timm_graph) == truth["families"]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
