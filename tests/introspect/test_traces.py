import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import OutputError
from explorer.graph.contexts import Traced
from explorer.introspect import traces

DIGEST = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
NOWHERE = Path("/nowhere/bundle")


def result(model: str = "toy", *pairs: tuple[str, str, str], digest: str = DIGEST, **more: Any) -> dict[str, Any]:
    """A trace whose pairs are (caller, callee, site)."""
    return {
        "model": model,
        "timm_version": "9.9.9",
        "digest": digest,
        "device": "meta",
        "pairs": [[f"timm.m:{a}", f"timm.m:{b}", {f"m.py:{s}": 1}] for a, b, s in pairs],
        "story": {"steps": [], "roots": []},
        "forward_pairs": None,
        "forward_story": None,
        "forward_device": None,
        **more,
    }


def own(digest: str = DIGEST) -> Traced | None:
    return traces.own_traces("9.9.9", digest)


def pairs_of(found: Traced | None, model: str) -> list[tuple[str, str, tuple[str, ...]]]:
    assert found is not None
    return [(a.partition(":")[2], b.partition(":")[2], sites) for a, b, sites in found.pairs_of(model)]


def rewrite(path: Path, **changes: Any) -> None:
    data = json.loads(gzip.decompress(path.read_bytes()))
    path.write_bytes(gzip.compress(json.dumps({**data, **changes}).encode()))


# one trace


def test_what_is_saved_is_loaded(own_folders: Path) -> None:
    saved = result("toy", ("a", "b", "3"))
    path = traces.save(saved)
    assert path.is_relative_to(own_folders.parent / "data")
    assert path.name == "toy.json.gz"
    assert traces.load("9.9.9", "toy") == traces.load("9.9.9", "toy", DIGEST) == saved
    assert traces.load("9.9.9", "toy", OTHER) is traces.load("9.9.8", "toy") is traces.load("9.9.9", "boy") is None


def test_a_trace_replaces_the_one_before() -> None:
    traces.save(result("toy", ("a", "b", "3")))
    traces.save(result("toy", ("a", "c", "4")))
    assert pairs_of(own(), "toy") == [("a", "c", ("m.py:4",))]


def test_a_forward_pass_is_kept_when_the_same_source_is_traced_without() -> None:
    forward = {"forward_pairs": [["timm.m:f", "timm.m:g", {"m.py:9": 1}]], "forward_story": {}, "forward_device": "cpu"}
    traces.save(result("toy", **forward))
    traces.save(result("toy", ("a", "b", "3")))
    kept = traces.load("9.9.9", "toy")
    assert kept is not None
    assert {name: kept[name] for name in forward} == forward
    assert kept["pairs"]
    traces.save(result("toy", digest=OTHER))
    assert traces.load("9.9.9", "toy", OTHER)["forward_pairs"] is None
    traces.save(result("toy", **{**forward, "forward_pairs": []}))
    assert traces.load("9.9.9", "toy", DIGEST)["forward_pairs"] == []


def test_without_a_digest_the_newest_is_loaded() -> None:
    old, new = traces.save(result(digest=DIGEST)), traces.save(result(digest=OTHER))
    os.utime(old, (1, 1))
    assert traces.load("9.9.9", "toy")["digest"] == OTHER
    os.utime(new, (0, 0))
    assert traces.load("9.9.9", "toy")["digest"] == DIGEST


@pytest.mark.parametrize(
    "model", ["../../etc/passwd", "local-dir:/a b/ü", ".hidden", "x" * 500, "a%2fb", "..", "\ud800"]
)
def test_any_name_is_safe_as_a_file(own_folders: Path, model: str) -> None:
    path = traces.save(result(model))
    assert path.parent.parent.parent == own_folders.parent / "data" / "timm-explorer" / "traces"
    assert traces.load("9.9.9", model)["model"] == model
    assert list(own().models) == [model]


def test_names_that_differ_only_far_behind_are_kept_apart() -> None:
    assert traces.save(result("x" * 400 + "a")) != traces.save(result("x" * 400 + "b"))
    assert len(own().models) == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", gzip.compress(b"[1]"), gzip.compress(b"{}"), None],
    ids=["empty", "garbage", "list", "nothing", "truncated"],
)
def test_a_damaged_file_counts_as_absent(content: bytes | None) -> None:
    path = traces.save(result("toy", ("a", "b", "3")))
    traces.save(result("other"))
    path.write_bytes(path.read_bytes()[:-5] if content is None else content)
    assert traces.load("9.9.9", "toy") is None
    assert list(own().models) == ["other"]
    traces.save(result("toy", ("a", "b", "3")))
    assert list(own().models) == ["other", "toy"]


def test_a_trace_whose_parts_are_damaged_is_left_out_of_the_index() -> None:
    path = traces.save(result("toy", ("a", "b", "3")))
    rewrite(path, pairs=[["only one"]])
    assert own() is None


def test_nothing_half_written_is_left_behind() -> None:
    folder = traces.save(result()).parent
    own()
    assert sorted(p.name for p in folder.iterdir()) == ["index.json", "toy.json.gz"]


def test_a_folder_that_cannot_be_written_is_an_error_with_its_path(own_folders: Path) -> None:
    data = own_folders.parent / "data"
    data.write_text("in the way")
    with pytest.raises(OutputError, match="cannot be stored"):
        traces.save(result())
    assert own() is None


# the index


def test_the_index_has_the_pairs_of_all_with_their_sites_united() -> None:
    traces.save(result("one", ("a", "b", "10"), ("a", "c", "4")))
    traces.save(result("two", ("a", "b", "9"), device="cpu"))
    found = own()
    assert pairs_of(found, "one") == [("a", "b", ("m.py:9", "m.py:10")), ("a", "c", ("m.py:4",))]
    assert pairs_of(found, "two") == [("a", "b", ("m.py:9", "m.py:10"))]
    assert found.devices == {"one": "meta", "two": "cpu"}
    assert list(found.pairs_of("three")) == []


def test_forward_pairs_stand_apart() -> None:
    traces.save(result("toy", ("a", "b", "3"), forward_pairs=[["timm.m:f", "timm.m:g", {"m.py:9": 1}]]))
    found = own()
    assert [found.pairs[i][:2] for i in found.forward["toy"]] == [("timm.m:f", "timm.m:g")]
    assert pairs_of(found, "toy") == [("a", "b", ("m.py:3",))]


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]", b'{"format": "older"}'])
def test_a_damaged_index_is_made_again(content: bytes) -> None:
    folder = traces.save(result("toy", ("a", "b", "3"))).parent
    whole = own()
    index = folder / "index.json"
    good = index.read_bytes()
    index.write_bytes(content)
    assert own() == whole
    assert index.read_bytes() == good


def test_an_index_that_lost_a_race_is_brought_up_to_date() -> None:
    """Of two processes the later writer may not know the other's trace."""
    folder = traces.save(result("one", ("a", "b", "3"))).parent
    own()
    stale = (folder / "index.json").read_bytes()
    traces.save(result("two", ("a", "c", "4")))
    own()
    (folder / "index.json").write_bytes(stale)
    assert list(own().models) == ["one", "two"]


def test_a_trace_that_is_deleted_leaves_the_index() -> None:
    traces.save(result("one", ("a", "b", "3")))
    path = traces.save(result("two", ("a", "c", "4")))
    own()
    path.unlink()
    found = own()
    assert (list(found.models), len(found.pairs)) == (["one"], 1)


def test_reading_again_reads_the_index_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    traces.save(result("one", ("a", "b", "3")))
    first = own()
    monkeypatch.setattr(traces, "_read_trace", lambda path: pytest.fail("read"))
    monkeypatch.setattr(traces, "write_whole", lambda path, content: pytest.fail("written"))
    assert own() == first


# failures


def test_a_failure_is_noted_until_the_model_is_traced() -> None:
    traces.save_failure("9.9.9", DIGEST, "toy", "no such width")
    found = own()
    assert (found.failed, dict(found.models)) == ({"toy": "no such width"}, {})
    assert traces.load("9.9.9", "toy") is traces.load("9.9.9", "toy", DIGEST) is None
    traces.save(result("toy", ("a", "b", "3")))
    traces.save_failure("9.9.9", DIGEST, "toy", "out of luck")
    found = own()
    assert (found.failed, list(found.models)) == ({}, ["toy"])


# the bundle


@pytest.fixture
def sample() -> Traced:
    traces.save(result("one", ("a", "b", "10"), ("a", "c", "4"), ("b", "c", "7")))
    traces.save(result("two", ("b", "c", "8"), device="cpu", forward_pairs=[["timm.m:f", "timm.m:g", {"m.py:9": 1}]]))
    traces.save_failure("9.9.9", DIGEST, "bad", "no such width")
    found = own()
    assert found is not None
    return found


def test_a_bundle_gives_back_what_was_put_in_but_forward_passes(sample: Traced, tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    path.write_bytes(traces.bundle_bytes(sample))
    found = traces.read_bundle(path, "9.9.9", DIGEST)
    assert found is not None
    assert [pairs_of(found, m) for m in ("one", "two")] == [pairs_of(sample, m) for m in ("one", "two")]
    assert (found.devices, found.failed, found.forward) == (sample.devices, sample.failed, {})
    assert len(found.pairs) == 3


def test_the_same_traces_make_the_same_bytes(sample: Traced) -> None:
    turned = replace(
        sample, models=dict(reversed(sample.models.items())), devices=dict(reversed(sample.devices.items()))
    )
    assert traces.bundle_bytes(turned) == traces.bundle_bytes(sample)


def test_a_bundle_serves_its_own_timm_alone(sample: Traced, tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    path.write_bytes(traces.bundle_bytes(sample))
    assert traces.read_bundle(path, "9.9.9", OTHER) is traces.read_bundle(path, "9.9.8", DIGEST) is None
    assert traces.read_bundle(NOWHERE, "9.9.9", DIGEST) is None


def test_a_damaged_bundle_counts_as_absent(sample: Traced, tmp_path: Path) -> None:
    whole = traces.bundle_bytes(sample)
    for content in (b"", whole[:-3], whole[:-40], whole.partition(b"\n")[0] + b"\n", whole[:70] + b"\0" + whole[71:]):
        path = tmp_path / "bundle"
        path.write_bytes(content)
        assert traces.read_bundle(path, "9.9.9", DIGEST) is None


def test_only_some_of_the_models(sample: Traced) -> None:
    part = traces.only(sample, ["two", "bad", "unknown"])
    assert (list(part.models), list(part.failed)) == (["two"], ["bad"])
    assert pairs_of(part, "two") == [("b", "c", ("m.py:7", "m.py:8"))]


# both


def test_a_model_traced_by_the_user_goes_before_the_bundles(sample: Traced, tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    path.write_bytes(traces.bundle_bytes(sample))
    traces.save(result("one", ("a", "z", "1")))
    traces.save(result("bad", ("a", "b", "11")))
    traces.save(result("three", ("b", "c", "99")))
    (traces.save(result("two")).parent / "two.json.gz").unlink()
    found = traces.traced("9.9.9", DIGEST, bundle=path)
    assert found is not None
    assert pairs_of(found, "one") == [("a", "z", ("m.py:1",))]
    assert pairs_of(found, "two") == pairs_of(found, "three") == [("b", "c", ("m.py:7", "m.py:8", "m.py:99"))]
    assert pairs_of(found, "bad") == [("a", "b", ("m.py:10", "m.py:11"))]
    assert found.failed == {}


def test_one_of_the_two_or_neither(sample: Traced, tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    path.write_bytes(traces.bundle_bytes(sample))
    assert traces.traced("9.9.9", DIGEST, bundle=NOWHERE) == sample
    assert traces.traced("9.9.9", OTHER, bundle=path) is None
    bundle_alone = traces.read_bundle(path, "9.9.9", DIGEST)
    for file in traces.save(result()).parent.iterdir():
        file.unlink()
    assert traces.traced("9.9.9", DIGEST, bundle=path) == bundle_alone


def test_importing_it_costs_nothing() -> None:
    code = "import sys, explorer.introspect.traces\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"gzip", "lzma", "bz2", "tempfile", "torch", "timm"} & set(done.stdout.split()) == set()
