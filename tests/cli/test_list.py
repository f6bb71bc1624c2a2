from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Explorer = Callable[..., Any]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((), ["toy_large", "toy_small"]),
        (("*small",), ["toy_small"]),
        (("*small", "*large"), ["toy_large", "toy_small"]),
        (("-x", "*small"), ["toy_large"]),
        (("--family", "toy"), ["toy_large", "toy_small"]),
        (("--pretrained",), ["toy_small.a_in1k", "toy_small.b_in1k"]),
        (("--pretrained", "--no-tags"), ["toy_small"]),
        (("--tags", "toy_large"), ["toy_large.untrained"]),
        (("--tags", "*.b_*"), ["toy_small.b_in1k"]),
        (("--deprecated",), ["gone_toy", "old_toy", "old_toy_b"]),
        (("--all", "*toy*"), ["gone_toy", "old_toy", "old_toy_b", "toy_large", "toy_small"]),
    ],
)
def test_names(explorer: Explorer, toy: Path, arguments: tuple[str, ...], names: list[str]) -> None:
    done = explorer("list", *arguments, "--timm", toy)

    assert (done.code, done.out.splitlines(), done.err) == (0, names, "")


def test_long(explorer: Explorer, toy: Path) -> None:
    rows = [line.split("\t") for line in explorer("list", "--all", "--long", "--timm", toy).out.splitlines()]

    assert rows == [
        ["name", "family", "tags", "replaced by"],
        ["gone_toy", "toy", "", "removed"],
        ["old_toy", "toy", "", "toy_small"],
        ["old_toy_b", "toy", "", "toy_small.b_in1k"],
        ["toy_large", "toy", "untrained", ""],
        ["toy_small", "toy", "a_in1k, b_in1k", ""],
    ]


def test_json(explorer: Explorer, toy: Path) -> None:
    assert explorer("list", "toy_small", "--json", "--timm", toy).json == [
        {
            "name": "toy_small",
            "family": "toy",
            "deprecated": False,
            "replaced_by": None,
            "tags": ["a_in1k", "b_in1k"],
            "pretrained": True,
        }
    ]


def test_stdout_stays_empty_when_nothing_matches(explorer: Explorer, toy: Path) -> None:
    for more in ((), ("--long",)):
        done = explorer("list", "nothing*", *more, "--timm", toy)
        assert (done.code, done.out) == (2, "")


def test_a_hint_names_nothing_twice(explorer: Explorer, toy: Path) -> None:
    assert explorer("list", "toy_smal", "toy_smale", "--timm", toy).error.count("toy_small") == 1


def test_source_of_ones_own_is_listed_like_timms(explorer: Explorer, toy: Path, own: Path) -> None:
    for arguments in (("list", "--with", own), ("--with", own, "list")):
        assert explorer(*arguments, "--timm", toy).out.split() == ["own_net", "toy_large", "toy_small"]
    assert explorer("list", "--family", "own", "--with", own, "--timm", toy).out == "own_net\n"
