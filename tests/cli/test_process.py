"""What only a process of its own shows: pipes, signals, imports, streams that cannot be written."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

EXPLORER = [sys.executable, "-P", "-m", "explorer"]


def explorer(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60, **more}
    options["env"] = {**os.environ, **more.get("env", {})}
    return subprocess.run([*EXPLORER, *map(str, arguments)], **options)


HEAVY = ("torch", "torchvision", "timm", "textual", "networkx", "grimp", "rich.console", "asyncio")


@pytest.mark.usefixtures("warm_cache")
@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("show", "resnet34"),
        ("search", "resnet"),
        ("path", "resnet34"),
        ("graph", "resnet34"),
        ("graph", "--view", "all", "--json"),
        ("verify", "resnet34"),
        ("--version",),
    ],
    ids=lambda a: a[0],
)
def test_what_a_command_imports(arguments: Sequence[str]) -> None:
    code = (
        "import sys\nfrom explorer.cli.main import run\ncode = run(sys.argv[1:])\n"
        "print(*sys.modules, file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)

    assert done.returncode == 0
    assert set(HEAVY) & set(done.stderr.split()) == set()


def test_a_cold_build_imports_no_torch(toy: Path) -> None:
    code = "import pathlib, sys, explorer\nexplorer.load_graph(pathlib.Path(sys.argv[1]))\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(toy)], capture_output=True, text=True, check=True)

    assert set(HEAVY) & set(done.stdout.split()) == set()


@pytest.mark.usefixtures("warm_cache")
def test_whoever_reads_may_leave() -> None:
    command = f"{' '.join(EXPLORER)} list --long | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("name\tfamily\ttags\treplaced by\n", "")
    assert done.returncode in (0, 141)


@pytest.mark.parametrize(
    "arguments", [("list",), ("show", "toy_small", "--json"), ("graph", "toy_small", "-o", "-", "-F", "svg")]
)
def test_a_full_disk_is_one_line(toy: Path, arguments: Sequence[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = explorer(*arguments, "--timm", toy, stdout=full, stderr=subprocess.PIPE, capture_output=False)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr
    assert "a bug in explorer" not in done.stderr


def test_stdout_is_closed(toy: Path) -> None:
    done = subprocess.run(["bash", "-c", f"{' '.join(EXPLORER)} list --timm {toy} >&-"], capture_output=True, text=True)

    assert "Traceback" not in done.stderr
    assert "a bug in explorer" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [("show", "toy_small"), ("graph", "toy_small"), ("list", "--json"), ("show", "ToyNet")]
)
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_unicode(make_timm: Any, arguments: Sequence[str], encoding: str) -> None:
    """Names and docstrings hold any letter, and explorer's own words ×, … and ─."""
    sources = {"models/extra.py": "class ToyBar:\n    '''Über \N{SNOWMAN}.'''\n"}
    done = explorer(*arguments, "--timm", make_timm(sources), env={"PYTHONIOENCODING": encoding}, encoding=encoding)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_json_loses_nothing_without_unicode(make_timm: Any) -> None:
    timm = make_timm({"models/extra.py": "class ToyBar:\n    'Über \N{SNOWMAN}.'\n"})
    done = explorer("show", "ToyBar", "--json", "--timm", timm, env={"PYTHONIOENCODING": "ascii"})

    assert json.loads(done.stdout)["doc"] == "Über \N{SNOWMAN}."


def test_narration_never_goes_to_stdout(toy: Path) -> None:
    """Python prints to stdout what is meant for a stderr that was closed."""
    command = f"{' '.join(EXPLORER)} show old_toy --json --timm {toy} 2>&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)

    assert done.returncode == 0
    assert json.loads(done.stdout)["name"] == "old_toy"


def test_a_file_is_written_though_stdout_is_closed(toy: Path, tmp_path: Path) -> None:
    command = f"{' '.join(EXPLORER)} graph toy_small -o {tmp_path / 'a.json'} --timm {toy} >&-"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["nodes"]


@pytest.mark.usefixtures("warm_cache")
def test_ctrl_c() -> None:
    """The listing is larger than a pipe holds: once its first byte is here, the process waits to write the rest."""
    process = subprocess.Popen([*EXPLORER, "list", "--all", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.read(1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=20)

    assert (process.returncode, error) == (130, b"interrupted\n")


def test_timm_is_not_installed(tmp_path: Path) -> None:
    """``-S`` leaves site-packages out; what explorer itself needs is put back, by name."""
    import explorer as package

    site = Path(pytest.__file__).parents[1]
    (tmp_path / "only").mkdir()
    for entry in site.iterdir():
        if not entry.name.startswith(("timm", "torch")):
            (tmp_path / "only" / entry.name).symlink_to(entry)
    path = f"{tmp_path / 'only'}:{Path(package.__file__).parents[1]}"
    done = subprocess.run(
        [sys.executable, "-S", "-m", "explorer", "list"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: timm is not installed here")
    assert done.stderr.count("\n") == 1


def test_a_script_called_timm_beside_the_user(tmp_path: Path) -> None:
    (tmp_path / "timm.py").write_text("raise SystemExit('it was run')")
    done = subprocess.run(
        [sys.executable, "-m", "explorer", "list"],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode in (0, 1)
    assert "it was run" not in done.stderr
    assert (done.returncode == 0) == ("resnet34" in done.stdout)


def on_a_terminal(*arguments: object, code: int = 0) -> str:
    """What a terminal of 80 columns gets to see."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    process = subprocess.Popen([*EXPLORER, *map(str, arguments)], stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    seen = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    os.close(master)
    assert process.wait(timeout=30) == code
    return seen.decode()


def test_a_terminal_sees_tables_and_indented_json(toy: Path) -> None:
    assert "\t" not in on_a_terminal("list", "--long", "--timm", toy)
    shown = on_a_terminal("list", "--json", "--timm", toy)
    assert shown.count("\n") > 5
    assert json.loads(shown)


def test_a_terminal_wraps_a_long_signature_under_itself(make_timm: Any) -> None:
    parameters = ", ".join(f"parameter_{i}: int = {i}" for i in range(12))
    timm = make_timm({"models/extra.py": f"def long_one({parameters}): pass\n"})
    whole = f"({parameters})"
    assert whole in explorer("show", "long_one", "--timm", timm).stdout

    lines = on_a_terminal("show", "long_one", "--timm", timm).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("signature"))
    indent = lines[start].index("(")
    end = next(i for i, line in enumerate(lines) if line.endswith(")"))
    assert max(map(len, lines[start : end + 1])) <= 80
    assert {line[:indent].strip() for line in lines[start : end + 1]} == {"signature", ""}
    assert " ".join(line[indent:] for line in lines[start : end + 1]) == whole


def test_a_terminal_gets_no_png(toy: Path) -> None:
    assert "error: a terminal cannot show a PNG" in on_a_terminal(
        "graph", "toy_small", "-F", "png", "--timm", toy, code=2
    )


def test_python_m_and_the_exit_code(toy: Path) -> None:
    assert explorer("list", "--timm", toy).returncode == 0
    assert explorer("list", "nothing", "--timm", toy).returncode == 2
    assert explorer("path", "ToyNet.forward", "create_model", "--timm", toy).returncode == 1


def test_the_terminal_app_needs_a_terminal() -> None:
    done = explorer(stdin=subprocess.DEVNULL)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the terminal app needs a terminal")
    assert done.stderr.count("\n") == 1


def test_a_traceback_drives_no_terminal(tmp_path: Path) -> None:
    """One of what nobody foresaw; an error that is expected has none, but may say such a name as well."""
    raising = (
        "import sys, explorer.__main__ as program, explorer.cli.main as main\n"
        "def fail(*_): raise ZeroDivisionError(sys.argv[-1])\n"
        "main.find_extras = fail\nprogram._start_app = fail\nprogram.main()"
    )
    name = tmp_path / "no\x1b[2J\x9b"
    unforeseen = subprocess.run(
        [sys.executable, "-c", raising, "--debug", "--with", name], capture_output=True, text=True
    )
    expected = explorer("--debug", "list", "--timm", name)

    assert (unforeseen.returncode, expected.returncode) == (1, 2)
    assert "Traceback" in unforeseen.stderr
    assert "Traceback" not in expected.stderr
    for done in (unforeseen, expected):
        assert r"no\x1b[2J\x9b" in done.stderr
        assert not {"\x1b", "\x9b"} & set(done.stderr)
