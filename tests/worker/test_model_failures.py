"""What a model's failure is told as: the user's wish, the machine's memory, or the model itself."""

import pytest
import torch

from explorer.errors import EngineError, ExplorerError, OutOfMemory, RequestError
from explorer.protocol.request import ModelOptions
from explorer.worker.model_failures import Attempt, explained, is_memory, reason

pytestmark = pytest.mark.xdist_group("torch")
CPU = torch.device("cpu")


def told(error: Exception, attempt: Attempt) -> ExplorerError:
    with pytest.raises(ExplorerError) as caught, explained(attempt):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "attempt", "kind", "said"),
    [
        (MemoryError(), Attempt("m", CPU, 4), OutOfMemory, "m at batch size 4 runs out of memory on cpu"),
        (RuntimeError("CUDA error: illegal access"), Attempt("m", CPU), EngineError, "m failed on cpu: CUDA error"),
        (
            RuntimeError("no Half kernel"),
            Attempt("m", CPU, 1, "float16"),
            RequestError,
            "m cannot run in float16 on cpu",
        ),
        (
            ValueError("Expected more than 1 value per channel when training"),
            Attempt("m", CPU),
            RequestError,
            "m cannot be trained with 1 image a batch",
        ),
        (
            TypeError("f() got an unexpected keyword argument 'depth'"),
            Attempt("m", CPU, options=ModelOptions(args={"depth": 3})),
            RequestError,
            "m takes no argument 'depth'",
        ),
        (
            ValueError("bad"),
            Attempt("m", CPU, options=ModelOptions(in_chans=7)),
            RequestError,
            "m cannot be built and run with in_chans=7: bad",
        ),
        (
            ValueError("bad"),
            Attempt("m", CPU, options=ModelOptions(img_size=100)),
            RequestError,
            "m does not take image size 100: bad",
        ),
        (ValueError("bad"), Attempt("m", CPU), EngineError, "m cannot be built and run: bad"),
    ],
    ids=["memory", "cuda", "dtype", "one image", "keyword", "channels", "size", "model"],
)
def test_a_failure_is_put_down_to_what_caused_it(
    error: Exception, attempt: Attempt, kind: type[ExplorerError], said: str
) -> None:
    found = told(error, attempt)
    assert type(found) is kind
    assert said in found.message


def test_what_is_explained_already_stays_as_it_is() -> None:
    error = RequestError("no such thing", "do this")
    assert told(error, Attempt("m", CPU)) is error


@pytest.mark.parametrize(
    ("words", "is_it"),
    [
        ("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory", True),
        ("Storage size calculation overflowed with sizes=[1]", True),
        ("Invalid buffer size: 9 GB", True),
        ("size mismatch", False),
        ("could not create a primitive", False),
    ],
)
def test_memory_is_known_by_its_words(words: str, is_it: bool) -> None:
    assert is_memory(RuntimeError(words)) is is_it


def test_a_reason_is_one_line_and_a_nameless_error_is_told_by_its_place() -> None:
    assert reason(ValueError("\n  first\nsecond")) == "first"
    assert reason(ValueError("x" * 300)) == "x" * 199 + "…"
    try:
        assert 1 == 2
    except AssertionError as error:
        error.args = ()
        assert reason(error).startswith("AssertionError in test_a_reason_is_one_line")
