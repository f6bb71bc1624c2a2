from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Explorer = Callable[..., Any]


def test_from_create_model_by_default(explorer: Explorer, toy: Path) -> None:
    done = explorer("path", "ToyNet", "--timm", toy)
    rows = [line.split("\t") for line in done.out.splitlines()]

    assert (done.code, done.err) == (0, "")
    assert [row[:2] for row in rows] == [
        ["how", "reaches"],
        ["", "timm.models._factory:create_model"],
        ["dispatches", "timm.models.toy:toy_small"],
        ["calls", "timm.models.toy:_create_toy"],
        ["calls", "timm.models._builder:build_model_with_cfg"],
        ["calls", "timm.models.toy:ToyNet.__init__"],
    ]
    assert rows[-1][2] == "timm/models/_builder.py:5"


def test_json(explorer: Explorer, toy: Path) -> None:
    path = explorer("path", "toy_large", "ConvAct", "--json", "--timm", toy).json

    assert (path["from"], path["to"]) == ("model:toy_large", "timm.layers.conv:ConvAct")
    assert path["edges"][0]["kind"] == "registers"
    assert path["edges"][-1]["target"] == "timm.layers.conv:ConvAct.__init__"


@pytest.mark.parametrize("name", ["old_toy", "old_toy_b"])
def test_to_a_deprecated_name(explorer: Explorer, toy: Path, name: str) -> None:
    done = explorer("path", name, "--timm", toy)

    assert done.code == 0
    assert done.err.startswith(f"note: {name} is deprecated: timm maps it to toy_small")


@pytest.mark.parametrize("name", ["old_toy", "old_toy_b"])
def test_from_a_deprecated_name(explorer: Explorer, toy: Path, name: str) -> None:
    done = explorer("path", name, "ToyNet", "--timm", toy)

    assert done.code == 0
    assert done.err.startswith(f"note: {name} is deprecated: timm maps it to toy_small")


def test_a_deprecated_name_whose_model_is_not_there(explorer: Explorer, make_timm: Any) -> None:
    toy = """
        from ._registry import register_model, register_model_deprecations
        @register_model
        def net(): pass
        register_model_deprecations(__name__, {'old': 'nowhere'})
        """
    done = explorer("path", "old", "--timm", make_timm({"models/toy.py": toy}))

    assert done.code == 2
    assert "nowhere" in done.error


def test_no_way(explorer: Explorer, toy: Path) -> None:
    done = explorer("path", "ToyNet.forward", "create_model", "--timm", toy)

    assert (done.code, done.out) == (1, "")
    assert "no way from timm.models.toy:ToyNet.forward" in done.error


def test_to_itself(explorer: Explorer, toy: Path) -> None:
    assert explorer("path", "ToyNet", "ToyNet", "--json", "--timm", toy).json["edges"] == []


def test_to_source_of_ones_own(explorer: Explorer, toy: Path, own: Path) -> None:
    done = explorer("path", "helper", "--with", own, "--timm", toy)
    rows = [line.split("\t") for line in done.out.splitlines()]

    assert (done.code, done.err) == (0, "")
    assert rows[2:] == [
        ["dispatches", "own:own_net", "timm/models/_factory.py:5"],
        ["calls", "timm.models._builder:build_model_with_cfg", "own.py:15"],
        ["calls", "own:OwnNet.__init__", "timm/models/_builder.py:5"],
        ["calls", "own:helper", "own.py:8"],
    ]


def test_what_was_traced_can_be_left_out(explorer: Explorer, toy: Path, keep_trace: Callable[..., None]) -> None:
    keep_trace("toy_small", [("toy:toy_small", "toy:_cfg", "models/toy.py:33")])
    way = ("path", "timm.models.toy:toy_small", "timm.models.toy:_cfg", "--timm", toy)

    assert explorer(*way).code == 0
    assert explorer(*way, "--static").code == 1
