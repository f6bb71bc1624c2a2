"""Files that somebody names: read where they are files, and none that never end."""

import os
import socket
import zipfile
from pathlib import Path

import pytest

from explorer.files import read_regular


def test_the_content_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")

    assert read_regular(tmp_path / "a") == b"12345"
    assert read_regular(tmp_path / "a", 5) == b"12345"


def test_more_than_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123456")

    with pytest.raises(OSError, match="more than 0 MB"):
        read_regular(tmp_path / "a", 5)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize(
    ("kind", "said"), [("pipe", "a pipe"), ("socket", "."), ("folder", "a folder"), ("zero", "a device")]
)
def test_what_may_never_end_is_not_read(tmp_path: Path, kind: str, said: str) -> None:
    path = tmp_path / "x"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "zero":
        path = Path("/dev/zero")
    with socket.socket(socket.AF_UNIX) as sock:
        if kind == "socket":
            sock.bind(str(path))
        with pytest.raises(OSError, match=said):
            read_regular(path)


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "x" * 5000, "nowhere"])
def test_no_name_of_a_file_is_an_error_of_the_system(name: str) -> None:
    with pytest.raises(OSError):
        read_regular(Path(name))


def test_an_archive_that_unpacks_to_more_than_source_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.errors import TimmSourceError
    from explorer.introspect import find_timm

    monkeypatch.setattr("explorer.introspect.reading.source._LARGEST_ARCHIVE", 1 << 20)
    wheel = tmp_path / "timm-9.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("timm/__init__.py", b"#" * (2 << 20))

    with pytest.raises(TimmSourceError, match="unpacks to more than 1 MB"):
        find_timm(wheel)
