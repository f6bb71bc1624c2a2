from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.errors import RequestError
from explorer.usecases.loading import find_sources, for_worker, load, worker
from explorer.usecases.telling import Notice


def test_files_that_could_not_be_read_are_told_and_the_rest_is_there(make_timm: Callable[..., Path]) -> None:
    told: list[object] = []
    graph = load(make_timm({"models/broken.py": "def (:\n"}), emit=told.append)

    assert "model:toy_small" in graph
    (notice,) = told
    assert isinstance(notice, Notice)
    assert notice.message.startswith("skipped timm/models/broken.py:1: ")


def test_a_source_counts_once_and_a_name_stands_for_one(tmp_path: Path) -> None:
    one, other = tmp_path / "own.py", tmp_path / "b" / "own.py"
    other.parent.mkdir()
    one.touch()
    other.touch()
    found = find_sources([str(one), ("own", one)])

    assert found == [("own", one)]
    assert for_worker(found) == (("own", str(one)),)
    with pytest.raises(RequestError, match="both imported as own"):
        find_sources([str(one), str(other)])


def test_a_worker_that_is_given_stays_and_one_of_our_own_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[object] = []

    class Client:
        def __enter__(self) -> "Client":
            return self

        def __exit__(self, *_: object) -> None:
            ended.append(self)

    monkeypatch.setattr("explorer.engine.client.Client", Client)
    given = Client()
    with worker(given) as near:  # type: ignore[arg-type]
        assert near is given
    assert ended == []
    with worker() as near:
        assert ended == []
    assert ended == [near]


@pytest.mark.parametrize(("version", "is_told"), [("1.0.31", False), ("1.0.32", True), ("1.1.0.dev0", True)])
def test_a_timm_newer_than_those_tried_is_told(make_timm: Callable[..., Path], version: str, is_told: bool) -> None:
    told: list[object] = []
    load(make_timm({"version.py": f"__version__ = '{version}'\n"}), emit=told.append)

    assert [isinstance(n, Notice) and f"timm {version} is newer" in n.message for n in told] == [True] * is_told


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import torch\n", ["own.py registers no model (timm's @register_model above a function makes it one)"]),
        ("def (:\n", ["skipped own.py:1: invalid syntax; the rest was read"]),
        ("from timm.models import register_model\n@register_model\ndef net(): pass\n", []),
        (
            "import torch\nfrom timm.models import register_model\nif torch.mystery():\n"
            "  @register_model\n  def net(): pass\n",
            ["1 registration cannot be told from source: own.py:5 (whether net is registered is not known)"],
        ),
    ],
)
def test_what_a_source_of_ones_own_does_not_register_is_told(
    make_timm: Callable[..., Path], tmp_path: Path, source: str, said: list[str]
) -> None:
    (tmp_path / "own.py").write_text(source)
    for _ in range(2):  # built, and from the cache
        told: list[object] = []
        load(make_timm(), [str(tmp_path / "own.py")], emit=told.append)
        assert [notice.message for notice in told if isinstance(notice, Notice)] == said
