from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Explorer = Callable[..., Any]


def test_a_model(explorer: Explorer, toy: Path) -> None:
    done = explorer("show", "toy_small", "--timm", toy)
    lines = [" ".join(line.split()) for line in done.out.splitlines()]

    assert (done.code, done.err) == (0, "")
    assert lines[0] == "model toy_small"
    assert {"family toy", "tag a_in1k", "pretrained yes", "num_classes 1000"} <= set(lines)
    assert "file timm/models/toy.py:31-33" in lines
    assert "input_size 3 × 224 × 224" in lines
    assert lines[-1] == "The small one."
    assert not [line for line in done.out.splitlines() if line != line.rstrip()]


@pytest.mark.parametrize(
    ("name", "notice"),
    [
        ("old_toy", "note: old_toy is deprecated: timm maps it to toy_small\n"),
        ("old_toy_b", "note: old_toy_b is deprecated: timm maps it to toy_small.b_in1k\n"),
        ("gone_toy", "note: gone_toy is deprecated: removed, with no replacement\n"),
    ],
)
def test_a_deprecated_name_comes_with_a_notice(explorer: Explorer, toy: Path, name: str, notice: str) -> None:
    done = explorer("show", name, "--timm", toy)

    assert (done.code, done.err) == (0, notice)
    assert explorer("show", name, "--json", "--timm", toy).json["deprecated"] is True


def test_a_field_that_is_not_known_is_named(explorer: Explorer, make_timm: Any) -> None:
    toy = """
        import torch
        from ._registry import generate_default_cfgs, register_model
        default_cfgs = generate_default_cfgs({'net.a': dict(url='u', num_classes=torch.count(), crop_pct=torch.PCT)})
        @register_model
        def net(): pass
        """
    done = explorer("show", "net", "--json", "--timm", make_timm({"models/toy.py": toy}))

    assert sorted(done.json["unknown"]) == ["crop_pct", "num_classes"]


@pytest.mark.parametrize(
    "name",
    [
        "toy_small.b_in1k",
        "ToyNet",
        "ToyNet.forward",
        "timm.models.toy",
        "torch.nn.Conv2d",
        "hf-hub:timm/toy_small.a_in1k",
    ],
)
def test_anything_has_a_page(explorer: Explorer, toy: Path, name: str) -> None:
    done = explorer("show", name, "--timm", toy)

    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) > 2


def test_long_lists_are_cut_and_say_so(explorer: Explorer, make_timm: Any) -> None:
    many = "".join(f"def f{i}(): pass\n" for i in range(40))
    done = explorer("show", "timm.models.many", "--timm", make_timm({"models/many.py": many}))

    assert "contains (40)" in done.out
    assert "and 28 more" in done.out


NET = """from ._registry import generate_default_cfgs, register_model
default_cfgs = generate_default_cfgs({'net.a': {'url': '', 'hf_hub_id': 'timm/'}})
@register_model
def net(pretrained=False, **kwargs): pass
"""


def test_a_field_without_a_value_has_no_line(explorer: Explorer, make_timm: Any) -> None:
    init = "from .net import *\nfrom ._factory import create_model"
    folder = make_timm({"models/net.py": NET, "models/__init__.py": init})

    out = explorer("show", "net", "--timm", folder).out
    assert "\n  hf_hub_id" in out
    assert "\n  url" not in out


def test_source_of_ones_own(explorer: Explorer, toy: Path, own: Path) -> None:
    done = explorer("show", "own_net", "--with", own, "--timm", toy)
    lines = [" ".join(line.split()) for line in done.out.splitlines()]

    assert (done.code, done.err) == (0, "")
    assert {"family own", "entrypoint own:own_net", "classes own:OwnNet", "file own.py:14-15"} <= set(lines)
    assert explorer("show", "OwnNet", "--with", own, "--json", "--timm", toy).json["source_url"] is None


def test_what_was_traced_can_be_left_out(explorer: Explorer, toy: Path, keep_trace: Callable[..., None]) -> None:
    keep_trace("toy_small", [("toy:toy_small", "toy:_cfg", "models/toy.py:33")])

    def calls(*more: str) -> list[str]:
        found: list[str] = explorer("show", "timm.models.toy:toy_small", *more, "--json", "--timm", toy).json["calls"]
        return found

    assert "timm.models.toy:_cfg" in calls()
    assert "timm.models.toy:_cfg" not in calls("--static")
