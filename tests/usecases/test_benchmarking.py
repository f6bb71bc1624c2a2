from typing import Any

import pytest

from explorer.errors import EngineError, RequestError, UnknownName
from explorer.graph import Graph
from explorer.protocol.bench import BenchRequest
from explorer.usecases.benchmarking import (
    Measurement,
    bench_requests,
    measure,
    other_side,
    search_settings,
    tuned_settings,
)
from explorer.usecases.choosing import ModelNames


class Keeper:
    """Remembers what is kept."""

    def __init__(self) -> None:
        self.kept: list[object] = []

    def keep(self, request: BenchRequest, outcome: object) -> None:
        self.kept.append(outcome)


class FailingClient:
    def run(self, request: object, emit: object) -> object:
        raise EngineError("no room")


def test_a_request_for_each_model_and_every_setting_judged(timm_graph: Graph) -> None:
    known = ModelNames(graph=timm_graph)
    requests = bench_requests(["resnet34", "resnet1?"], {"batch_size": 4, "args": {"drop_rate": 0.1}}, known)

    assert [(request.model, request.batch_size) for request in requests] == [
        ("resnet34", 4),
        ("resnet18", 4),
    ]
    with pytest.raises(UnknownName, match="closest: batch_size"):
        bench_requests(["resnet34"], {"batchsize": 4}, known)
    with pytest.raises(RequestError, match="drop_rat"):
        bench_requests(["resnet34"], {"args": {"drop_rat": 0.1}}, known)
    with pytest.raises(RequestError, match="no model"):
        bench_requests([], {}, known)


def test_a_failure_is_kept_and_handed_back() -> None:
    keeper: Any = Keeper()
    client: Any = FailingClient()
    request = BenchRequest("resnet34")
    measured = measure(request, keeper, client)

    assert measured.result is None
    assert measured.to_json()["error"]["message"] == "no room"
    assert [str(error) for error in keeper.kept] == ["no room"]


def test_a_search_that_fails_is_kept_and_raised() -> None:
    keeper: Any = Keeper()
    client: Any = FailingClient()

    with pytest.raises(EngineError, match="no room"):
        search_settings(BenchRequest("resnet34"), (), 1.0, keeper, client)
    assert len(keeper.kept) == 1


def test_the_other_side_is_a_change_to_this_one(timm_graph: Graph) -> None:
    one, known = BenchRequest("resnet34", threads=2), ModelNames(graph=timm_graph)

    assert other_side("resnet50", one, known) == BenchRequest("resnet50", threads=2)
    assert other_side("dtype=amp, no-fused-attn", one, known) == BenchRequest(
        "resnet34", threads=2, dtype="amp", fused_attn=False
    )
    assert other_side("channels-last", one, known).memory_format == "channels_last"
    with pytest.raises(RequestError, match="very same"):
        other_side("threads=2", one, known)
    with pytest.raises(UnknownName, match="resnet50"):
        other_side("resnet5o", one, known)


def test_what_a_search_leaves_alone() -> None:
    assert sorted(tuned_settings({"dtype", "device", "compile"})) == ["compile", "dtype"]


def test_a_measurement_is_its_result_in_json() -> None:
    error = EngineError("no room", "a smaller batch")
    told = Measurement(BenchRequest("resnet34"), error=error).to_json()

    assert (told["model"], told["error"]) == ("resnet34", error.to_dict())
