import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.graph import EdgeKind, Graph
from explorer.introspect import SourceTree, find_timm, load_graph
from explorer.introspect.builder import Builder
from explorer.introspect.cache import cached_graph

MakeTimm = Callable[..., Path]


@pytest.fixture
def folder(own_folders: Path) -> Path:
    return own_folders / "timm-explorer" / "graphs"


def the_files(folder: Path) -> dict[str, Path]:
    """The two files of the only graph there: ``base``, and its ``calls``."""
    files = {"calls" if path.name.endswith("-calls.zip") else "base": path for path in folder.iterdir()}
    assert len(files) == len(list(folder.iterdir()))
    return files


def no_build(source: SourceTree) -> Builder:
    raise AssertionError("built, though it is in the cache")


def whole(graph: Graph) -> dict[str, object]:
    return graph.to_node_link()


def test_a_warm_load_is_the_cold_build(make_timm: MakeTimm, folder: Path) -> None:
    package = make_timm()
    cold = whole(load_graph(package))

    assert the_files(folder).keys() == {"base", "calls"}
    assert whole(cached_graph(find_timm(package), no_build)) == cold
    assert whole(load_graph(package, use_cache=False)) == cold


def test_contexts_are_kept(make_timm: MakeTimm) -> None:
    package = make_timm()
    cold = load_graph(package).contexts
    warm = cached_graph(find_timm(package), no_build).contexts

    assert list(warm.models) == ["toy_small", "toy_large", "old_toy", "old_toy_b", "gone_toy"]
    assert warm.to_json() == cold.to_json()


def test_calls_are_followed_when_they_are_asked_for(make_timm: MakeTimm, folder: Path) -> None:
    graph = load_graph(make_timm())

    assert graph.node("timm.models.toy:toy_small").line == 31
    assert list(graph.successors("model:toy_small", EdgeKind.REGISTERS)) == ["timm.models.toy:toy_small"]
    assert the_files(folder).keys() == {"base"}
    assert list(graph.edges(EdgeKind.DISPATCHES))
    assert the_files(folder).keys() == {"base", "calls"}


def test_problems_are_kept(make_timm: MakeTimm) -> None:
    package = make_timm({"models/bad.py": "def f(:"})

    assert load_graph(package).info == load_graph(package).info
    assert [p.file for p in load_graph(package).info.problems] == ["models/bad.py"]


def test_the_same_source_elsewhere_is_not_built_again(make_timm: MakeTimm) -> None:
    load_graph(make_timm(name="a"))
    other = make_timm(name="b")

    assert cached_graph(find_timm(other), no_build).info.origin == str(other)


def test_a_changed_source_is_built_again(make_timm: MakeTimm) -> None:
    load_graph(make_timm())
    changed = make_timm({"models/new.py": "def f(): pass"})

    assert "timm.models.new:f" in load_graph(changed)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("models/toy.py", "self.stem = ConvAct(8)", "self.stem = self.make()\n    def make(self): return ConvAct(8)"),
        ("models/toy.py", "depth=9", "depth=9, **{'x': 1}"),
        ("models/toy.py", "@register_model\ndef toy_large", "def toy_large"),
        ("models/_builder.py", "if pretrained:", "if not pretrained:"),
        ("layers/conv.py", "self.act = act_layer()", "self.act = None"),
        ("models/_factory.py", "return model\n", "return wrapped(model)\n\ndef wrapped(model): return model\n"),
        ("version.py", "1.0.9", "1.0.10"),
    ],
)
def test_what_is_taken_over_of_an_earlier_graph_is_what_a_new_one_has(
    make_timm: MakeTimm, file: str, old: str, new: str
) -> None:
    package = make_timm()
    whole(load_graph(package))
    path = package / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    again, fresh = load_graph(package), load_graph(package, use_cache=False)

    assert whole(again) == whole(fresh)
    for name in fresh.contexts.models:
        assert pairs_of(again, name) == pairs_of(fresh, name)


def pairs_of(graph: Graph, model: str) -> set[tuple[str, str]]:
    return set(graph.contexts.pairs(graph.contexts.models[model]))


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _garbage(path: Path) -> None:
    path.write_bytes(b"\x00garbage" * 300)


def _foreign_json(path: Path) -> None:
    path.write_text('{"format": "something else"}')


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    at = content.find(b"toy_small")
    content[at] ^= 1
    path.write_bytes(content)


def _flipped_everywhere(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for at in range(50, len(content), 97):
        content[at] ^= 0x41
    path.write_bytes(content)


def _rewrite(path: Path, name: str, value: object) -> None:
    with zipfile.ZipFile(path) as archive:
        sections = {n: archive.read(n) for n in archive.namelist()}
    sections[name] = json.dumps(value).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for section, content in sections.items():
            archive.writestr(section, content)


def _no_section(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        info = archive.read("info.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("info.json", info)


def _nothing(path: Path) -> None:
    with zipfile.ZipFile(path, "w"):
        pass


def _gone(path: Path) -> None:
    path.unlink()


def _section_is_a_list(path: Path) -> None:
    _rewrite(path, "nodes/model.json", [])


def _calls_are_a_list(path: Path) -> None:
    _rewrite(path, "edges/calls.json", [])


def _contexts_are_a_list(path: Path) -> None:
    _rewrite(path, "contexts.json", [])


def _info_is_a_list(path: Path) -> None:
    _rewrite(path, "info.json", [1])


def _info_is_of_another_format(path: Path) -> None:
    _rewrite(path, "info.json", {"format": "explorer-graph-0", "digest": "x"})


def _problems_are_words(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        info = json.loads(archive.read("info.json"))
    _rewrite(path, "info.json", {**info, "problems": ["a", "b"]})


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


_OF_ANY = [_truncated, _empty, _garbage, _foreign_json, _flipped, _flipped_everywhere, _nothing, _gone, _a_folder]
_OF_BASE = [_no_section, _section_is_a_list, _info_is_a_list, _info_is_of_another_format, _problems_are_words]
_OF_CALLS = [_calls_are_a_list, _contexts_are_a_list]


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        *(("base", damage) for damage in (*_OF_ANY, *_OF_BASE)),
        *(("calls", damage) for damage in (*_OF_ANY, *_OF_CALLS)),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_damaged_file_is_as_good_as_none(
    make_timm: MakeTimm, folder: Path, kind: str, damage: Callable[[Path], None]
) -> None:
    package = make_timm()
    cold = load_graph(package)
    before = whole(cold), cold.contexts.to_json()
    damage(the_files(folder)[kind])
    again = load_graph(package)

    assert (whole(again), again.contexts.to_json()) == before


@pytest.mark.parametrize("kind", ["base", "calls"])
def test_a_damaged_file_is_replaced(make_timm: MakeTimm, folder: Path, kind: str) -> None:
    package = make_timm()
    whole(load_graph(package))
    _flipped(the_files(folder)[kind])
    whole(load_graph(package))

    whole(cached_graph(find_timm(package), no_build))


@pytest.mark.parametrize("kind", ["base", "calls"])
def test_any_one_flipped_byte_is_survived(make_timm: MakeTimm, folder: Path, kind: str) -> None:
    package = make_timm({"models/toy.py": "x = 1"})
    cold = whole(load_graph(package))
    path = the_files(folder)[kind]
    content = path.read_bytes()
    source = find_timm(package)
    fresh = Fresh(source)
    at_headers = [*range(40), *range(len(content) - 400, len(content)), *range(40, len(content) - 400, 211)]

    for at in at_headers:
        for bit in (0x01, 0x80):
            path.write_bytes(content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :])
            assert whole(cached_graph(source, lambda _: fresh)) == cold, at


class Fresh(Builder):
    """Builds once, however often it is asked to."""

    def complete(self, before: Graph | None = None) -> Graph:
        if not self.graph.contexts.ids:
            super().complete(before)
        return self.graph


def test_the_cache_folder_is_a_file(make_timm: MakeTimm, own_folders: Path) -> None:
    own_folders.parent.mkdir(exist_ok=True)
    own_folders.write_text("")

    assert "model:toy_small" in load_graph(make_timm())


def test_the_cache_cannot_be_written(make_timm: MakeTimm, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)

    assert "model:toy_small" in load_graph(make_timm())


def stop_writing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(zipfile.ZipFile, "writestr", refuse)


def test_the_disk_is_full(make_timm: MakeTimm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_writing(monkeypatch, OSError(28, "No space left on device"))

    assert "model:toy_small" in load_graph(make_timm())
    assert list(folder.iterdir()) == []


def test_interrupted_while_writing(make_timm: MakeTimm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_writing(monkeypatch, KeyboardInterrupt())

    with pytest.raises(KeyboardInterrupt):
        load_graph(make_timm())
    assert list(folder.iterdir()) == []


def test_no_cache_is_asked_for(make_timm: MakeTimm, folder: Path) -> None:
    load_graph(make_timm(), use_cache=False)

    assert not folder.exists()


def test_files_used_last_are_kept(make_timm: MakeTimm, folder: Path) -> None:
    used_daily = make_timm(name="daily")
    load_graph(used_daily)
    for i in range(10):
        for path in folder.iterdir():
            os.utime(path, ns=(stamp := path.stat().st_mtime_ns - 10**9, stamp))
        whole(load_graph(used_daily))
        whole(load_graph(make_timm({"models/new.py": f"x = {i}"}, name=f"branch{i}")))

    assert 4 <= len(list(folder.iterdir())) <= 16
    whole(cached_graph(find_timm(used_daily), no_build))


def test_what_a_killed_process_left_is_cleared(make_timm: MakeTimm, folder: Path) -> None:
    folder.mkdir(parents=True)
    left = folder / ".explorer-abc"
    left.write_text("half a graph")
    os.utime(left, (0, 0))
    load_graph(make_timm())

    assert not left.exists()


def test_a_file_of_another_explorer_is_not_read(
    make_timm: MakeTimm, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = make_timm()
    load_graph(package)
    monkeypatch.setattr("explorer.introspect.cache._builder_digest", lambda: "0123456789abcdef")
    load_graph(package)

    assert len(list(folder.iterdir())) == 2


def test_the_cache_is_data(make_timm: MakeTimm, folder: Path) -> None:
    whole(load_graph(make_timm()))

    for path in the_files(folder).values():
        with zipfile.ZipFile(path) as archive:
            assert all(isinstance(json.loads(archive.read(name)), dict) for name in archive.namelist())


def test_two_processes_build_at_once(make_timm: MakeTimm, folder: Path) -> None:
    code = "import pathlib, sys, explorer; print(len(explorer.load_graph(pathlib.Path(sys.argv[1]))))"
    package = make_timm()
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(package)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    answers = [process.communicate() for process in both]

    assert {error for _, error in answers} == {b""}
    assert len({out for out, _ in answers}) == 1
    whole(cached_graph(find_timm(package), no_build))
    assert the_files(folder).keys() == {"base", "calls"}


def test_source_of_ones_own_is_read_anew_where_the_machine_has_changed(
    make_timm: Callable[..., Path], tmp_path: Path
) -> None:
    own = tmp_path / "own" / "own.py"
    own.parent.mkdir()
    own.write_text(
        "from timm.models import register_model\ntry:\n  import helper\nexcept ImportError:\n  helper = None\n"
        "if helper is not None:\n  @register_model\n  def net(): pass\n"
    )
    timm = make_timm()
    assert "model:net" not in load_graph(timm, extras=[("own", own)])
    own.with_name("helper.py").touch()
    assert "model:net" in load_graph(timm, extras=[("own", own)])
