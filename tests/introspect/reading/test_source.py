import importlib.util
import io
import lzma
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import TimmNotFound, TimmSourceError
from explorer.introspect.reading.source import find_timm, installed_folder, module_name

MakeTimm = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("no_imports")


def files_of(package: Path) -> dict[str, bytes]:
    return {f"timm/{p.relative_to(package).as_posix()}": p.read_bytes() for p in package.rglob("*") if p.is_file()}


def wheel(folder: Path, files: dict[str, bytes], name: str = "timm-9.9.9-py3-none-any.whl") -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {**files, "timm-9.9.9.dist-info/METADATA": b"Name: timm\n"}.items():
            archive.writestr(path, content)
    return folder / name


def sdist(folder: Path, files: dict[str, bytes], name: str = "timm-9.9.9.tar.gz") -> Path:
    with tarfile.open(folder / name, f"w:{name.rpartition('.')[2]}") as archive:
        for path, content in {**files, "setup.py": b"", "tests/timm_test.py": b""}.items():
            member = tarfile.TarInfo(f"timm-9.9.9/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return folder / name


def test_every_form_of_the_same_source_is_the_same(tmp_path: Path, make_timm: MakeTimm) -> None:
    package = make_timm()
    (package / "models" / "notes.txt").write_text("no source")
    in_src = make_timm(name="layout/src")
    files = files_of(package)
    places = [
        package, package.parent, in_src.parent.parent, wheel(tmp_path, files), sdist(tmp_path, files),
        sdist(tmp_path, files, "timm.tar.xz"), wheel(tmp_path, files, "timm-main.zip"),
    ]  # fmt: skip

    trees = [find_timm(place) for place in places]

    assert {tree.version for tree in trees} == {"1.0.9"}
    assert len({tree.digest for tree in trees}) == 1
    assert all(tree.files.keys() == trees[0].files.keys() for tree in trees)
    assert trees[0].files["models/toy.py"] == (package / "models" / "toy.py").read_bytes()
    assert not [name for name in trees[0].files if not name.endswith(".py")]


def test_a_checkout_as_github_packs_it(tmp_path: Path, make_timm: MakeTimm) -> None:
    files = {f"pytorch-image-models-main/{k}": v for k, v in files_of(make_timm()).items()}

    assert find_timm(wheel(tmp_path, files, "main.zip")).version == "1.0.9"


def test_another_content_is_another_digest(make_timm: MakeTimm) -> None:
    first = find_timm(make_timm(name="a")).digest

    assert find_timm(make_timm({"models/toy.py": "x = 1"}, name="b")).digest != first
    assert find_timm(make_timm({"models/new.py": ""}, name="c")).digest != first


def test_a_file_that_cannot_be_read_is_named(make_timm: MakeTimm) -> None:
    package = make_timm()
    (package / "models" / "lost.py").symlink_to("nowhere")

    tree = find_timm(package)

    assert list(tree.unreadable) == ["models/lost.py"]
    assert "models/toy.py" in tree.files


def test_a_folder_with_a_python_name_is_passed_over(make_timm: MakeTimm) -> None:
    package = make_timm()
    (package / "models" / "old.py").mkdir()

    assert "models/old.py" not in find_timm(package).files


def test_version_unknown(make_timm: MakeTimm) -> None:
    assert find_timm(make_timm({"version.py": "__version__ = compute()"})).version == "unknown"


def _missing(folder: Path) -> Path:
    return folder / "nowhere"


def _empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def _other_package(folder: Path) -> Path:
    (folder / "other" / "timm").mkdir(parents=True)
    (folder / "other" / "timm" / "__init__.py").write_text("")
    return folder / "other"


def _text(folder: Path) -> Path:
    (folder / "timm.whl").write_text("not an archive")
    return folder / "timm.whl"


def _nothing(folder: Path) -> Path:
    (folder / "timm.tar.gz").write_bytes(b"")
    return folder / "timm.tar.gz"


def _other_wheel(folder: Path) -> Path:
    return wheel(folder, {"other/__init__.py": b""})


def _long_name(folder: Path) -> Path:
    return folder / ("x" * 5000)


@pytest.mark.parametrize(
    "place", [_missing, _empty, _other_package, _text, _nothing, _other_wheel, _long_name], ids=lambda f: f.__name__
)
def test_a_place_without_timm(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    path = place(tmp_path)

    with pytest.raises(TimmSourceError) as caught:
        find_timm(path)

    assert caught.value.message.startswith(f"--timm {path}:")
    assert "\n" not in str(caught.value)


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 3
    return content[:middle] + bytes(b ^ 0xFF for b in content[middle : middle + 40]) + content[middle + 40 :]


@pytest.mark.parametrize("damage", [_cut, _flipped])
@pytest.mark.parametrize("ending", ["whl", "tar.gz", "tar.bz2", "tar.xz"])
def test_a_damaged_archive(tmp_path: Path, make_timm: MakeTimm, ending: str, damage: Callable[[bytes], bytes]) -> None:
    files = files_of(make_timm())
    path = wheel(tmp_path, files) if ending == "whl" else sdist(tmp_path, files, f"timm.{ending}")
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(TimmSourceError):
        find_timm(path)


def test_an_encrypted_archive(tmp_path: Path, make_timm: MakeTimm) -> None:
    path = wheel(tmp_path, files_of(make_timm()))
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(signature, at + 4)
    path.write_bytes(content)

    with pytest.raises(TimmSourceError):
        find_timm(path)


def test_a_foreign_xz_file(tmp_path: Path) -> None:
    (tmp_path / "timm.tar.xz").write_bytes(lzma.compress(b"text"))

    with pytest.raises(TimmSourceError):
        find_timm(tmp_path / "timm.tar.xz")


def test_the_installed_timm_is_found_without_importing_it() -> None:
    tree = find_timm()

    assert "models/resnet.py" in tree.files
    assert tree.version[:1].isdigit()
    assert (Path(tree.origin) / "version.py").is_file()


def test_timm_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(TimmNotFound):
        find_timm()


@pytest.mark.parametrize("name", ["timm.py", "timm/other.txt", "timm/__init__.py"])
def test_something_else_named_timm_is_not_timm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A script ``timm.py`` or a folder ``timm`` beside the user shadows the package, or looks like it."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    with monkeypatch.context() as alone:
        alone.setattr(sys, "path", [str(tmp_path)])
        alone.delitem(sys.modules, "timm", raising=False)
        alone.setattr(sys, "path_importer_cache", {})

        with pytest.raises(TimmNotFound):
            installed_folder()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("__init__.py", "timm"),
        ("version.py", "timm.version"),
        ("models/__init__.py", "timm.models"),
        ("models/layers/conv.py", "timm.models.layers.conv"),
    ],
)
def test_module_name(path: str, name: str) -> None:
    assert module_name(path) == name


@pytest.mark.parametrize("version", ["0.6.13", "0.9.15", "0.4", "0.9.12.dev0"])
def test_a_timm_too_old_to_be_read_is_named_with_the_versions_that_work(
    fake_timm: Callable[..., dict[str, str]], tmp_path: Path, version: str
) -> None:
    sources = fake_timm({"version.py": f"__version__ = '{version}'\n"})
    files = {f"timm/{name}": text.encode() for name, text in sources.items()}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    for path in (tmp_path, wheel(tmp_path, files), sdist(tmp_path, files)):
        with pytest.raises(TimmSourceError, match=rf"timm {version} is too old to be read") as caught:
            find_timm(path)
        assert "timm 0.9.16 to 1.0.31 works" in caught.value.hint


def test_an_installed_timm_too_old_to_be_read(make_timm: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    package = make_timm({"version.py": "__version__ = '0.6.13'\n"})
    monkeypatch.setattr("explorer.introspect.reading.source.installed_folder", lambda: package)
    with pytest.raises(TimmSourceError, match=r"the timm installed here: timm 0\.6\.13") as caught:
        find_timm()
    assert "pip install -U timm" in caught.value.hint


@pytest.mark.parametrize("version", ["0.9.16", "0.9.16.dev0", "1.0.31", "1.1", "2024", "main", ""])
def test_versions_that_are_read(fake_timm: Callable[..., dict[str, str]], tmp_path: Path, version: str) -> None:
    sources = fake_timm({"version.py": f"__version__ = '{version}'\n"})
    path = wheel(tmp_path, {f"timm/{name}": text.encode() for name, text in sources.items()})
    assert find_timm(path).version == (version or "unknown")
