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
