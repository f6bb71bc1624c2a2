"""All printing: data on stdout, narration on stderr; plain when piped, rich on a terminal."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from explorer.errors import ExplorerError, OutputError, RequestError


def print_json(value: Any) -> None:
    """Write a value as JSON to stdout: indented on a terminal, one line when piped."""
    indent = 2 if sys.stdout.isatty() else None
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=indent, default=str) + "\n")


def print_lines(lines: Sequence[str]) -> None:
    """Write lines to stdout as they are."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Write a table to stdout.

    On a terminal it is rich's; piped it is tab-separated with a header line, for ``cut`` and ``awk``.

    Args:
        headers: column names.
        rows: cells, as many in each row as there are headers.
        right: indexes of the columns set flush right.
    """
    if not sys.stdout.isatty():
        print_lines(["\t".join(headers), *("\t".join(row) for row in rows)])
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, header in enumerate(headers):
        table.add_column(header, justify="right" if i in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Write name-value pairs to stdout, one a line, values aligned."""
    width = max((len(name) for name, _ in facts), default=0)
    print_lines([f"{name:<{width}}  {value}".rstrip() for name, value in facts])


def notice(text: str) -> None:
    """One line of narration on stderr."""
    print(f"note: {text}", file=sys.stderr)


def report(error: ExplorerError) -> None:
    """One line on stderr for an error: what is wrong and the mend."""
    hint = f" ({error.hint})" if error.hint else ""
    print(f"error: {error.message}{hint}", file=sys.stderr)


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; ``-`` is stdout.

    Raises:
        RequestError: the folder is missing, or the path is a folder.
        OutputError: the file cannot be written.
    """
    if str(path) == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    import tempfile

    check_place(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(_new_file_mode())
        Path(temporary).replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
    finally:
        Path(temporary).unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Whether a file can have this path; asked before long work as well as when writing.

    Raises:
        RequestError: the folder is missing, or the path is a folder.
    """
    if not path.parent.is_dir():
        raise RequestError(f"cannot write {path}: there is no folder {path.parent}", f"mkdir -p {path.parent}")
    if path.is_dir():
        raise RequestError(f"cannot write {path}: it is a folder", "name a file in it")


def _new_file_mode() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
