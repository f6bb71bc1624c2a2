"""The whole graph of a small timm, and of the installed one."""

from collections.abc import Callable
from pathlib import Path

import grimp
import pytest

from explorer.graph import EdgeKind, Graph, NodeKind
from explorer.introspect import load_graph

MakeTimm = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("no_imports")


def built(package: Path) -> Graph:
    return load_graph(package, use_cache=False)


def pairs(graph: Graph, kind: EdgeKind) -> set[tuple[str, str]]:
    return {(edge.source, edge.target) for edge in graph.edges(kind)}


def test_the_registry_as_nodes(make_timm: MakeTimm) -> None:
    graph = built(make_timm())
    small, b = graph.node("model:toy_small"), graph.node("weights:toy_small.b_in1k")

    assert small.data == {
        "family": "toy",
        "module": "timm.models.toy",
        "tags": ["a_in1k", "b_in1k"],
        "pretrained": True,
    }
    assert (small.file, small.line, small.doc) == ("models/toy.py", 31, "The small one.")
    assert (b.data["tag"], b.data["has_weights"], b.data["cfg"]["num_classes"]) == ("b_in1k", True, 10)
    assert graph.node("alias:gone_toy").data["replaced_by"] is None
    assert not graph.node("model:toy_large").data["pretrained"]
    assert graph.info.timm_version == "1.0.9"


def test_the_registry_as_edges(make_timm: MakeTimm) -> None:
    graph = built(make_timm())

    assert list(graph.successors("model:toy_small", EdgeKind.CONFIGURES)) == [
        "weights:toy_small.a_in1k",
        "weights:toy_small.b_in1k",
    ]
    assert pairs(graph, EdgeKind.REGISTERS) == {
        ("model:toy_small", "timm.models.toy:toy_small"),
        ("model:toy_large", "timm.models.toy:toy_large"),
    }
    assert pairs(graph, EdgeKind.REPLACES) == {
        ("alias:old_toy", "model:toy_small"),
        ("alias:old_toy_b", "weights:toy_small.b_in1k"),
    }


def test_a_deprecated_name_may_stand_for_another_one(make_timm: MakeTimm) -> None:
    toy = """
        from ._registry import register_model, register_model_deprecations
        @register_model
        def net(): pass
        register_model_deprecations(__name__, {'old': 'net'})
        register_model_deprecations(__name__, {'older': 'old'})
        """
    graph = built(make_timm({"models/toy.py": toy}))

    assert list(graph.successors("alias:older", EdgeKind.REPLACES)) == ["alias:old"]


def test_create_model_dispatches_to_every_entrypoint(make_timm: MakeTimm) -> None:
    dispatches = list(built(make_timm()).edges(EdgeKind.DISPATCHES))

    assert {(e.source, e.target) for e in dispatches} == {
        ("timm.models._factory:create_model", f"timm.models.toy:toy_{size}") for size in ("small", "large")
    }
    assert {e.sites for e in dispatches} == {("models/_factory.py:5",)}


def test_the_builder_calls_the_class_it_is_handed(make_timm: MakeTimm) -> None:
    graph = built(make_timm())
    making = graph.edge("timm.models._builder:build_model_with_cfg", "timm.models.toy:ToyNet.__init__", EdgeKind.CALLS)

    assert making is not None
    assert making.data == {"via": "model_cls"}
    assert making.sites == ("models/_builder.py:5",)


def test_calls_in_foreign_hands_say_so(make_timm: MakeTimm) -> None:
    net = """
        from torch import nn
        from ._registry import register_model
        def init(module): pass
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.stem = nn.Conv2d(3, 8, 3)
                self.apply(init)
                init(self.stem) if False else None
        @register_model
        def net(): return Net()
        """
    graph = built(make_timm({"models/toy.py": net}))
    edge = graph.edge("timm.models.toy:Net.__init__", "timm.models.toy:init", EdgeKind.CALLS)

    assert edge is not None
    assert (edge.data, edge.sites) == ({"through": "torch.nn.Module.apply"}, ("models/toy.py:8",))


def test_every_model_and_alias_has_the_calls_of_its_creation(make_timm: MakeTimm) -> None:
    contexts = built(make_timm()).contexts

    assert list(contexts.models) == ["toy_small", "toy_large", "old_toy", "old_toy_b", "gone_toy"]
    pairs = set(contexts.pairs(contexts.models["toy_small"]))
    assert ("timm.models._factory:create_model", "timm.models.toy:toy_small") in pairs
    assert ("timm.models._builder:build_model_with_cfg", "timm.models.toy:ToyNet.__init__") in pairs
    assert not {pair for pair in pairs if "timm.models.toy:toy_large" in pair}


def test_classes_modules_and_what_is_outside(make_timm: MakeTimm) -> None:
    graph = built(make_timm())

    assert ("timm.models.toy:ToyNet", "torch.nn:Module") in pairs(graph, EdgeKind.INHERITS)
    assert graph.node("torch.nn:Module").kind is NodeKind.EXTERNAL
    assert ("timm.models.toy:ToyNet", "timm.models.toy:ToyNet.forward") in pairs(graph, EdgeKind.CONTAINS)
    assert ("timm.models.toy", "timm.models.toy:ToyNet") in pairs(graph, EdgeKind.CONTAINS)
    assert ("timm.models.toy", "timm.models._builder") in pairs(graph, EdgeKind.IMPORTS)
    assert graph.node("timm.models.toy:toy_small").data["signature"] == "(pretrained=False, **kwargs) -> ToyNet"


@pytest.mark.parametrize(
    "broken",
    ["models/toy.py", "models/_pretrained.py", "models/_registry.py", "models/_factory.py", "models/__init__.py"],
)
def test_a_file_with_a_syntax_error_is_named_and_the_rest_is_read(make_timm: MakeTimm, broken: str) -> None:
    graph = built(make_timm({broken: "x = 1\ndef f(:\n"}))

    assert [(p.file, p.line) for p in graph.info.problems] == [(broken, 2)]
    assert "timm.models._builder:build_model_with_cfg" in graph


def test_a_syntax_error_costs_only_its_own_models(make_timm: MakeTimm) -> None:
    other = "from ._registry import register_model\n@register_model\ndef other(): pass\n"
    init = "from .toy import *\nfrom .other import *\nfrom ._factory import create_model\n"
    graph = built(make_timm({"models/toy.py": "def f(:", "models/other.py": other, "models/__init__.py": init}))

    assert list(graph.ids(NodeKind.MODEL)) == ["model:other"]


@pytest.mark.parametrize(
    "source",
    [
        "x = " + "(" * 300 + ")" * 300,
        "x = " + "-" * 5000 + "1",
        "x = " + "[" * 90 + "]" * 90,
        "x = " + "+".join(["1"] * 3000),
        "x = a" + ".b" * 3000,
        "if a: pass\n" + "".join(f"elif a{i}: pass\n" for i in range(400)),
        "\x00",
    ],
    ids=["parentheses", "signs", "brackets", "sum", "attributes", "elifs", "nul"],
)
def test_a_file_nested_too_deep_stops_nothing(make_timm: MakeTimm, source: str) -> None:
    graph = built(make_timm({"models/deep.py": source + "\n"}))

    assert "model:toy_small" in graph
    assert "timm.models.deep" in graph or [p.file for p in graph.info.problems] == ["models/deep.py"]


def test_names_defined_twice_are_one_node(make_timm: MakeTimm) -> None:
    twice = "try:\n  import numba\n  def F(): pass\nexcept ImportError:\n  class F: pass\n"
    graph = built(make_timm({"models/twice.py": twice}))

    ids = [node["id"] for node in graph.to_node_link()["nodes"]]
    assert len(ids) == len(set(ids))


def test_the_installed_timm_is_whole(timm_graph: Graph) -> None:
    ids = [node["id"] for node in timm_graph.to_node_link()["nodes"]]

    assert timm_graph.info.problems == ()
    assert len(ids) == len(set(ids)) == len(timm_graph)
    assert all(e.source in timm_graph and e.target in timm_graph for e in timm_graph.edges())
    assert all(n.name for n in timm_graph.nodes())


def test_nodes_stand_where_they_are_defined(timm_graph: Graph) -> None:
    folder = Path(timm_graph.info.origin)
    lines = {p.relative_to(folder).as_posix(): p.read_text("utf-8").splitlines() for p in folder.rglob("*.py")}
    wrong = []
    for node in timm_graph.nodes(NodeKind.CLASS, NodeKind.FUNCTION):
        assert node.file is not None
        assert node.line is not None
        first = lines[node.file][node.line - 1].split()
        name = node.name.rpartition(".")[2]
        if not (first[0] in ("def", "class", "async") and any(w.startswith(name) for w in first[1:])):
            wrong.append(node.id)
        if not node.line <= (node.end_line or 0) <= len(lines[node.file]):
            wrong.append(node.id)
    wrong += [n.id for n in timm_graph.nodes(NodeKind.MODULE) if n.end_line != len(lines[n.file or ""])]

    assert wrong == []


def test_call_sites_hold_a_call(timm_graph: Graph) -> None:
    folder = Path(timm_graph.info.origin)
    lines = {p.relative_to(folder).as_posix(): p.read_text("utf-8").splitlines() for p in folder.rglob("*.py")}
    wrong = []
    for edge in timm_graph.edges(EdgeKind.CALLS, EdgeKind.DISPATCHES):
        callee = timm_graph.node(edge.target)
        name = callee.name.rpartition(".")[2]
        sign = f".{name}" if "property" in callee.data.get("decorators", ()) else _SIGNS.get(name, "(")
        for site in edge.sites:
            file, _, line = site.partition(":")
            text = lines[file][int(line) - 1]
            if sign not in text and "(" not in text:
                wrong.append((edge.source, edge.target, site))

    assert wrong == []
    assert any(edge.sites for edge in timm_graph.edges(EdgeKind.CALLS))


_SIGNS = {"__enter__": "with ", "__exit__": "with ", "__iter__": " in ", "__next__": " in ", "__getitem__": "["}
"""What stands at the place of a call that no brackets show."""


def test_imports_are_grimps(timm_graph: Graph) -> None:
    theirs = grimp.build_graph("timm", cache_dir=None)
    expected = {(m, i) for m in theirs.modules for i in theirs.find_modules_directly_imported_by(m)}

    assert pairs(timm_graph, EdgeKind.IMPORTS) == expected
    assert set(timm_graph.ids(NodeKind.MODULE)) == theirs.modules
