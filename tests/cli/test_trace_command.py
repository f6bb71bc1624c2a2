import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.engine.process import worker_environment
from explorer.introspect import find_timm, traces
from tests.cli.conftest import Done

FAKE_TRACER = [sys.executable, "-P", str(Path(__file__).parents[1] / "usecases" / "fake_tracer.py")]

Explorer = Callable[..., Done]


@pytest.fixture
def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm_cache: None) -> Path:
    """Workers that only pretend, and the file they note finished traces in."""
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: FAKE_TRACER)
    monkeypatch.setenv("TRACED", str(tmp_path / "traced"))
    return tmp_path / "traced"


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch, warm_cache: None) -> None:
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: pytest.fail("started"))


@pytest.mark.usefixtures("traced")
def test_the_story_is_a_tree_on_stdout(explorer: Explorer) -> None:
    done = explorer("trace", "test_vit")
    assert done.code == 0
    assert done.out.splitlines() == [
        "create_model(model_name='test_vit', cls=ToyNet) → a ToyNet  models/_factory.py:162",
        "└─ test_vit() → a ToyNet  models/_factory.py:230",
        "   ├─ Block.__init__(chs=8)  ×4, values vary  models/toy.py:9",
        "   └┄ hook() raises ValueError('no')  models/toy.py:9",
    ]


@pytest.mark.usefixtures("traced")
def test_full_shows_every_call_and_argument(explorer: Explorer) -> None:
    done = explorer("trace", "test_vit", "--full")
    assert done.out.splitlines()[0].startswith("create_model(model_name='test_vit', cls=class ToyNet, none=None)")
    assert [line.strip("├─└│ ") for line in done.out.splitlines()[2:4]] == [
        "Block.__init__(self=a Block, chs=8, s=1)  ×3  models/toy.py:9",
        "Block.__init__(self=a Block, chs=16)  models/toy.py:9",
    ]


@pytest.mark.usefixtures("traced")
def test_depth_says_what_it_leaves_out(explorer: Explorer) -> None:
    assert explorer("trace", "test_vit", "--depth", 1).out.splitlines()[1:] == [
        "└─ test_vit() → a ToyNet  models/_factory.py:230",
        "   └─ …  5 calls below",
    ]
    assert len(explorer("trace", "test_vit", "--depth", 0).out.splitlines()) == 2


@pytest.mark.usefixtures("traced")
def test_narration_says_what_was_done_and_where_it_lies(explorer: Explorer) -> None:
    err = explorer("trace", "test_vit2").err.splitlines()
    assert err[0] == "creating test_vit2 on the meta device"
    assert err[1].startswith("note: test_vit2 cannot be created on the meta device")
    assert err[2] == ("7 calls of 4 functions, 2 pairs of caller and callee; created on the meta device in 0.5 s")
    assert err[3].startswith("stored in ")
    assert Path(err[3].removeprefix("stored in ")).is_file()
    assert err[4] == "┄ marks a call that comes through code outside timm"


@pytest.mark.usefixtures("traced")
def test_json_is_the_whole_result(explorer: Explorer) -> None:
    result = explorer("trace", "test_vit", "--forward", "--json").json
    assert result == traces.load(find_timm().version, "test_vit", find_timm().digest)
    assert result["forward_device"] == "cpu"


@pytest.mark.usefixtures("traced")
def test_a_forward_pass_is_a_tree_of_its_own(explorer: Explorer) -> None:
    out = explorer("trace", "test_vit", "--forward").out.splitlines()
    assert out[-3:] == ["", "forward pass, on the cpu device", "ToyNet.forward()  models/toy.py:20"]


@pytest.mark.usefixtures("traced")
def test_a_trace_that_cannot_be_stored_is_shown_all_the_same(explorer: Explorer, own_folders: Path) -> None:
    (own_folders.parent / "data").write_text("in the way")
    done = explorer("trace", "test_vit")
    assert (done.code, len(done.out.splitlines())) == (0, 4)
    assert "note: the trace cannot be stored: " in done.err


@pytest.mark.usefixtures("traced")
def test_a_model_that_cannot_be_created_is_a_failure(explorer: Explorer) -> None:
    done = explorer("trace", "test_efficientnet")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1] == "error: test_efficientnet cannot be built and run: no such width"


@pytest.mark.usefixtures("no_worker")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("resnt34",), "no model 'resnt34' (closest: resnet34"),
        ((), "no model to trace"),
        (("--all", "resnet34"), "--all takes a pattern, not the name 'resnet34'"),
        (("--all", "nothing*"), "nothing matches nothing*"),
        (("resnet34", "--again"), "--again goes with --all"),
        (("resnet34", "--bundle", "x"), "--bundle goes with --all"),
        (("resnet34", "--with", "no_such.py"), "--with no_such.py: there is no such file or folder"),
        (("--all", "--bundle", "no/such/folder/x"), "there is no folder no/such/folder"),
        (("--all", "--bundle", "x", "--with", __file__), "a bundle is of timm alone"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_starts(
    explorer: Explorer, arguments: tuple[str, ...], said: str
) -> None:
    done = explorer("trace", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.error


def test_source_of_ones_own_goes_along_and_into_the_digest(explorer: Explorer, traced: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("")
    result = explorer("trace", "my_own_model", "--with", tmp_path / "mine.py", "--json").json
    assert result["model"] == "my_own_model"
    assert result["digest"] != find_timm().digest
    assert traces.load(result["timm_version"], "my_own_model", find_timm().digest) is None


def test_all_traces_what_is_missing_and_goes_on_past_failures(explorer: Explorer, traced: Path) -> None:
    explorer("trace", "test_vit3")
    done = explorer("trace", "--all", "test_vit*")
    facts = dict(line.split(None, 1) for line in done.out.splitlines())
    names = sorted(traced.read_text().split())
    assert done.code == 0
    assert names == sorted(set(names))
    assert (facts["models"], facts["traced"]) == (f"{len(names)}, 1 of them traced before", str(len(names)))
    assert explorer("trace", "--all", "test_vit*").out.startswith(f"models  {len(names)}, {len(names)} of them")
    assert sorted(traced.read_text().split()) == names
    explorer("trace", "--all", "test_vit*", "--again")
    assert len(traced.read_text().split()) == 2 * len(names)


@pytest.mark.usefixtures("traced")
def test_all_names_those_that_failed(explorer: Explorer) -> None:
    done = explorer("trace", "--all", "test_[er]*net", "--json")
    assert done.code == 0
    assert done.json["failed"]["test_efficientnet"] == "test_efficientnet cannot be built and run: no such width"
    assert "the worker was ended by SIGKILL" in done.json["failed"]["test_resnet"]
    assert "note: test_efficientnet cannot be built" in done.err


@pytest.mark.usefixtures("traced")
def test_deprecated_names_are_models_too_unless_they_were_removed(explorer: Explorer) -> None:
    done = explorer("trace", "--all", "tv_resnet*", "--json")
    assert "tv_resnet34" in done.json["traced"]


@pytest.mark.usefixtures("traced")
def test_a_bundle_holds_the_models_that_were_asked_for(explorer: Explorer, tmp_path: Path) -> None:
    explorer("trace", "test_convnext")
    done = explorer("trace", "--all", "test_vit*", "--bundle", tmp_path / "bundle")
    assert done.code == 0
    source = find_timm()
    found = traces.read_bundle(tmp_path / "bundle", source.version, source.digest)
    assert found is not None
    assert "test_vit" in found.models
    assert "test_convnext" not in found.models


def test_timm_of_another_place_cannot_be_traced(explorer: Explorer, toy: Path) -> None:
    assert "trace runs the timm that is installed" in explorer("--timm", toy, "trace", "toy_small").error


@pytest.mark.usefixtures("warm_cache")
def test_a_terminal_shows_the_whole_line_in_its_width() -> None:
    program = (
        f"import explorer.engine.client as client; client.worker_command = lambda: {FAKE_TRACER!r}; "
        "import sys; from explorer.cli.main import run; sys.exit(run(['trace', 'test_vit']))"
    )
    ours, theirs = pty.openpty()
    environment = worker_environment() | {"TERM": "xterm", "COLUMNS": "70"}
    done = subprocess.run([sys.executable, "-c", program], stdout=theirs, stderr=subprocess.PIPE, env=environment)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert done.returncode == 0, done.stderr
    assert "\x1b[1mcreate_model\x1b[0m" in shown
    assert "\x1b[2m  models/_factory.py:162\x1b[0m" in shown


@pytest.mark.xdist_group("torch")
def test_the_command_traces_a_real_model(warm_cache: None) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "explorer", "trace", "test_resnet", "--json"],
        capture_output=True, text=True, env=worker_environment(), timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["device"] == "meta"
    assert any(caller == "timm.models._factory:create_model" for caller, _, _ in result["pairs"])
    assert "importing torch and timm" in done.stderr
