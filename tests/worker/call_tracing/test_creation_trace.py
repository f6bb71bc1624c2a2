"""Traces by the real worker, held against recordings made independently of explorer in a process of their own."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from explorer.engine.client import Client
from explorer.engine.process import worker_environment
from explorer.errors import RequestError, UnknownName
from explorer.introspect import digest_with, find_extra, find_timm, traces
from explorer.protocol.events import Log, Progress
from explorer.protocol.trace import TraceRequest, TraceResult, call_count

pytestmark = pytest.mark.xdist_group("torch")

SMALL = ["test_resnet", "test_vit", "test_efficientnet", "tv_resnet34"]
SAMPLED = 4

INDEPENDENT = """
import json, os, re, sys, warnings
warnings.simplefilter("ignore")
import timm, torch
root = os.path.dirname(timm.__file__) + os.sep

def name(frame):
    code = frame.f_code
    if not code.co_filename.startswith(root):
        return None
    inner = re.compile(r"(^|\\.)(<locals>\\.)?<(listcomp|dictcomp|setcomp|genexpr|lambda)>$")
    qualname = code.co_qualname
    while inner.search(qualname):
        qualname = inner.sub("", qualname).removesuffix(".<locals>")
    return frame.f_globals["__name__"] + ":" + qualname

def watch(frame, event, _):
    if event == "call" and frame.f_back is not None:
        callee = name(frame)
        caller = name(frame.f_back) if callee else None
        if caller and caller != callee:
            pairs.add((caller, callee))

for model in sys.argv[1:]:
    pairs = set()
    with torch.device("meta"):
        sys.setprofile(watch)
        timm.create_model(model)
        sys.setprofile(None)
    print(json.dumps([model, sorted(pairs)]))
"""


@pytest.fixture(scope="module")
def shipped() -> traces.Traced:
    """The bundle that comes with explorer, where the timm here is the one it was made from."""
    source = find_timm()
    found = traces.read_bundle(traces.BUNDLE, source.version, source.digest)
    if found is None:
        pytest.skip(f"the bundle is not of timm {source.version}")
    return found


@pytest.fixture(scope="module")
def truth() -> dict[str, list[list[str]]]:
    """Pairs seen in a fresh process without explorer: of the small models and of some taken at random."""
    source = find_timm()
    bundle = traces.read_bundle(traces.BUNDLE, source.version, source.digest)
    sampled = random.sample(sorted(bundle.models), SAMPLED) if bundle else []
    done = subprocess.run(
        [sys.executable, "-c", INDEPENDENT, *SMALL, *sampled],
        capture_output=True, text=True, check=True, env=worker_environment(),
    )  # fmt: skip
    return dict(json.loads(line) for line in done.stdout.splitlines())


def traced(client: Client, model: str, **wishes: Any) -> tuple[TraceResult, list[str]]:
    events: list[Any] = []
    result = client.run(TraceRequest(model, **wishes), events.append)
    return result, [e.message for e in events if isinstance(e, Log)]


@pytest.fixture(scope="module")
def vit(torch_client: Client) -> TraceResult:
    return traced(torch_client, "test_vit", forward=True)[0]


def names(pairs: list[list[Any]]) -> list[list[str]]:
    return [pair[:2] for pair in pairs]


def named_steps(story: Any, ending: str) -> list[dict[str, Any]]:
    return [step for step in story["steps"] if step["callee"].endswith(ending)]


def test_the_pairs_are_those_of_an_independent_run(torch_client: Client, truth: dict[str, Any]) -> None:
    """The worker has traced others before: what they left behind must not show."""
    for model, expected in truth.items():
        result, _ = traced(torch_client, model)
        assert names(result.pairs) == expected, model


def test_a_later_trace_is_like_the_first(torch_client: Client) -> None:
    for model in SMALL:
        first, again = traced(torch_client, model)[0], traced(torch_client, model)[0]
        assert (again.pairs, again.story) == (first.pairs, first.story), model


def test_the_bundle_is_what_an_independent_run_sees(shipped: traces.Traced, truth: dict[str, Any]) -> None:
    for model, expected in truth.items():
        assert [[a, b] for a, b, _ in shipped.pairs_of(model)] == expected, model


def test_the_result_says_what_was_traced(vit: TraceResult) -> None:
    source = find_timm()
    assert (vit.model, vit.timm_version, vit.digest) == ("test_vit", source.version, source.digest)
    assert (vit.device, vit.forward_device) == ("meta", "meta")
    assert vit.python == ".".join(map(str, sys.version_info[:3]))
    assert vit.seconds > 0


def test_sites_are_lines_of_timm_where_the_callee_is_called(vit: TraceResult) -> None:
    folder = Path(find_timm().origin)
    sites = {(a, b): s for a, b, s in vit.pairs}
    (site,) = sites["timm.models._factory:create_model", "timm.models._registry:model_entrypoint"]
    file, _, line = site.rpartition(":")
    assert "model_entrypoint(model_name)" in (folder / file).read_text().splitlines()[int(line) - 1]


def test_the_story_starts_with_create_model_and_has_values(vit: TraceResult) -> None:
    ((root, count),) = vit.story["roots"]
    top = vit.story["steps"][root]
    assert (top["callee"], count) == ("timm.models._factory:create_model", 1)
    assert top["arguments"] == {"model_name": "'test_vit'"}
    assert top["result"] == "a VisionTransformer"
    (entrypoint,) = named_steps(vit.story, ":model_entrypoint")
    assert entrypoint["result"] == "function test_vit"
    assert call_count(vit.story) >= sum(sum(sites.values()) for _, _, sites in vit.pairs)


def test_a_forward_pass_is_a_story_of_its_own(vit: TraceResult) -> None:
    ((root, _),) = vit.forward_story["roots"]
    top = vit.forward_story["steps"][root]
    assert top["callee"] == "timm.models.vision_transformer:VisionTransformer.forward"
    assert top["arguments"]["x"] == "Tensor 1×3×160×160 float32 meta"
    assert any(step.get("through") for step in vit.forward_story["steps"])
    forward = "timm.models.vision_transformer:VisionTransformer.forward_features"
    assert [forward] == [b for a, b, _ in vit.forward_pairs if b == forward]
    assert forward not in [b for _, b, _ in vit.pairs]


def test_a_deprecated_name_is_created_by_that_name_with_a_notice(torch_client: Client) -> None:
    result, said = traced(torch_client, "tv_resnet34")
    assert said == ["timm calls tv_resnet34 resnet34.tv_in1k now"]
    assert result.model == "tv_resnet34"
    assert any(b.endswith("_deprecated_model_shim.<locals>._fn") for _, b, _ in result.pairs)


@pytest.mark.parametrize("name", ["resnt34", "resnet34.nothing"])
def test_an_unknown_name(torch_client: Client, name: str) -> None:
    with pytest.raises(UnknownName, match="resnet34"):
        traced(torch_client, name)


MINE = """
import functools
import torch
from torch import nn
from timm.models import build_model_with_cfg, register_model

@functools.lru_cache
def width(n): return double(n)
def double(n): return n * 2

class {name}Net(nn.Module):
    def __init__(self, num_classes=10, **kwargs):
        super().__init__()
        self.num_classes = self.num_features = num_classes
        self.fc = nn.Linear(width(4), num_classes)
        {init}
    def forward(self, x):
        {forward}
        return x

@register_model
def {name}(pretrained=False, **kwargs):
    return build_model_with_cfg({name}Net, '{name}', pretrained, **kwargs)
"""


def mine(path: Path, name: str, init: str = "pass", forward: str = "pass") -> tuple[tuple[str, str], ...]:
    """Source of one's own with one model, as a request takes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MINE.format(name=name, init=init, forward=forward))
    name, found = find_extra(str(path.parent if path.name == "__init__.py" else path))
    return ((name, str(found)),)


def test_a_model_of_ones_own_in_a_file(torch_client: Client, tmp_path: Path) -> None:
    extra = mine(tmp_path / "own_file.py", "own_file_model")
    first, _ = traced(torch_client, "own_file_model", extra=extra)
    again, _ = traced(torch_client, "own_file_model", extra=extra)
    sites = {(a, b): s for a, b, s in first.pairs}
    assert list(sites["timm.models._builder:build_model_with_cfg", "own_file:own_file_modelNet.__init__"])
    assert sites["own_file:width", "own_file:double"] == {"own_file.py:8": 1}
    assert again.pairs == first.pairs, "a cache that is warm by now hides no call"
    assert first.digest == digest_with(find_timm().digest, [("own_file", tmp_path / "own_file.py")])
    assert first.digest != find_timm().digest


def test_a_file_may_import_another_beside_it(torch_client: Client, tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("WIDTH = 3")
    extra = mine(tmp_path / "with_another.py", "with_another_model", init="import beside_it")
    assert traced(torch_client, "with_another_model", extra=extra)[0].device == "meta"


def test_a_model_of_ones_own_in_a_package(torch_client: Client, tmp_path: Path) -> None:
    extra = mine(tmp_path / "own_package" / "__init__.py", "own_package_model")
    result, _ = traced(torch_client, "own_package_model", extra=extra)
    assert ["own_package:width", "own_package:double", {"own_package/__init__.py:8": 1}] in result.pairs


def test_a_model_that_needs_real_tensors_is_created_on_the_cpu(torch_client: Client, tmp_path: Path) -> None:
    extra = mine(tmp_path / "needs_cpu.py", "needs_cpu_model", init="torch.zeros(1).item()")
    result, said = traced(torch_client, "needs_cpu_model", extra=extra, forward=True)
    assert (result.device, result.forward_device) == ("cpu", "cpu")
    (why,) = said
    assert why.startswith("needs_cpu_model cannot be created on the meta device, so it is on the CPU: ")


def test_a_forward_pass_that_needs_real_tensors_runs_on_the_cpu(torch_client: Client, tmp_path: Path) -> None:
    extra = mine(tmp_path / "runs_cpu.py", "runs_cpu_model", forward="x.sum().item()")
    result, said = traced(torch_client, "runs_cpu_model", extra=extra, forward=True)
    assert (result.device, result.forward_device) == ("meta", "cpu")
    assert "cannot run on the meta device" in said[0]


def test_a_model_that_cannot_be_created_says_why(torch_client: Client, tmp_path: Path) -> None:
    from explorer.errors import EngineError

    extra = mine(tmp_path / "broken.py", "broken_model", init="raise ValueError('no such width')")
    with pytest.raises(EngineError, match="broken_model cannot be built and run: no such width") as caught:
        traced(torch_client, "broken_model", extra=extra)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise RuntimeError('not today')", "RuntimeError: not today"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("def", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_source_that_cannot_be_imported(torch_client: Client, tmp_path: Path, source: str, said: str) -> None:
    path = tmp_path / "cannot_import.py"
    path.write_text(source)
    with pytest.raises(RequestError, match=r"cannot_import\.py cannot be imported: ") as caught:
        traced(torch_client, "test_vit", extra=(("cannot_import", str(path)),))
    assert said in caught.value.message


def test_source_with_the_name_of_another_module(torch_client: Client, tmp_path: Path) -> None:
    path = tmp_path / "json.py"
    path.write_text("")
    with pytest.raises(RequestError, match="has the name json here"):
        traced(torch_client, "test_vit", extra=(("json", str(path)),))


def test_progress_names_what_is_done(torch_client: Client) -> None:
    events: list[Any] = []
    torch_client.run(TraceRequest("test_vit", forward=True), events.append)
    said = [e.message for e in events if isinstance(e, Progress)]
    assert said[-2:] == ["creating test_vit on the meta device", "running test_vit on the meta device"]
