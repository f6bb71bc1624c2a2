import os
import stat
from pathlib import Path

import pytest

from explorer.cli.on_screen import live_line
from explorer.cli.output import (
    check_place,
    narrate,
    print_facts,
    print_json,
    print_lines,
    print_styled,
    print_table,
    report,
    write_file,
)
from explorer.errors import OutputError, RequestError


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write_file(tmp_path / "a.svg", b"content")
    finally:
        os.umask(umask)

    assert (tmp_path / "a.svg").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "a.svg").stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.svg"
    path.write_bytes(b"old")

    def refuse(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OutputError, match="No space left on device"):
        write_file(path, b"new")

    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.svg"]


def test_a_name_too_long(tmp_path: Path) -> None:
    with pytest.raises((OutputError, RequestError)):
        write_file(tmp_path / ("x" * 300 + ".svg"), b"")


def test_a_name_as_long_as_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 251 + ".svg")
    write_file(path, b"content")

    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["missing/a.svg", "."])
def test_a_place_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(RequestError):
        check_place(tmp_path / name)


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    """``-o /dev/stdout`` and the like must not be replaced by a file."""
    fifo = tmp_path / "pipe.svg"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_file(fifo, b"content")
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)

    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real.svg").write_bytes(b"old")
    (tmp_path / "link.svg").symlink_to("real.svg")
    write_file(tmp_path / "link.svg", b"new")

    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "real.svg").read_bytes() == b"new"
    assert len(list(tmp_path.iterdir())) == 2


def test_piped_output_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [("1", "2"), ("[bold]x", "")])
    print_facts([("name", "x"), ("longer", "")])
    print_json({"ä": (1, None)})

    assert capsys.readouterr().out == 'a\tb\n1\t2\n[bold]x\t\nname    x\nlonger\n{"ä": [1, null]}\n'


def test_no_text_makes_two_lines_or_cells_or_drives_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "a\x1b[2J\r\n\tb\x9b"
    print_lines([evil])
    print_table(("a",), [(evil,)])
    print_facts([(evil, evil)])
    print_styled([[(evil, "bold"), (evil, "")]])
    print_json([evil, "\ud800"])
    narrate(evil)
    report(RequestError(evil, evil))

    said = capsys.readouterr()
    plain = r"a\x1b[2J\r\n\tb\x9b"
    assert said.out.splitlines() == [
        *(plain, "a", plain, f"{plain}  {plain}", plain * 2),
        r'["a\u001b[2J\r\n\tb\u009b", "\ud800"]',
    ]
    assert said.err.splitlines() == [plain, f"error: {plain} ({plain})"]


def test_a_live_line_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    with live_line("a\x1b[2J", at_once=False) as line:
        line.above("above\x9b\n")
        line.update("b\x1b[3J", 0.5)

    assert r"above\x9b\n" in (told := capsys.readouterr().err)
    assert not {"\x1b[2J", "\x1b[3J", "\x9b"} & {told[i : i + n] for i in range(len(told)) for n in (1, 4)}
