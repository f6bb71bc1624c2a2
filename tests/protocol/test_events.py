import json
import math

import pytest
from msgspec.structs import replace

from explorer.errors import OutOfMemory, RequestError, UnknownName
from explorer.protocol.bench import BenchPartial, BenchRequest, BenchResult, VersusPartial, VersusRequest, VersusResult
from explorer.protocol.events import (
    Failure,
    LineSplitter,
    Log,
    Partial,
    Progress,
    Result,
    decode_event,
    decode_request,
    encode_event,
    encode_request,
)
from tests.measurements import RESULT, WHOLE


def test_a_request_survives_the_pipe():
    request = BenchRequest("resnet34", batch_size=8, img_size=96, device="cuda:1", dtype="bfloat16", seconds=0.5)
    assert decode_request(encode_request(request)) == request
    other = replace(request, args={"drop_rate": 0.1}, compile="default")
    versus = VersusRequest(request, other, seconds=2)
    assert decode_request(encode_request(versus)) == versus


@pytest.mark.parametrize(
    "event",
    [
        Progress("build", "building ‘x’\nnow", None),
        Progress("measure", "measuring", 0.25),
        Log("note"),
        Partial("bench", BenchPartial(3, 0.5, 1.5, 20.0)),
        Result("bench", RESULT),
        Result("bench", WHOLE),
        Partial("versus", VersusPartial(3, 1.25)),
        Result("versus", VersusResult(RESULT, WHOLE, 1.25, 1.2, 1.3, 9)),
    ],
)
def test_an_event_survives_the_pipe(event):
    line = encode_event(event)
    assert line.count(b"\n") == 1
    assert decode_event(line) == event


def test_an_error_keeps_its_kind_message_and_hint():
    event = decode_event(encode_event(Failure(OutOfMemory("too big", "lower --batch-size"))))
    assert isinstance(event, Failure)
    assert isinstance(event.error, OutOfMemory)
    assert (event.error.message, event.error.hint) == ("too big", "lower --batch-size")
    unknown = decode_event(encode_event(Failure(UnknownName.of("model", "x", ["y"]))))
    assert unknown.error.exit_code == 2


@pytest.mark.parametrize("line", [b"", b"hello", b"[]", b"{}", b'{"event":"none"}', b'{"event":"log"}', b"3"])
def test_what_is_no_event_is_refused(line):
    with pytest.raises(ValueError, match="no event"):
        decode_event(line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"hello", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", "no request None"),
        (b'{"request":"fly"}', "no request 'fly'"),
        (b'{"request":["bench"]}', "no request"),
        (b'{"request":"bench"}', "model"),
        (b'{"request":"bench","model":"x","color":"red"}', "color"),
        (b'{"request":"bench","model":"x","batch_size":"2"}', "batch size"),
        (b'{"request":"bench","model":5}', "must be a name"),
        (b'{"request":"versus","a":{"model":"x"}}', "b"),
        (b'{"request":"versus","a":{"model":"x"},"b":"y"}', "a side of a comparison"),
        (b'{"request":"versus","a":{"model":"x"},"b":{"model":"y","color":"red"}}', "color"),
    ],
)
def test_a_malformed_request_says_what_is_wrong(line, said):
    with pytest.raises(RequestError, match=said):
        decode_request(line)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"batch_size": 0}, "batch size"),
        ({"batch_size": -1}, "batch size"),
        ({"batch_size": True}, "batch size"),
        ({"img_size": 0}, "image size"),
        ({"img_size": 1.5}, "image size"),
        ({"device": "gpu"}, "no device 'gpu'.*cuda:N"),
        ({"device": "cuda:-1"}, "no device"),
        ({"device": ""}, "no device"),
        ({"dtype": "float8"}, "no dtype 'float8'.*float32, tf32, bfloat16, float16, amp"),
        ({"memory_format": "NHWC"}, "no memory format 'NHWC'.*channels_last"),
        ({"compile": True}, "no compile mode True.*max-autotune"),
        ({"threads": 0}, "threads"),
        ({"iterations": 0}, "iterations"),
        ({"train": "yes"}, "train must be true or false"),
        ({"cudnn_benchmark": 1}, "cudnn_benchmark must be true or false"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": math.nan}, "seconds"),
        ({"seconds": math.inf}, "seconds"),
    ],
)
def test_a_value_that_makes_no_sense_anywhere_is_refused(values, said):
    with pytest.raises(RequestError, match=said):
        BenchRequest("resnet34", **values)


def test_the_json_form_of_a_result_is_json():
    assert BenchResult.from_json(json.loads(json.dumps(RESULT.to_json()))) == RESULT


def test_lines_are_cut_wherever_the_chunks_end():
    splitter = LineSplitter()
    data = b"one\n" + b"x" * 200_000 + b"\n\nlast"
    lines = [line for i in range(0, len(data), 777) for line in splitter.feed(data[i : i + 777])]
    assert lines == [b"one", b"x" * 200_000, b""]
    assert list(splitter.feed(b"\n")) == [b"last"]


class Wordless:
    def __str__(self):
        raise ZeroDivisionError("no words")


class Scalar:
    def item(self):
        return 7


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Scalar(), 7),
        (print, str(print)),
        (Wordless(), "<Wordless>"),
        ({1: "one"}, {"1": "one"}),
        ({"b"}, ["b"]),
        ("\udcff.py", "\udcff.py"),
        (1 << 80, 1 << 80),
        (math.inf, math.inf),
    ],
)
def test_what_json_has_no_form_for_is_told_as_it_can_be(value, told):
    event = decode_event(encode_event(Result("bench", replace(RESULT, settings={"odd": value}))))
    assert event.value.settings == {"odd": told}


def test_an_answer_that_holds_itself_becomes_a_failure():
    circle = {}
    circle["again"] = circle
    event = decode_event(encode_event(Result("bench", replace(RESULT, settings=circle))))
    assert isinstance(event, Failure)
    assert "the answer cannot be sent: RecursionError" in event.error.message


def test_a_path_of_undecodable_bytes_reaches_the_worker():
    request = BenchRequest("x", extra=(("mine", "/tmp/\udcff.py"),))
    assert decode_request(encode_request(request)) == request


def test_an_answer_of_another_shape_is_no_event():
    line = encode_event(Result("bench", RESULT)).replace(b'"batch_size":', b'"batch":')
    with pytest.raises(ValueError, match="no event"):
        decode_event(line)
