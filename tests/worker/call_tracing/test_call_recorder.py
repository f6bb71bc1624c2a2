"""Small packages, recorded both ways that Python offers: the recordings have to be the same."""

import functools
import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from explorer.protocol.trace import call_count
from explorer.worker.call_tracing.call_recorder import Root, record

WAYS = [False, True] if sys.version_info >= (3, 12) else [False]


class Sample:
    """A package ``sample`` of these files, and a module ``outside`` that is none of ours."""

    def __init__(self, folder: Path, monitoring: bool) -> None:
        self.folder = folder
        self.monitoring = monitoring
        self.recording = None

    def write(self, **files: str) -> None:
        for name, source in files.items():
            path = self.folder / ("outside.py" if name == "outside" else f"sample/{name}.py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(dedent(source))
        (self.folder / "sample" / "__init__.py").touch()

    def run(self, module: str = "m", function: str = "top", *args: object) -> object:
        target = getattr(importlib.import_module(f"sample.{module}"), function)
        value, self.recording = record(
            lambda: target(*args), [Root(self.folder / "sample")], monitoring=self.monitoring
        )
        return value

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(short_id(a), short_id(b)) for a, b, _ in self.recording.pairs]

    @property
    def sites(self) -> dict[tuple[str, str], dict[str, int]]:
        return {(short_id(a), short_id(b)): sites for a, b, sites in self.recording.pairs}

    def tree(self) -> list[object]:
        """The story as nested ``[callee, count, children...]``."""
        steps = self.recording.story["steps"]

        def node(index: int, count: int) -> list[object]:
            step = steps[index]
            return [short_id(step["callee"]), count, *(node(*s) for s in step.get("steps", ()))]

        return [node(*root) for root in self.recording.story["roots"]]

    def step(self, callee: str) -> dict[str, object]:
        """The one step of this callee."""
        found = [s for s in self.recording.story["steps"] if short_id(s["callee"]) == callee]
        assert len(found) == 1, found
        return found[0]


def short_id(node_id: str) -> str:
    return node_id.removeprefix("sample.m:").removeprefix("sample.")


@pytest.fixture(params=WAYS, ids=lambda m: "monitoring" if m else "profile")
def sample(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sample]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Sample(tmp_path, request.param)
    for name in [n for n in sys.modules if n.partition(".")[0] in ("sample", "outside")]:
        del sys.modules[name]


def test_calls_are_pairs_with_their_sites_and_counts(sample: Sample) -> None:
    sample.write(
        m="""\
        def leaf(x):
            return x
        def top():
            leaf(1)
            for i in range(3):
                leaf(i)
            return leaf("z")
        """
    )
    assert sample.run() == "z"
    assert sample.recording.pairs == [["sample.m:top", "sample.m:leaf", {"m.py:4": 1, "m.py:6": 3, "m.py:7": 1}]]


def test_a_method_is_named_by_its_class_and_calls_between_modules_count(sample: Sample) -> None:
    sample.write(
        n="""\
        class Base:
            def __init__(self): self.setup()
            def setup(self): pass
        """,
        m="""\
        from sample.n import Base
        class Net(Base):
            def __init__(self): super().__init__()
        def top(): Net()
        """,
    )
    sample.run()
    assert sample.pairs == [
        ("Net.__init__", "n:Base.__init__"), ("top", "Net.__init__"), ("n:Base.__init__", "n:Base.setup")
    ]  # fmt: skip


def test_comprehensions_generator_expressions_and_lambdas_count_as_their_function(sample: Sample) -> None:
    sample.write(
        m="""\
        def leaf(x): return x
        def top():
            [leaf(i) for i in range(2)]
            {leaf(i): leaf(i) for i in range(1)}
            list(leaf(i) for i in range(2))
            deep = lambda: (lambda: leaf(1))()
            return deep()
        """
    )
    sample.run()
    assert sample.sites == {("top", "leaf"): {"m.py:3": 2, "m.py:4": 2, "m.py:5": 2, "m.py:6": 1}}
    assert {child[0] for child in sample.tree()[0][2:]} == {"leaf"}


def test_a_lambda_called_by_another_function_is_a_call_of_the_one_it_is_in(sample: Sample) -> None:
    sample.write(
        m="""\
        def make(): return lambda x: leaf(x)
        def leaf(x): return x
        def top(): return make()(5)
        """
    )
    sample.run()
    assert sample.pairs == [("make", "leaf"), ("top", "make")]
    assert sample.tree() == [["top", 1, ["make", 1], ["make", 1, ["leaf", 1]]]]
    assert [s.get("part") for s in sample.recording.story["steps"] if s["callee"] == "sample.m:make"] == [
        None, "<lambda>"
    ]  # fmt: skip


def test_a_nested_function_has_a_name_of_its_own(sample: Sample) -> None:
    sample.write(
        m="""\
        def outer(n):
            def parse(x): return (x,) * n
            return parse
        def top(): return outer(2)(7)
        """
    )
    assert sample.run() == (7, 7)
    assert sample.pairs == [("top", "outer"), ("top", "outer.<locals>.parse")]


def test_a_function_that_calls_itself_is_no_pair_but_a_step(sample: Sample) -> None:
    sample.write(m="def top(n=2): return top(n - 1) if n else 0")
    sample.run()
    assert sample.pairs == []
    assert sample.tree() == [["top", 1, ["top", 1, ["top", 1]]]]


def test_c_code_between_two_functions_does_not_count(sample: Sample) -> None:
    sample.write(
        m="""\
        def key(x): return -x
        def top(): return sorted([1, 2], key=key), list(map(key, [3]))
        """
    )
    sample.run()
    assert sample.sites == {("top", "key"): {"m.py:2": 3}}


def test_foreign_code_between_two_functions_hides_the_pair_but_not_the_step(sample: Sample) -> None:
    sample.write(
        outside="def apply(f): return f()",
        m="""\
        import outside
        def leaf(): return 1
        def inner(): return leaf()
        def top(): return outside.apply(inner)
        """,
    )
    sample.run()
    assert sample.pairs == [("inner", "leaf")]
    assert sample.tree() == [["top", 1, ["inner", 1, ["leaf", 1]]]]
    assert (sample.step("inner")["at"], sample.step("inner")["through"]) == ("m.py:4", True)
    assert "through" not in sample.step("leaf")


def test_whoever_resumes_a_generator_calls_it_though_it_is_one_step(sample: Sample) -> None:
    sample.write(
        m="""\
        def count():
            leaf()
            yield 1
            leaf()
            yield 2
        def leaf(): pass
        def other(g): return next(g)
        def top():
            g = count()
            next(g)
            other(g)
            list(g)
        """
    )
    sample.run()
    assert sample.sites == {
        ("count", "leaf"): {"m.py:2": 1, "m.py:4": 1},
        ("other", "count"): {"m.py:7": 1},
        ("top", "count"): {"m.py:10": 1, "m.py:12": 1},
        ("top", "other"): {"m.py:11": 1},
    }
    assert sample.tree() == [["top", 1, ["count", 1, ["leaf", 1], ["leaf", 1]], ["other", 1]]]
    assert sample.step("count")["yields"] == 2


def test_a_generator_that_is_thrown_into_is_called(sample: Sample) -> None:
    sample.write(
        m="""\
        def guarded():
            try:
                yield 1
            except ValueError:
                yield None
        def top():
            g = guarded()
            next(g)
            g.throw(ValueError())
            g.close()
        """
    )
    sample.run()
    assert sample.sites[("top", "guarded")] | {"m.py:10": 1} == {"m.py:8": 1, "m.py:9": 1, "m.py:10": 1}
    assert sample.step("guarded")["yields"] == 2
    assert "raised" not in sample.step("guarded")


def test_exceptions_are_told_with_their_words_and_the_record_goes_on(sample: Sample) -> None:
    sample.write(
        m="""\
        def bad(): raise ValueError("no such size")
        def worse(): bad()
        def calm():
            try:
                bad()
            except ValueError:
                pass
        def top():
            try:
                worse()
            except ValueError:
                calm()
            leaf()
        def leaf(): pass
        """
    )
    sample.run()
    assert sample.tree() == [["top", 1, ["worse", 1, ["bad", 1]], ["calm", 1, ["bad", 1]], ["leaf", 1]]]
    told = {s["callee"]: s.get("raised") for s in sample.recording.story["steps"]}
    words = "ValueError('no such size')"
    assert told == {
        "sample.m:bad": words, "sample.m:worse": words, "sample.m:calm": None, "sample.m:leaf": None,
        "sample.m:top": None,
    }  # fmt: skip


def test_a_generator_that_caught_something_before_still_yields_none(sample: Sample) -> None:
    sample.write(
        m="""\
        def patient():
            try:
                raise KeyError
            except KeyError:
                pass
            yield None
        def top(): return list(patient())
        """
    )
    assert sample.run() == [None]
    assert (sample.step("patient")["yields"], "raised" in sample.step("patient")) == (1, False)


def test_what_is_raised_out_of_it_all_is_raised_on_and_nothing_is_left_switched_on(sample: Sample) -> None:
    sample.write(m="def top(): raise RuntimeError('out')")
    before = sys.getprofile(), sys.gettrace()
    with pytest.raises(RuntimeError, match="out"):
        sample.run()
    assert (sys.getprofile(), sys.gettrace()) == before
    if sample.monitoring:
        assert all(sys.monitoring.get_tool(i) != "timm-explorer" for i in range(6))


def test_importing_a_module_is_not_recorded_nor_what_runs_then(sample: Sample) -> None:
    sample.write(
        lazy="""\
        from sample.m import leaf
        pick = lambda: leaf()
        leaf()
        class C:
            x = leaf()
        """,
        m="""\
        def leaf(): return 1
        def top():
            import sample.lazy
            return sample.lazy.pick()
        """,
    )
    assert sample.run() == 1
    first = sample.recording
    assert sample.run() == 1
    assert sample.recording == first
    assert sample.pairs == []


def test_arguments_stand_by_name_those_equal_to_their_default_apart(sample: Sample) -> None:
    sample.write(
        m="""\
        class Net:
            def __init__(self, depth, *layers, width=64, act=None, **extra): pass
            @staticmethod
            def build(n=1): return n
            @property
            def size(self): return (7, 7)
        def top():
            net = Net(3, "a", "b", width=64, act=max, drop=0.5)
            Net.build()
            Net.build(True)
            return net.size
        """
    )
    sample.run()
    made = sample.step("Net.__init__")
    assert made["arguments"] == {
        "self": "a Net", "depth": "3", "act": "function max", "*layers": "('a', 'b')", "drop": "0.5"
    }  # fmt: skip
    assert made["defaults"] == {"width": "64"}
    built = [s for s in sample.recording.story["steps"] if s["callee"].endswith("build")]
    assert [(s.get("arguments"), s.get("defaults"), s["result"]) for s in built] == [
        (None, {"n": "1"}, "1"),
        ({"n": "True"}, None, "True"),
    ]
    assert sample.step("Net.size")["result"] == "(7, 7)"
    assert "result" not in made


def test_equal_calls_in_a_row_fold_and_different_ones_do_not(sample: Sample) -> None:
    sample.write(
        m="""\
        def inner(x): pass
        def block(x): inner(x)
        def top():
            for x in (1, 1, 1, 2, 1):
                block(x)
        """
    )
    sample.run()
    block = ["inner", 1]
    assert sample.tree() == [["top", 1, ["block", 3, block], ["block", 1, block], ["block", 1, block]]]
    assert len(sample.recording.story["steps"]) == 5
    assert call_count(sample.recording.story) == 11


def test_a_deep_chain_of_calls(sample: Sample) -> None:
    sample.write(m="def top(n): return top(n - 1) if n else 0")
    sample.run("m", "top", 400)
    assert call_count(sample.recording.story) == 401


def test_a_root_can_be_one_file_or_have_a_prefix(sample: Sample) -> None:
    sample.write(m="def leaf(): pass\ndef top(): leaf()", n="from sample.m import top")
    target = importlib.import_module("sample.m").top
    folder = sample.folder / "sample"
    for root, site in ((Root(folder / "m.py"), "m.py:2"), (Root(folder, "mine/"), "mine/m.py:2")):
        _, recording = record(target, [root], monitoring=sample.monitoring)
        assert recording.pairs == [["sample.m:top", "sample.m:leaf", {site: 1}]]
    for root in (Root(folder / "n.py"), Root(sample.folder / "sam")):
        _, recording = record(target, [root], monitoring=sample.monitoring)
        assert (recording.pairs, recording.story["roots"]) == ([], [])


def test_other_threads_are_not_recorded(sample: Sample) -> None:
    sample.write(
        m="""\
        import threading
        def leaf(): pass
        def aside(): leaf()
        def top():
            thread = threading.Thread(target=aside)
            thread.start()
            thread.join()
        """
    )
    sample.run()
    assert sample.tree() == [["top", 1]]
    assert threading.active_count() >= 1


def test_code_of_two_files_that_is_equal_is_told_apart(sample: Sample) -> None:
    """Python compares code objects by what they do, not by where they come from."""
    source = "def same(x): return x\n"
    sample.write(
        outside=source, n=source,
        m="""\
        import outside
        from sample import n
        def top():
            outside.same(1)
            n.same(2)
        """,
    )  # fmt: skip
    sample.run()
    assert sample.pairs == [("top", "n:same")]


def test_values_are_not_touched(sample: Sample) -> None:
    sample.write(
        m="""\
        class Trap:
            def __repr__(self): raise SystemExit("repr")
            __str__ = __len__ = __iter__ = __bool__ = __eq__ = __hash__ = __getattr__ = __repr__
            shape = __class__ = property(__repr__)
        def take(trap, default=Trap()): return trap
        def top(): take(Trap()); return None
        """
    )
    sample.run()
    step = sample.step("take")
    assert (step["arguments"], step["defaults"], step["result"]) == (
        {"trap": "a Trap"}, {"default": "a Trap"}, "a Trap"
    )  # fmt: skip
    assert sample.pairs == [("top", "take")]


def test_the_recording_is_the_same_whether_it_is_the_first(sample: Sample) -> None:
    sample.write(m="def leaf(x): return [x]\ndef top(): return [leaf(i) for i in range(3)]")
    sample.run()
    first = sample.recording
    sample.run()
    assert sample.recording == first


def test_a_tool_id_in_use_is_left_alone() -> None:
    if sys.version_info < (3, 12):
        pytest.skip("no sys.monitoring")
    with_other = functools.partial(record, lambda: 1, [])
    taken = [i for i in range(6) if sys.monitoring.get_tool(i) is None]
    for i in taken:
        sys.monitoring.use_tool_id(i, "another")
    try:
        assert with_other()[0] == 1
        with pytest.raises(ValueError, match=r"sys\.monitoring"):
            with_other(monitoring=True)
    finally:
        for i in taken:
            sys.monitoring.free_tool_id(i)
