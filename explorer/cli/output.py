"""All printing: data on stdout, narration on stderr; plain when piped, rich on a terminal."""

import errno
import io
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from explorer.errors import ExplorerError, OutputError, RequestError
from explorer.files import write_whole
from explorer.plain_text import plain_json, plain_line
from explorer.usecases.telling import Notice

if TYPE_CHECKING:
    from explorer.protocol.events import Event


def prepare_stdout() -> None:
    """Have letters that stdout cannot encode replaced by ``?``, as stderr escapes them; Python fails, in any locale."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors="replace")


@contextmanager
def to_stdout() -> Iterator[TextIO]:
    """stdout, to be written to in the block.

    Raises:
        OutputError: it is closed or cannot be written.
        typer.Exit: whoever read it has gone, which is no failure.
    """
    if not _is_open(sys.stdout):
        raise OutputError("cannot write to stdout: it is closed")
    clear_passing()
    try:
        yield sys.stdout
    except BrokenPipeError as error:
        _discard_stdout()
        raise typer.Exit from error
    except OSError as error:
        _discard_stdout()
        raise OutputError(f"cannot write to stdout: {error.strerror or error}") from error


_UNWRITABLE = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)


@contextmanager
def help_to_stdout() -> Iterator[None]:
    """What typer prints by itself, the help; errors as :func:`to_stdout`.

    Raises:
        OutputError: stdout cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno not in _UNWRITABLE:
            raise
        _discard_stdout()
        raise OutputError(f"cannot write to stdout: {error.strerror}") from error


def flush_stdout() -> None:
    """Write out what is buffered; errors as :func:`to_stdout`, but a closed stdout that nobody wrote to is none."""
    if _is_open(sys.stdout):
        with to_stdout() as stdout:
            stdout.flush()


def on_terminal(stream: TextIO) -> bool:
    """Whether a standard stream is a terminal; it may be closed."""
    return _is_open(stream) and stream.isatty()


def _is_open(stream: TextIO | None) -> bool:
    """Python has ``None`` for a standard stream that was closed before it started."""
    return stream is not None and not stream.closed


def _discard_stdout() -> None:
    """Point stdout nowhere, so that Python does not fail on what is still buffered when it flushes at exit."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def print_json(value: Any) -> None:
    """Write a value as JSON to stdout: indented on a terminal, one line when piped."""
    with to_stdout() as stdout:
        indent = 2 if stdout.isatty() else None
        is_unicode = (stdout.encoding or "").lower().startswith("utf")
        stdout.write(plain_json(json.dumps(value, ensure_ascii=not is_unicode, indent=indent, default=str)) + "\n")


def print_lines(lines: Sequence[str]) -> None:
    """Write lines to stdout; none becomes two, whatever is in it."""
    _write_lines(map(plain_line, lines))


def _write_lines(lines: Iterable[str]) -> None:
    with to_stdout() as stdout:
        stdout.write("".join(f"{line}\n" for line in lines))


def print_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    styles: Sequence[str] = (),
) -> None:
    """Write a table to stdout.

    On a terminal it is rich's; piped it is tab-separated with a header line, for ``cut`` and ``awk``.

    Args:
        headers: column names.
        rows: cells, as many in each row as there are headers.
        right: indexes of the columns set flush right.
        styles: rich's style of each column, on a terminal; none where there is none.
    """
    rows = [[plain_line(cell) for cell in row] for row in rows]
    if not on_terminal(sys.stdout):
        _write_lines(["\t".join(headers), *("\t".join(row) for row in rows)])
        return
    from explorer.cli.on_screen import draw_table  # rich takes as long to import as the rest, and a pipe needs none

    with to_stdout():
        draw_table(headers, rows, right, styles)


def print_styled(lines: Sequence[Sequence[tuple[str, str]]]) -> None:
    """Write lines to stdout, each of pieces of text with rich's style of it, which only a terminal shows."""
    lines = [[(plain_line(text), style) for text, style in pieces] for pieces in lines]
    if not on_terminal(sys.stdout):
        _write_lines("".join(text for text, _ in pieces) for pieces in lines)
        return
    from explorer.cli.on_screen import draw_lines

    with to_stdout():
        draw_lines(lines)


def table_width(columns: Sequence[Sequence[str]]) -> int:
    """How wide :func:`print_table` makes a table of these columns on a terminal, headers among their cells."""
    return sum(max(map(len, cells), default=0) for cells in columns) + 3 * len(columns) - 1


def terminal_width() -> int:
    """Columns of the terminal; what is usual where there is none."""
    return shutil.get_terminal_size().columns


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Write name-value pairs to stdout, values aligned: one a line, and long ones wrapped on a terminal."""
    facts = [(plain_line(name), plain_line(value)) for name, value in facts]
    width = max((len(name) for name, _ in facts), default=0)
    if on_terminal(sys.stdout):
        facts = [(name, _wrapped(value, width + 2)) for name, value in facts]
    _write_lines(f"{name:<{width}}  {value}".rstrip() for name, value in facts)


def _wrapped(text: str, indent: int) -> str:
    """A text cut at spaces to fit a terminal's lines after an indent, which all but the first line begin with."""
    room = max(terminal_width() - indent, 20)
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * indent}".join(lines)


_passing = False
"""Whether the last line of the terminal is one that :func:`show_passing` wrote."""


def show_passing(text: str) -> None:
    """A line on the terminal's stderr that the next one, of whatever kind, takes the place of."""
    global _passing
    _write_passing(f"\r{plain_line(text)[: terminal_width() - 1]}\x1b[K")
    _passing = True


def clear_passing() -> None:
    """Take the passing line away, if there is one."""
    global _passing
    if _passing:
        _write_passing("\r\x1b[K")
        _passing = False


def _write_passing(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


def narrate(text: str) -> None:
    """One line on stderr; a stderr that cannot be written is no failure."""
    clear_passing()
    if _is_open(sys.stderr):
        with suppress(OSError):
            print(plain_line(text), file=sys.stderr)


def notice(text: str) -> None:
    """One line of narration on stderr that a user should not miss."""
    narrate(f"note: {text}")


def tell_plainly(event: "Event | Notice") -> None:
    """An ``emit`` for what only reads the graph: a line on stderr for each notice, and nothing of the rest."""
    if isinstance(event, Notice):
        notice(event.message)


def report(error: ExplorerError) -> None:
    """One line on stderr for an error: what is wrong and the mend."""
    hint = f" ({error.hint})" if error.hint else ""
    narrate(f"error: {error.message}{hint}")


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; ``-`` is stdout.

    A link is written through, and a device or pipe written to.

    Raises:
        RequestError: no file can have this path.
        OutputError: the file cannot be written.
    """
    if str(path) == "-":
        with to_stdout() as stdout:
            stdout.buffer.write(content)
            stdout.buffer.flush()
        return
    check_place(path)
    try:
        write_whole(path, content)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def check_place(path: Path) -> None:
    """Whether a file can have this path; asked before long work as well as when writing.

    Raises:
        RequestError: the folder is missing, the path is a folder, or the system refuses the name.
    """
    if str(path) == "-":
        return
    try:
        has_folder, is_folder = path.parent.is_dir(), path.is_dir()
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from error
    if not has_folder:
        raise RequestError(f"cannot write {path}: there is no folder {path.parent}", f"mkdir -p {path.parent}")
    if is_folder:
        raise RequestError(f"cannot write {path}: it is a folder", "name a file in it")
