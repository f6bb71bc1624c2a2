from collections.abc import Callable
from pathlib import Path
from typing import Any

Explorer = Callable[..., Any]


def test_hits_as_a_table(explorer: Explorer, toy: Path) -> None:
    done = explorer("search", "toy", "small", "--timm", toy)
    rows = [line.split("\t") for line in done.out.splitlines()]

    assert (done.code, done.err) == (0, "")
    assert rows[:3] == [
        ["kind", "name", "where"],
        ["model", "toy_small", "toy"],
        ["function", "toy_small", "timm.models.toy"],
    ]


def test_kinds_and_limit(explorer: Explorer, toy: Path) -> None:
    hits = explorer("search", "toy", "-k", "function", "-k", "class", "-n", "2", "--json", "--timm", toy).json

    assert len(hits) == 2
    assert {hit["kind"] for hit in hits} <= {"function", "class"}
    assert hits[0].keys() == {"id", "kind", "name", "file", "line", "score"}


def test_source_of_ones_own(explorer: Explorer, toy: Path, own: Path) -> None:
    out = explorer("search", "OwnNet", "--kind", "class", "--with", own, "--timm", toy).out

    assert out.splitlines()[1] == "class\tOwnNet\town"
