import sys
from pathlib import Path

import pytest

from explorer.errors import RequestError
from explorer.introspect.reading.source import digest_with, find_extra, source_files


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with a module, a package with another below, and things that are neither."""
    for name in ("net.py", "mine/__init__.py", "mine/models/__init__.py", "mine/models/big.py", "plain/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('it was run')")
    (tmp_path / "weights.bin").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "name", "place"),
    [
        ("net.py", "net", "net.py"),
        ("./net.py", "net", "net.py"),
        ("mine", "mine", "mine"),
        ("mine/", "mine", "mine"),
        ("mine/models", "models", "mine/models"),
        ("mine/__init__.py", "mine", "mine"),
    ],
)
def test_a_file_or_folder(home: Path, text: str, name: str, place: str) -> None:
    assert find_extra(text) == (name, home / place)


def test_a_name_that_can_be_imported_is_found_without_running_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.syspath_prepend(str(home))
    monkeypatch.chdir(elsewhere)
    assert find_extra("mine") == ("mine", home / "mine")
    assert find_extra("net") == ("net", home / "net.py")
    assert "mine" not in sys.modules


def test_a_package_goes_before_a_folder_of_its_name_that_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout often has the name of the package it holds."""
    (home / "elsewhere" / "plain").mkdir(parents=True)
    (home / "elsewhere" / "plain" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(home / "elsewhere"))
    assert find_extra("plain") == ("plain", home / "elsewhere" / "plain")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no_such.py", "there is no such file"),
        ("no/such/folder", "there is no such file"),
        ("plain", "holds no __init__.py"),
        ("no_such_package", "no such file, folder or package"),
        ("a.b", "there is no such file"),
        ("./weights.bin", "is not Python source"),
        ("sys", "no such file, folder or package with Python source"),
        ("timm", "this is timm itself"),
    ],
)
@pytest.mark.usefixtures("home")
def test_what_it_cannot_be(text: str, said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        find_extra(text)
    assert caught.value.hint
    assert caught.value.message.startswith(f"--with {text}: ")


def test_a_name_no_module_can_have(home: Path) -> None:
    (home / "my-net.py").touch()
    with pytest.raises(RequestError, match="'my-net' is no name a module can have"):
        find_extra("my-net.py")


def test_source_files_of_a_package_have_its_name_before_them(home: Path) -> None:
    assert [name for name, _ in source_files(("mine", home / "mine"))] == [
        "mine/__init__.py", "mine/models/__init__.py", "mine/models/big.py"
    ]  # fmt: skip
    assert list(source_files(("net", home / "net.py"))) == [("net.py", home / "net.py")]


def test_the_digest_covers_names_and_content_of_every_file(home: Path) -> None:
    extras = [find_extra("mine"), find_extra("net.py")]
    before = digest_with("abc", extras)
    assert digest_with("abc", []) == "abc"
    assert digest_with("abc", extras[::-1]) == before
    assert len({before, digest_with("abd", extras), digest_with("abc", extras[:1]), "abc"}) == 4
    (home / "mine" / "models" / "big.py").write_text("x = 1")
    changed = digest_with("abc", extras)
    (home / "mine" / "models" / "big.py").rename(home / "mine" / "models" / "small.py")
    assert len({before, changed, digest_with("abc", extras)}) == 3


def test_a_file_that_needs_its_package_is_told_to_be_given_with_it(home: Path) -> None:
    inner = home / "outer" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        (folder / "__init__.py").touch()
    (inner / "net.py").write_text("def net():\n    from ..parts import part\n")
    (inner / "alone.py").write_text("import os\n")

    with pytest.raises(RequestError, match="imports from its package") as caught:
        find_extra(str(inner / "net.py"))
    assert caught.value.hint == f"--with {inner.parent}"
    assert find_extra(str(inner / "alone.py")) == ("alone", inner / "alone.py")
