"""Code objects: which file of which package they are of, and what they are called."""

import sys
from pathlib import Path
from types import CodeType, FrameType

import pytest

from explorer.worker.call_tracing.code_objects import Codes, Root


@pytest.mark.parametrize(
    ("root", "file", "recorded"),
    [
        (Root(Path("/p/timm")), "/p/timm/models/resnet.py", "models/resnet.py"),
        (Root(Path("/p/own"), "own/"), "/p/own/a.py", "own/a.py"),
        (Root(Path("/p/own.py")), "/p/own.py", "own.py"),
        (Root(Path("/p/timm")), "/p/timm_extra/a.py", None),
        (Root(Path("/p/timm")), "/q/timm/a.py", None),
        (Root(Path("/p/own.py")), "/p/own.pyx", None),
    ],
)
def test_a_file_is_recorded_by_its_place_in_the_package(root: Root, file: str, recorded: str | None) -> None:
    assert root.relative(file) == recorded


def own_code() -> tuple[CodeType, FrameType]:
    def inner() -> tuple[CodeType, FrameType]:
        frame = sys._getframe()
        return frame.f_code, frame

    return inner()


def test_a_function_is_known_by_its_module_and_qualified_name() -> None:
    code, frame = own_code()
    codes = Codes([Root(Path(__file__))])
    assert codes.known(code) is None
    function = codes.function(code, frame)
    assert function is not None
    assert function.id == f"{__name__}:own_code.<locals>.inner"
    assert (function.file, function.part, function.is_suspendable) == (Path(__file__).name, "", False)
    assert codes.known(code) is function


def test_foreign_code_belongs_to_nothing() -> None:
    code, frame = own_code()
    codes = Codes([Root(Path("/elsewhere"))])
    assert codes.function(code, frame) is None


def test_a_lambda_is_part_of_the_function_around_it() -> None:
    frame = sys._getframe()
    code = (lambda: 0).__code__
    function = Codes([Root(Path(__file__))]).function(code, frame)
    assert function is not None
    assert function.part == "<lambda>"
    assert function.id.endswith(":test_a_lambda_is_part_of_the_function_around_it")
