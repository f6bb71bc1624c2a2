import os
import stat
from pathlib import Path

import pytest

from explorer.files import remove_abandoned, replacing, to_json, write_whole


def test_a_file_takes_its_place_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_in_the_middle_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"new")
        raise KeyboardInterrupt

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_has_the_mode_that_the_umask_gives(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write_whole(tmp_path / "a", b"")
    finally:
        os.umask(umask)

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_whole(tmp_path / "link", b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="no /dev/null here")
def test_a_device_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    write_whole(tmp_path / "link", b"content")

    assert not Path("/dev/null").is_file()
    assert (tmp_path / "link").is_symlink()


def test_only_what_was_left_behind_long_ago_is_removed(tmp_path: Path) -> None:
    old, own = tmp_path / ".explorer-old", tmp_path / "own"
    for path in (old, own):
        path.write_bytes(b"")
        os.utime(path, (0, 0))
    with replacing(tmp_path / "new"):
        remove_abandoned(tmp_path, older_than=100.0)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "own"]


def test_json_holds_what_names_of_files_may_hold() -> None:
    assert to_json({"a": ["é", "\udcff", 1]}) == '{"a":["é","'.encode() + b'\xed\xb3\xbf",1]}'
