"""What all commands have in common: exit codes, errors as one line, options before and after the command."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

import explorer as package
from explorer.cli import main
from explorer.errors import OutputError

Explorer = Callable[..., Any]

WRONG = [
    ("show", "toy_smal"),
    ("show", "toy_small.c_in1k"),
    ("show", ""),
    ("show", "a\nb"),
    ("show", "local-dir:/nowhere"),
    ("show", "hf-hub:timm/none"),
    ("show", "__init__"),
    ("list", "nothing*"),
    ("list", ""),
    ("list", "--family", "tay"),
    ("list", "--no-such-option"),
    ("search", ""),
    ("search", "toy", "--kind", "clas"),
    ("search", "toy", "--limit", "0"),
    ("search", "toy", "--limit", "many"),
    ("search", "qqqqzzzzxxxx"),
    ("search",),
    ("path", "toy_smal"),
    ("path", "toy_smal", "toy_small"),
    ("path", "a", "b", "c"),
    ("path",),
    ("path", "gone_toy"),
    ("path", "gone_toy", "toy_small"),
    ("graph", "toy_smal"),
    ("graph", "gone_toy"),
    ("graph", "toy_small", "--depth", "-1"),
    ("graph", "toy_small", "--format", "svgg"),
    ("graph", "toy_small", "--view", "callz"),
    ("graph", "toy_small", "--view", "overview"),
    ("graph", "toy_small", "--view", "dataflow", "--shade", "time"),
    ("graph", "toy_small", "--shade", "macs"),
    ("graph", "toy_small", "--from", "a.dot"),
    ("graph", "--from", "no_such.dot"),
    ("graph", "toy_small", "-o", "-", "-F", "svg", "--open"),
    ("graph", "--view", "all"),
    ("graph", "--view", "calls", "--json"),
    ("graph", "--view", "all", "--json", "--nodes", "9"),
    ("graph", "toy_smal", "--view", "all", "--json"),
    ("graph", "timm.models.toy", "--view", "calls"),
    ("verify", "nothing*"),
    ("verify", "toy_smal"),
    ("verify", "--limit", "-1"),
    ("list", "--with", "no_such.py"),
    ("--with", "no_such.py", "show", "toy_small"),
    ("--with", "no_such.py"),
    ("graph", "toy_small", "-o", "-"),
    ("graph", "toy_small", "-o", "picture"),
    ("graph", "toy_small", "-o", "picture.xyz"),
    ("graph", "toy_small", "-o", "no/such/folder/picture.svg"),
    ("graph", "toy_small", "-o", "."),
    ("nonsense",),
    (),
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_request_ends_with_2_and_one_line(
    explorer: Explorer, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    done = explorer("--timm", toy, *arguments)

    assert done.code == 2
    assert done.error
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "close"),
    [
        (("show", "toy_smal"), "toy_small"),
        (("show", "toy_small.c_in1k"), "toy_small.a_in1k"),
        (("list", "toy_smal"), "toy_small"),
        (("list", "--family", "tay"), "toy"),
        (("path", "toy_smal"), "toy_small"),
        (("graph", "ToyNt"), "ToyNet"),
        (("lst",), "list"),
        (("search", "toy", "--kind", "clas"), "class"),
        (("graph", "toy_small", "-o", "x.swg"), ".svg"),
        (("graph", "toy_small", "--view", "callz"), "views: overview, calls"),
        (("verify", "toy_smal*"), "toy_small"),
    ],
)
def test_an_unknown_name_comes_with_the_closest(
    explorer: Explorer, toy: Path, arguments: tuple[str, ...], close: str
) -> None:
    assert close in explorer("--timm", toy, *arguments).error


def test_timm_is_taken_before_and_after_the_command(explorer: Explorer, toy: Path, make_timm: Any) -> None:
    other = make_timm(
        {"models/toy.py": "from ._registry import register_model\n@register_model\ndef other(): pass"}, "b"
    )

    assert explorer("--timm", other, "list").out == "other\n"
    assert explorer("list", "--timm", other).out == "other\n"
    assert explorer("--timm", toy, "list", "--timm", other).out == "other\n"


READING = [["list"], ["show", "x"], ["search", "x"], ["path", "x"], ["graph", "x"], ["verify"]]


@pytest.mark.parametrize("command", READING)
def test_no_timm_at_the_place_named(explorer: Explorer, tmp_path: Path, command: list[str]) -> None:
    done = explorer(*command, "--timm", tmp_path)

    assert (done.code, done.out) == (2, "")
    assert f"--timm {tmp_path}" in done.error


@pytest.mark.parametrize("command", READING)
def test_no_timm_is_installed(explorer: Explorer, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = explorer(*command)

    assert (done.code, done.out) == (1, "")
    assert "--timm PATH" in done.error


@pytest.mark.parametrize("command", [["list"], ["show", "toy_large"], ["search", "toy"], ["path", "ToyNet"]])
def test_a_file_that_cannot_be_parsed_is_named(explorer: Explorer, make_timm: Any, command: list[str]) -> None:
    done = explorer(*command, "--timm", make_timm({"models/bad.py": "x = 1\ndef f(:\n"}))

    assert done.code == 0
    assert done.out
    assert done.err.startswith("note: skipped timm/models/bad.py:2: ")
    assert done.err.count("\n") == 1


def test_an_unwritable_cache_is_no_matter(explorer: Explorer, toy: Path, own_folders: Path) -> None:
    own_folders.write_text("a file where the folder should be")
    done = explorer("list", "--timm", toy)

    assert (done.code, done.err) == (0, "")


JSON_COMMANDS: list[tuple[tuple[str, ...], type]] = [
    (("list",), list),
    (("list", "--all", "--long"), list),
    (("list", "--pretrained"), list),
    (("show", "toy_small"), dict),
    (("show", "toy_small.b_in1k"), dict),
    (("show", "gone_toy"), dict),
    (("show", "ToyNet"), dict),
    (("show", "ToyNet.forward"), dict),
    (("show", "timm.models.toy"), dict),
    (("show", "torch.nn.Module"), dict),
    (("search", "toy"), list),
    (("path", "ToyNet"), dict),
    (("graph", "toy_small"), dict),
    (("graph", "timm.models.toy"), dict),
    (("graph", "--view", "all"), dict),
]


@pytest.mark.parametrize(
    ("arguments", "kind"), JSON_COMMANDS, ids=lambda a: " ".join(a) if isinstance(a, tuple) else ""
)
def test_every_command_speaks_json(explorer: Explorer, toy: Path, arguments: tuple[str, ...], kind: type) -> None:
    done = explorer(*arguments, "--json", "--timm", toy)

    assert done.code == 0
    assert isinstance(done.json, kind)


@pytest.mark.parametrize("arguments", [("list", "nothing*"), ("search", "qqqqzzzzxxxx")])
def test_json_of_nothing_is_an_empty_list(explorer: Explorer, toy: Path, arguments: tuple[str, ...]) -> None:
    done = explorer(*arguments, "--json", "--timm", toy)

    assert (done.code, done.json) == (2, [])
    assert done.error


def test_version(explorer: Explorer) -> None:
    done = explorer("--version")

    assert (done.code, done.out) == (0, f"explorer {package.__version__}\n")


@pytest.mark.parametrize(
    "arguments", [("--help",), ("-h",), *((c, "--help") for c in ("list", "show", "path", "graph", "verify"))]
)
def test_help(explorer: Explorer, arguments: tuple[str, ...]) -> None:
    done = explorer(*arguments)

    assert done.code == 0
    assert "explorer" in done.out
    assert done.err == ""


def test_no_command_starts_the_terminal_app(toy: Path, own: Path) -> None:
    started: list[tuple[Path | None, list[Any]]] = []

    def start(timm: Path | None, extras: Any) -> None:
        started.append((timm, list(extras)))

    assert main.run([], start_app=start) == 0
    assert main.run(["--timm", str(toy), "--with", str(own)], start_app=start) == 0
    assert started == [(None, []), (toy, [("own", own)])]


def test_sources_of_ones_own_are_taken_before_and_after_the_command(
    explorer: Explorer, toy: Path, own: Path, tmp_path: Path
) -> None:
    package = tmp_path / "second"
    package.mkdir()
    (package / "__init__.py").write_text("from . import net\n")
    (package / "net.py").write_text("from timm.models import register_model\n@register_model\ndef second(): pass\n")

    assert explorer("--with", own, "list", "--with", package, "--timm", toy).out.split() == [
        "own_net", "second", "toy_large", "toy_small",
    ]  # fmt: skip
    assert explorer("--with", own, "list", "own*", "--with", own, "--timm", toy).out == "own_net\n"


def test_two_sources_of_one_name(explorer: Explorer, toy: Path, own: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = tmp_path / "b" / "own.py"
    other.write_text("")

    assert "are both imported as own" in explorer("list", "--with", own, "--with", other, "--timm", toy).error


def test_a_file_of_ones_own_that_cannot_be_parsed_is_named(explorer: Explorer, toy: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("def f(:\n")
    done = explorer("list", "--with", tmp_path / "own.py", "--timm", toy)

    assert done.code == 0
    assert done.err.startswith("note: skipped own.py:1: ")


@pytest.mark.parametrize("command", ["bench", "inspect", "trace"])
@pytest.mark.parametrize("is_before", [True, False])
def test_what_runs_timm_does_not_take_another(explorer: Explorer, toy: Path, command: str, is_before: bool) -> None:
    timm = ("--timm", toy)
    done = explorer(*timm, command, "toy_small") if is_before else explorer(command, "toy_small", *timm)

    assert done.code == 2
    assert done.err.startswith(f"error: --timm only reads source; {command} runs the timm that is installed")


def test_a_limit_of_time_is_a_number(explorer: Explorer) -> None:
    for text in ("nan", "inf", "0", "x"):
        done = explorer("inspect", "resnet34", "--timeout", text)
        assert done.code == 2
        assert "--timeout" in done.error


def raising(error: BaseException) -> Callable[..., None]:
    def load(*args: object, **kwargs: object) -> None:
        raise error

    return load


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (OutputError("the disk is gone", "find it"), 1, "error: the disk is gone (find it)\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (ValueError("first\nsecond"), 1, "error: ValueError: first (a bug in explorer: --debug shows where)\n"),
        (MemoryError(), 1, "error: MemoryError: (a bug in explorer: --debug shows where)\n"),
    ],
)
def test_what_goes_wrong_inside(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    line: str,
) -> None:
    monkeypatch.setattr("explorer.usecases.loading.load_graph", raising(error))

    assert main.run(["list"]) == code
    assert capsys.readouterr().err.replace(":  (", ": (") == line


@pytest.mark.parametrize("arguments", [["--debug", "list"], ["list", "--debug"]])
def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setattr("explorer.usecases.loading.load_graph", raising(ValueError("inside")))

    with pytest.raises(ValueError, match="inside"):
        main.run(arguments)


@pytest.mark.parametrize("command", ["show", "path", "graph"])
def test_a_deprecated_name_whose_tag_is_not_there(explorer: Explorer, make_timm: Any, command: str) -> None:
    """timm 1.0.31 maps ``vit_base_patch32_224_sam`` to a tag that it does not have; the model is built all the same."""
    toy = """
        from ._registry import register_model, register_model_deprecations
        @register_model
        def net(): pass
        register_model_deprecations(__name__, {'old': 'net.no_such_tag'})
        """
    done = explorer(command, "old", "--timm", make_timm({"models/toy.py": toy}))

    assert (done.code, done.err) == (0, "note: old is deprecated: timm maps it to net.no_such_tag\n")
    assert "timm.models.toy:net" in done.out or "models/toy.py" in done.out


@pytest.mark.parametrize("name", main.COMMANDS)
def test_the_list_of_commands_says_what_each_says_itself(name: str) -> None:
    command = main.load_command(name)
    said = command.info.help if isinstance(command, typer.Typer) else (command.__doc__ or "").partition("\n")[0]

    assert main.COMMANDS[name][1] == said


def test_the_help_imports_no_command() -> None:
    code = "import sys\nfrom explorer.cli.main import run\nrun(['--help'])\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert [line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines() if line] == [*main.COMMANDS]
    assert [name for name in done.stderr.split() if name.endswith(("_command", "_commands"))] == []


FILES = [
    ("list", "--timm", "{}"),
    ("list", "--with", "{}"),
    ("graph", "--from", "{}", "-o", "-", "-F", "dot"),
    ("results", "import", "{}"),
]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("command", FILES)
@pytest.mark.parametrize("kind", ["pipe.py", "/dev/zero", "folder", "x" * 300, "x" * 5000, "a\0b", "a\ud800b"])
def test_only_files_are_read(explorer: Explorer, tmp_path: Path, command: tuple[str, ...], kind: str) -> None:
    path = tmp_path / kind if kind in ("pipe.py", "folder") else kind
    if kind == "pipe.py":
        os.mkfifo(path)
    elif kind == "folder":
        Path(path).mkdir()

    done = explorer(*(part.format(path) for part in command))

    assert done.code == 2
    assert done.err.startswith("error: ")
    assert len(done.err.splitlines()) == 1
    assert "a bug in explorer" not in done.err


@pytest.mark.parametrize("number", ["9223372036854775808", "2147483648", "-1"])
@pytest.mark.parametrize("option", ["--batch-size", "--img-size", "--in-chans"])
def test_sizes_that_no_model_has(explorer: Explorer, option: str, number: str) -> None:
    done = explorer("inspect", "resnet18", option, number)

    assert done.code == 2
    assert f"must be a whole number from 1 to 2,147,483,647, not {number}" in done.err


def test_debug_tells_what_an_expected_error_came_of(explorer: Explorer, tmp_path: Path) -> None:
    done = explorer("graph", "--from", tmp_path / "x.dot", "-o", "-", "-F", "dot", "--debug")

    assert done.code == 2
    assert "Traceback" not in done.err
    assert done.err.splitlines()[-1].startswith("caused by FileNotFoundError: ")
