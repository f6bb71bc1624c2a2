"""What people ask with is held to its types, in the words of what it should have been."""

import gc
import pickle

import pytest
from msgspec.structs import replace

from explorer.errors import RequestError
from explorer.protocol.bench import BenchRequest, VersusRequest
from explorer.protocol.flow import FlowRequest
from explorer.protocol.inspect import InspectRequest
from explorer.protocol.request import ModelOptions
from explorer.protocol.trace import TraceRequest
from explorer.protocol.tune import TuneRequest

WHOLE = "1 to 2,147,483,647"


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (InspectRequest, {"model": " "}, "the model must be a name, not ' '"),
        (
            InspectRequest,
            {"batch_size": None},
            f"the batch size must be a whole number from {WHOLE}, not None",
        ),
        (
            InspectRequest,
            {"num_classes": -1},
            f"the number of classes must be a whole number from {WHOLE}, not -1",
        ),
        (InspectRequest, {"totals_only": 1}, "totals_only must be true or false, not 1"),
        (FlowRequest, {"in_chans": "3"}, f"the input channels must be a whole number from {WHOLE}, not '3'"),
        (FlowRequest, {"features_only": None}, "features_only must be true or false, not None"),
        (FlowRequest, {"args": {1: 2}}, r"model arguments must be values by name, not \{1: 2\}"),
        (TraceRequest, {"extra": [["mine", "mine.py"], ["mine"]]}, r"a name and a path, not \['mine'\]"),
        (TraceRequest, {"forward": "yes"}, "forward must be true or false, not 'yes'"),
        (BenchRequest, {"device": "cpu\n"}, "no device"),
        (BenchRequest, {"compile": "off\n"}, "no compile mode"),
    ],
)
def test_a_value_that_does_not_fit_is_told_by_what_it_should_be(kind, values, said):
    with pytest.raises(RequestError, match=said):
        kind(**{"model": "resnet34", **values})


def test_a_search_is_told_what_it_can_keep():
    with pytest.raises(RequestError, match=r"no setting 'colour' is tuned.*memory_format"):
        TuneRequest(BenchRequest("x"), ["dtype", "colour"])
    with pytest.raises(RequestError, match="what to tune must be a measurement, not 'x'"):
        TuneRequest("x")
    with pytest.raises(RequestError, match="the limit must be a number of seconds over 0, not 0"):
        TuneRequest(BenchRequest("x"), limit_seconds=0)


def test_a_change_is_held_to_the_types_too():
    with pytest.raises(RequestError, match="batch size"):
        replace(BenchRequest("x"), batch_size=0)


def test_no_classifier_is_something_to_ask_for():
    assert ModelOptions(num_classes=0).num_classes == 0


def test_a_side_given_as_data_becomes_a_request():
    versus = VersusRequest({"model": "a"}, {"model": "b", "threads": 2})
    assert versus.b == BenchRequest("b", threads=2)
    with pytest.raises(RequestError, match=f"the threads must be a whole number from {WHOLE}, not 0"):
        VersusRequest({"model": "a"}, {"model": "b", "threads": 0})
    with pytest.raises(RequestError, match=r"malformed.*colour"):
        VersusRequest({"model": "a"}, {"model": "b", "colour": "red"})


def test_a_model_is_built_as_its_request_says():
    request = InspectRequest("x", img_size=96, args={"drop_rate": 0.1}, features_only=True)
    assert request.options == ModelOptions(img_size=96, args={"drop_rate": 0.1}, features_only=True)
    assert BenchRequest("x", reparam=True).options == ModelOptions(reparam=True)


def test_its_json_has_its_fields_and_not_its_name():
    request = BenchRequest("x", extra=[["mine", "mine.py"]])
    assert list(request.to_json()) == list(BenchRequest.__struct_fields__)
    assert BenchRequest.from_json(request.to_json()) == request


def test_it_can_be_pickled():
    request = VersusRequest(BenchRequest("a"), BenchRequest("b", args={"x": [1]}))
    assert pickle.loads(pickle.dumps(request)) == request


def test_its_types_survive_the_garbage_collector():
    for _ in range(20):
        for kind in (BenchRequest, FlowRequest, InspectRequest, TraceRequest):
            kind("x")
        gc.collect()
