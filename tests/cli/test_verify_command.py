import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.introspect import load_graph, traces
from tests.cli.conftest import Done

FAKE_TRACER = [sys.executable, "-P", str(Path(__file__).parents[1] / "usecases" / "fake_tracer.py")]

Explorer = Callable[..., Done]

CREATED = [
    ("_factory:create_model", "_registry:model_entrypoint", "models/_factory.py:4"),
    ("_factory:create_model", "toy:toy_small", "models/_factory.py:5"),
    ("toy:toy_small", "toy:_create_toy", "models/toy.py:33"),
    ("toy:_create_toy", "_builder:build_model_with_cfg", "models/toy.py:18"),
    ("_builder:build_model_with_cfg", "toy:ToyNet.__init__", "models/_builder.py:5"),
]
"""What is called when the small timm's small model is created, but for its layer."""


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: pytest.fail("started"))


@pytest.mark.usefixtures("no_worker")
def test_the_report(explorer: Explorer, toy: Path, keep_trace: Callable[..., None]) -> None:
    keep_trace("toy_small", [*CREATED, ("toy:ToyNet.__init__", "toy:nowhere", "models/toy.py:14")])
    done = explorer("verify", "toy_small", "--timm", toy)
    lines = done.out.splitlines()

    assert done.code == 0
    assert lines[0] == "models     1 traced"
    assert "recall     83.33 %" in lines
    assert any(line.startswith("slices     recall 83.33 %, precision 83.33 %, mean of 1 model") for line in lines)
    assert "traced and not static (1)" in lines
    assert "  the callee is not in the static graph (1)" in lines
    assert "    timm.models.toy:ToyNet.__init__ → timm.models.toy:nowhere  models/toy.py:14, 1 slice" in lines
    assert "  of models that are not among these (1)" in lines


@pytest.mark.usefixtures("no_worker")
def test_json_has_every_model_and_pair(explorer: Explorer, toy: Path, keep_trace: Callable[..., None]) -> None:
    keep_trace("toy_small", CREATED)
    found = explorer("verify", "toy_small", "--json", "--timm", toy).json
    (model,) = found["models"]
    layer = ["timm.models.toy:ToyNet.__init__", "timm.layers.conv:ConvAct.__init__"]

    assert (found["recall"], found["traced"], found["both"]) == (1.0, 5, 5)
    assert (model["name"], model["recall"], model["precision"]) == ("toy_small", 1.0, 5 / 6)
    assert (model["missing"], model["never_seen"]) == ([], [layer])
    assert found["never_seen"][0].keys() == {"caller", "callee", "cause", "whole_graph", "sites", "through", "slices"}
    assert (found["slice_recall"], found["slice_precision"]) == (1.0, 5 / 6)


@pytest.mark.usefixtures("no_worker")
def test_how_much_is_shown(explorer: Explorer, toy: Path, keep_trace: Callable[..., None]) -> None:
    keep_trace("toy_small", [*CREATED, *(("toy:toy_small", f"toy:f{i}", "models/toy.py:33") for i in range(9))])

    def shown(*more: object) -> int:
        done = explorer("verify", "toy_small", *more, "--timm", toy)
        assert done.code == 0
        assert done.out.splitlines()[-1].startswith("  ")
        return done.out.count("→ timm.models.toy:f")

    assert (shown(), shown("--limit", "2"), shown("-n", "0"), shown("--all")) == (5, 2, 0, 9)


@pytest.mark.usefixtures("no_worker")
def test_models_without_a_trace_are_counted(explorer: Explorer, toy: Path, keep_trace: Callable[..., None]) -> None:
    keep_trace("toy_small", CREATED)
    done = explorer("verify", "--no-trace", "--timm", toy)

    assert (done.code, done.out.splitlines()[0]) == (0, "models     1 traced, 3 not traced")
    assert explorer("verify", "--no-trace", "--json", "--timm", toy).json["untraced"] == [
        "old_toy", "old_toy_b", "toy_large",
    ]  # fmt: skip


@pytest.mark.usefixtures("no_worker")
def test_another_timm_is_held_against_the_traces_there_are(
    explorer: Explorer, toy: Path, keep_trace: Callable[..., None]
) -> None:
    keep_trace("toy_small", CREATED)
    for done in (explorer("verify", "--timm", toy), explorer("--timm", toy, "verify")):
        assert done.code == 0
        assert done.err.startswith("note: 3 models cannot be traced: ")


@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--no-trace",), "error: none of 4 models is traced (leave --no-trace out)"),
        (("toy_small", "--no-trace"), "error: toy_small is not traced (leave --no-trace out)"),
        (("toy_small",), "error: toy_small is not traced"),
    ],
)
def test_nothing_is_traced(explorer: Explorer, toy: Path, arguments: tuple[str, ...], line: str) -> None:
    done = explorer("verify", *arguments, "--timm", toy)

    assert (done.code, done.out) == (1, "")
    assert done.error == line


@pytest.mark.usefixtures("no_worker")
def test_a_model_that_cannot_be_created(explorer: Explorer, toy: Path, keep_trace: Callable[..., None]) -> None:
    info = load_graph(toy).info
    traces.save_failure(info.timm_version, info.digest, "toy_large", "toy_large cannot be built: no such width")
    alone = explorer("verify", "toy_large", "--timm", toy)
    assert (alone.code, alone.error) == (1, "error: toy_large cannot be built: no such width")

    keep_trace("toy_small", CREATED)
    done = explorer("verify", "toy_*", "--timm", toy)
    assert done.code == 0
    assert done.out.startswith("models     1 traced, 1 cannot be created\n")
    assert "  toy_large  toy_large cannot be built: no such width" in done.out.splitlines()


@pytest.fixture
def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm_cache: None) -> Path:
    """Workers that only pretend, and the file they note finished traces in; no bundle."""
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: FAKE_TRACER)
    monkeypatch.setattr("explorer.introspect.traces.read_bundle", lambda *of_what: None)
    monkeypatch.setenv("TRACED", str(tmp_path / "traced"))
    return tmp_path / "traced"


def test_what_is_missing_is_traced_once(explorer: Explorer, traced: Path) -> None:
    done = explorer("verify", "test_vit*")
    names = sorted(traced.read_text().split())

    assert done.code == 0
    assert len(names) > 2
    assert done.out.startswith(f"models     {len(names)} traced\n")
    assert f"tracing {len(names)} models" in done.err
    assert explorer("verify", "test_vit*").out == done.out
    assert sorted(traced.read_text().split()) == names


@pytest.mark.usefixtures("traced")
def test_a_broken_model_stops_nothing(explorer: Explorer) -> None:
    done = explorer("verify", "test_[er]*net", "test_vit", "--json")

    assert done.code == 0
    assert done.json["failed"]["test_efficientnet"] == "test_efficientnet cannot be built and run: no such width"
    assert "the worker was ended by SIGKILL" in done.json["failed"]["test_resnet"]
    assert done.json["untraced"] == []


@pytest.mark.usefixtures("traced")
def test_all_that_was_asked_for_is_broken(explorer: Explorer) -> None:
    done = explorer("verify", "test_efficientnet")

    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1] == "error: test_efficientnet cannot be built and run: no such width"


@pytest.mark.usefixtures("warm_cache")
def test_with_the_bundle_it_imports_no_torch_and_starts_nothing() -> None:
    code = (
        "import sys, explorer.engine.client as client\n"
        "client.worker_command = lambda: sys.exit('started')\n"
        "from explorer.cli.main import run\ncode = run(['verify', 'resnet*'])\n"
        "print(*sys.modules, file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert {"torch", "timm", "textual", "networkx", "asyncio"} & set(done.stderr.split()) == set()


def test_figures_never_say_100_when_something_is_lacking() -> None:
    from explorer.cli.verify_command import _percent

    shares = [1.0, 0.99999, 0.29, 0.0]
    assert [_percent(share) for share in shares] == ["100.00 %", "99.99 %", "29.00 %", "0.00 %"]
