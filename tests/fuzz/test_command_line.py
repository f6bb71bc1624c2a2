"""Random command lines, sources, archives, DOT and cache files: each ends in words of explorer's own, and soon.

In CI the same few hundred each time. With EXPLORER_FUZZ_SECONDS set, new ones are drawn for so long.
"""

import contextlib
import io
import os
import shutil
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.cli.main import COMMANDS, load_command, run
from tests.engine.conftest import FAKE_WORKER

SECONDS = float(os.environ.get("EXPLORER_FUZZ_SECONDS", 0))
LIMIT_SECONDS = 30
"""What one command line may take here, on a busy machine."""
FUZZ = settings(
    max_examples=int(SECONDS * 50) or 60,
    derandomize=not SECONDS,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
STARTED = time.monotonic()

NAMES = """
toy_small toy_small.a_in1k old_toy gone_toy toy_* * [ ToyNet timm.models.toy create_model : . .. - --
hf-hub:timm/x hf-hub: local-dir:/nowhere %s%n {} 1e309 nan 0 -1 é /dev/zero /dev/full / ~
x.svg x.dot x.json no/such/x.svg mine.py folder pipe bad.zip k=v in_chans=1 a=[[[ svg
""".split()
NAMES += ["", " ", "a\nb", "\x1b[31m", "\udcff", "\ud800", "a\0b", "\u202egpj", "x" * 5000, "9" * 30]
TEXTS = st.one_of(st.sampled_from(NAMES), st.text(max_size=8), st.integers().map(str), st.floats().map(str))
LEFT_OUT = {"--open", "--all", "--everything", "--help", "--again", "--bundle", "--debug"}
"""They start a viewer, or work for minutes."""


def options_of(command: Any) -> list[str]:
    return [
        opt for parameter in command.params for opt in parameter.opts if opt.startswith("-") and opt not in LEFT_OUT
    ]


def commands() -> dict[tuple[str, ...], list[str]]:
    """Every command, and the options that it says it has."""
    found: dict[tuple[str, ...], list[str]] = {(): ["--timm", "--with", "--version"]}
    for name in COMMANDS:
        if name == "gallery":  # a minute of pictures
            continue
        whole = load_command(name)
        if not isinstance(whole, typer.Typer):
            function, whole = whole, typer.Typer()
            whole.command()(function)
        command: Any = typer.main.get_command(whole)
        for part, each in getattr(command, "commands", {None: command}).items():
            found[(name, part) if part else (name,)] = options_of(each)
    return found


LINES = commands()


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """A command line: some command, options of its own or of others, values that fit or do not."""
    command = draw(st.sampled_from(sorted(LINES)))
    own = st.sampled_from(LINES[command] or ["--json"])
    words = draw(st.lists(st.one_of(TEXTS, own, own, st.tuples(own, TEXTS).map("=".join)), max_size=6))
    return [*command, *words]


class Ground:
    """A folder with a small timm, files of many kinds, and what a command line did there."""

    def __init__(self, folder: Path, timm: Path) -> None:
        self.folder, self.timm = folder, timm
        (folder / "mine.py").write_text("from timm.models import register_model\n@register_model\ndef mine(): pass\n")
        (folder / "folder").mkdir()
        (folder / "bad.zip").write_bytes(b"PK\x03\x04rest")
        if hasattr(os, "mkfifo"):
            os.mkfifo(folder / "pipe")

    def ends_well(self, *words: str) -> tuple[int, str]:
        """Run a command line in this process; its code and what it printed."""
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        start = time.monotonic()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(list(words))
        seconds = time.monotonic() - start
        said = err.getvalue()
        out.seek(0)
        assert code in (0, 1, 2, 130), (words, code)
        assert "Traceback" not in said, (words, said)
        assert "a bug in explorer" not in said, (words, said)
        assert not {c for c in said if ord(c) < 32} - {"\n", "\t"}, (words, said)
        assert (code in (1, 2)) == any(line.startswith("error: ") for line in said.splitlines()), (words, code, said)
        assert seconds < LIMIT_SECONDS, (words, seconds)
        return code, out.read()


@pytest.fixture
def ground(tmp_path: Path, make_timm: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("explorer.engine.client.worker_command", lambda: FAKE_WORKER)
    monkeypatch.setattr("typer.launch", lambda _: 1)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    yield Ground(tmp_path, make_timm())


def is_over() -> bool:
    """Whether the time asked for is used up."""
    return bool(SECONDS) and time.monotonic() - STARTED > SECONDS


@FUZZ
@given(words=lines())
def test_command_lines(ground: Ground, words: list[str]) -> None:
    if is_over():
        return
    if words and words[0] in ("bench", "inspect", "trace"):
        words = [word for word in words if not set(word) & set("*?[")]  # all of timm takes minutes
        ground.ends_well(*words)
    else:
        ground.ends_well("--timm", str(ground.timm), *words)


def damaged(content: bytes, cut: int, flips: list[tuple[int, int]]) -> bytes:
    """Bytes with some of them changed, and the end cut off."""
    changed = bytearray(content[: len(content) - cut % (len(content) or 1)])
    for place, bits in flips:
        if changed:
            changed[place % len(changed)] ^= bits
    return bytes(changed)


def in_utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


DAMAGE = st.tuples(
    st.one_of(st.just(0), st.integers(0, 10_000)),
    st.lists(st.tuples(st.integers(0, 100_000), st.integers(1, 255)), max_size=6),
)


@FUZZ
@given(damage=DAMAGE)
def test_damaged_wheels(ground: Ground, damage: tuple[int, list[tuple[int, int]]]) -> None:
    if is_over():
        return
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(ground.timm.rglob("*.py")):
            archive.write(file, f"timm/{file.relative_to(ground.timm).as_posix()}")
    (ground.folder / "timm.whl").write_bytes(damaged(whole.getvalue(), *damage))

    ground.ends_well("show", "toy_small", "--timm", "timm.whl")


@FUZZ
@given(
    damage=DAMAGE, file=st.sampled_from(["models/toy.py", "models/_registry.py", "__init__.py", "models/__init__.py"])
)
def test_damaged_sources(ground: Ground, damage: tuple[int, list[tuple[int, int]]], file: str) -> None:
    if is_over():
        return
    folder = ground.folder / "other" / "timm"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ground.timm, folder)
    path = folder / file
    path.write_bytes(damaged(path.read_bytes(), *damage))

    ground.ends_well("path", "toy_small", "--timm", str(folder))


@FUZZ
@given(
    source=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace")), DAMAGE)
)
def test_sources_of_ones_own(ground: Ground, source: Any) -> None:
    if is_over():
        return
    whole = (ground.folder / "mine.py").read_bytes()
    (ground.folder / "own.py").write_bytes(source if isinstance(source, bytes) else damaged(whole, *source))

    ground.ends_well("list", "*", "--timm", str(ground.timm), "--with", "own.py")


WORDS = r"""
digraph graph strict subgraph node edge a b cluster_x -> -- { } [ ] ; , = : label "x\N" <b> -.5 1e9 rank=same #c /*
""".split()
DOT = st.one_of(
    st.lists(st.sampled_from(WORDS)).map(" ".join),
    st.text(max_size=40).map(lambda text: f'digraph {{ a [label="{text}"]; a -> b [URL="{text}"] }}'),
    st.binary(max_size=80),
)


@FUZZ
@given(text=DOT, fmt=st.sampled_from(["svg", "dot", "mmd", "json", "graphml", "html"]))
def test_dot_of_anybody(ground: Ground, text: Any, fmt: str) -> None:
    if is_over():
        return
    content = text if isinstance(text, bytes) else in_utf8(text)
    (ground.folder / "any.dot").write_bytes(content)

    ground.ends_well("graph", "--from", "any.dot", "-o", f"any.{fmt}")


@FUZZ
@given(damage=DAMAGE, ending=st.sampled_from(["base", "calls"]))
def test_damaged_caches(
    ground: Ground, own_folders: Path, damage: tuple[int, list[tuple[int, int]]], ending: str
) -> None:
    if is_over():
        return
    request = ("path", "toy_small", "--timm", str(ground.timm))
    whole = ground.ends_well(*request)
    files = [file for file in own_folders.rglob("*.zip") if (ending == "calls") == file.stem.endswith("-calls")]
    assert files
    for file in files:
        file.write_bytes(damaged(file.read_bytes(), *damage))

    assert ground.ends_well(*request) == whole


def test_the_commands_that_are_drawn_from() -> None:
    assert {line[0] for line in LINES if line} == set(COMMANDS) - {"gallery"}
    assert {"--json", "--view", "--from"} <= set(LINES[("graph",)])
    assert ("results", "import") in LINES
    assert load_command("list")
