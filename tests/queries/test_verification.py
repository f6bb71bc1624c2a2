from collections.abc import Mapping, Sequence

import pytest

from explorer.graph import Edge, EdgeKind, Evidence, Graph, Node, NodeKind
from explorer.graph.contexts import Contexts, Traced
from explorer.queries.verification import Cause, Score, Verification, verify

CREATE = "timm.f:create"
Drawn = Sequence[str]
"""Calls as ``a -> b``, and where it matters ``a -> b @ line`` and ``a -> b through foreign.code``."""


def full(name: str) -> str:
    return name if ":" in name else f"timm.m:{name}"


def pair(text: str) -> tuple[str, str]:
    caller, _, callee = text.split()[:3]
    return full(caller), full(callee)


def word_after(mark: str, text: str) -> str:
    return text.partition(f" {mark} ")[2].partition(" ")[0]


def static(calls: Drawn, slices: Mapping[str, Drawn], *, only_traced: Drawn = (), functions: Drawn = ()) -> Graph:
    """A graph of functions that has these calls, and models whose creation starts at ``create``."""
    graph = Graph()
    names = dict.fromkeys([*(end for call in [*calls, *only_traced] for end in pair(call)), *map(full, functions)])
    for name in names:
        kind = NodeKind.FUNCTION if name.startswith("timm") else NodeKind.EXTERNAL
        graph.add_node(Node(name, kind, "m.py" if kind is NodeKind.FUNCTION else None))
    for call in [*calls, *only_traced]:
        through = word_after("through", call)
        data = {"through": through} if through else {}
        evidence = (Evidence.TRACED,) if call in only_traced else (Evidence.STATIC,)
        sites = (f"m.py:{word_after('@', call) or 1}",)
        graph.add_edge(Edge(*pair(call), EdgeKind.CALLS, evidence, sites, data))
    graph.contexts = contexts({**slices, "": calls})
    return graph


def contexts(slices: Mapping[str, Drawn]) -> Contexts:
    """One context for each function and slice; those that only the last slice has belong to no model."""
    made = Contexts()
    for model, calls in slices.items():
        numbers: dict[str, int] = {}
        for name in dict.fromkeys([CREATE, *(end for call in calls for end in pair(call))]):
            made.ids += [name] if name not in made.ids else []
            numbers[name] = made.add(made.ids.index(name), [], [])
        for call in calls:
            caller, callee = pair(call)
            made.direct[numbers[caller]].append(numbers[callee])
        if model:
            made.models[model] = numbers[CREATE]
    return made


def traced(models: Mapping[str, Drawn]) -> Traced:
    calls = list(dict.fromkeys(call for own in models.values() for call in own))
    pairs = [(*pair(call), (f"m.py:{word_after('@', call) or 1}",)) for call in calls]
    return Traced("9", "0", pairs, {name: tuple(map(calls.index, own)) for name, own in models.items()})


def causes(found: Verification) -> dict[str, tuple[Cause, bool]]:
    """Every difference, with its cause and whether it counts for the whole graph."""
    both = [*found.missing, *found.never_seen]
    return {f"{d.caller.partition(':')[2]} {d.callee.partition(':')[2]}": (d.cause, d.whole) for d in both}


ONE = f"{CREATE} -> one"


def test_what_is_alike_has_full_marks() -> None:
    calls = [ONE, "one -> Net"]
    found = verify(static(calls, {"one": calls}), traced({"one": calls}), ["one"])

    assert found.whole == found.own == Score(2, 2, 2)
    assert (found.whole.recall, found.whole.precision, found.slice_recall, found.slice_precision) == (1, 1, 1, 1)
    assert (found.missing, found.never_seen) == ((), ())


def test_recall_and_precision_of_the_whole() -> None:
    calls = [ONE, "one -> Net", "one -> Other", "elsewhere -> Net"]
    found = verify(
        static(calls, {"one": calls[:2]}), traced({"one": [ONE, "one -> Net", "Net -> x", "Net -> y"]}), ["one"]
    )

    assert found.whole == Score(traced=4, static=3, both=2)
    assert found.whole.recall == 0.5
    assert found.whole.precision == pytest.approx(2 / 3)


def test_slices_are_means_over_models() -> None:
    graph = static(
        [ONE, "one -> Net", "one -> Big"], {"a": [ONE, "one -> Net"], "b": [ONE, "one -> Net", "one -> Big"]}
    )
    found = verify(graph, traced({"a": [ONE, "one -> Big"], "b": [ONE]}), ["a", "b"])

    assert [(m.name, m.score) for m in found.models] == [("a", Score(2, 2, 1)), ("b", Score(1, 3, 1))]
    assert found.slice_recall == 0.75
    assert found.slice_precision == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert found.models[0].missing == ((full("one"), full("Big")),)
    assert found.models[0].never_seen == ((full("one"), full("Net")),)


def test_a_call_to_itself_counts_nowhere() -> None:
    calls = [ONE, "one -> one"]
    found = verify(static(calls, {"one": calls}), traced({"one": calls}), ["one"])

    assert found.whole == found.models[0].score == Score(1, 1, 1)


def test_what_is_not_timms_counts_nowhere() -> None:
    calls = [ONE, "one -> torch.nn:Linear"]
    found = verify(static(calls, {"one": calls}), traced({"one": [ONE]}), ["one"])

    assert found.whole == found.models[0].score == Score(1, 1, 1)


def test_what_only_a_trace_knows_is_not_static() -> None:
    graph = static([ONE], {"one": [ONE]}, only_traced=["one -> Net"])
    found = verify(graph, traced({"one": [ONE, "one -> Net"]}), ["one"])

    assert found.whole == Score(2, 1, 1)


def test_only_the_models_named_are_compared() -> None:
    graph = static([ONE, f"{CREATE} -> two"], {"one": [ONE], "two": [f"{CREATE} -> two"]})
    found = verify(graph, traced({"one": [ONE], "two": [f"{CREATE} -> two"]}), ["one", "untraced"])

    assert [model.name for model in found.models] == ["one"]
    assert causes(found) == {"create two": (Cause.OTHER_MODEL, True)}
    assert (found.whole, found.own) == (Score(1, 2, 1), Score(1, 1, 1))


def test_no_trace_at_all() -> None:
    with pytest.raises(ValueError, match="no model has a trace"):
        verify(static([ONE], {"one": [ONE]}), traced({}), ["one"])


@pytest.mark.parametrize(
    ("calls", "functions", "cause"),
    [
        ([ONE], ["Net"], Cause.UNKNOWN_CALLER),
        ([ONE], ["part"], Cause.UNKNOWN_CALLEE),
        ([ONE], ["part", "Net"], Cause.NOT_EVALUATED),
        ([ONE, "part -> x"], ["part", "Net"], Cause.NOT_FOUND),
    ],
)
def test_why_a_call_is_missing(calls: Drawn, functions: Drawn, cause: Cause) -> None:
    graph = static(calls, {"one": [ONE]}, functions=functions)
    found = verify(graph, traced({"one": [ONE, "part -> Net"]}), ["one"])

    assert causes(found)["part Net"] == (cause, True)


@pytest.mark.parametrize(
    ("own", "cause"),
    [
        ([ONE, "one -> part"], Cause.NOT_IN_SLICE),
        ([ONE], Cause.CALLER_NOT_IN_SLICE),
        (None, Cause.NO_SLICE),
    ],
)
def test_why_a_call_is_missing_in_a_slice(own: Drawn | None, cause: Cause) -> None:
    calls = [ONE, "one -> part", "part -> Net"]
    graph = static(calls, {} if own is None else {"one": own})
    found = verify(graph, traced({"one": calls}), ["one"])

    assert causes(found)["part Net"] == (cause, False)
    assert found.missing[0].models == ("one",)
    assert found.whole.recall == 1


@pytest.mark.parametrize(
    ("calls", "slices", "cause", "whole"),
    [
        (["one -> Net through torch.nn.Module.apply"], {"one": [ONE]}, Cause.THROUGH, True),
        (["one -> Net @ 9"], {"one": [ONE, "one -> Net"]}, Cause.NOT_TAKEN, True),
        (["one -> Net"], {"one": [ONE, "one -> Net"]}, Cause.OTHER_CALLEE, True),
        (["one -> Net"], {"one": [ONE]}, Cause.NO_MODEL, True),
        (["one -> Net"], {"one": [ONE], "two": [ONE, "one -> Net"]}, Cause.OTHER_MODEL, True),
        (["part -> Net"], {"one": [ONE, "one -> part", "part -> Net"]}, Cause.NOT_RUN, False),
    ],
)
def test_why_a_call_was_never_seen(calls: Drawn, slices: Mapping[str, Drawn], cause: Cause, whole: bool) -> None:
    graph = static([ONE, "one -> part", *calls], slices)
    found = verify(graph, traced({"one": [ONE, "one -> part"]}), ["one"])
    caller, callee = pair(calls[0])

    assert causes(found)[f"{caller.partition(':')[2]} {callee.partition(':')[2]}"] == (cause, whole)


def test_a_call_that_only_another_model_makes() -> None:
    calls = [ONE, "one -> Net"]
    found = verify(static(calls, {"one": calls, "two": calls}), traced({"one": calls, "two": [ONE]}), ["one", "two"])

    assert causes(found) == {"one Net": (Cause.OTHER_SLICE, False)}
    assert found.never_seen[0].models == ("two",)
    assert found.whole.precision == 1


def test_what_lies_between_and_where_is_told() -> None:
    calls = [ONE, "one -> part"]
    graph = static([*calls, "one -> Net @ 7 through torch.nn.Module.apply"], {"one": calls})
    (difference,) = verify(graph, traced({"one": calls}), ["one"]).never_seen

    assert (difference.through, difference.sites) == ("torch.nn.Module.apply", ("m.py:7",))


def test_every_cause_is_of_one_side() -> None:
    calls = [ONE, "one -> part"]
    graph = static([*calls, "one -> Net through torch.nn.Module.apply"], {"one": [ONE]})
    found = verify(graph, traced({"one": calls}), ["one"])

    assert [difference.cause for difference in found.missing] == [Cause.NOT_IN_SLICE]
    assert [difference.cause for difference in found.never_seen] == [Cause.THROUGH]
