"""A worker without torch that pretends to trace; what it does depends on the model. The tests run it as a program."""

import os
import sys
import time
from pathlib import Path

from explorer.introspect import digest_with, find_timm
from explorer.protocol.events import Emit, Log, Progress
from explorer.protocol.trace import TraceRequest, TraceResult
from explorer.worker import serve
from tests.usecases.fates import meet


def step(callee: str, at: str, **more: object) -> dict[str, object]:
    return {"callee": f"timm.models.{callee}", "at": f"models/{at}", **more}


def trace(request: TraceRequest, emit: Emit) -> TraceResult:
    """Do what the model's name says, then answer with a short story. ``FATE`` says it for all models."""
    emit(Progress("create-meta", f"creating {request.model} on the meta device"))
    match meet(request.model):
        case "sleeps":
            Path(os.environ["STARTED"]).touch()
            time.sleep(60)
        case "test_vit2":
            emit(Log("test_vit2 cannot be created on the meta device, so it is on the CPU: no reason"))
    with Path(os.environ.get("TRACED", os.devnull)).open("a") as log:
        log.write(f"{request.model}\n")
    source = find_timm()
    return TraceResult(
        model=request.model,
        timm_version=source.version,
        digest=digest_with(source.digest, [(name, Path(path)) for name, path in request.extra]),
        python=".".join(map(str, sys.version_info[:3])),
        device="meta",
        seconds=0.5,
        pairs=[
            ["timm.models._factory:create_model", f"timm.models.toy:{request.model}", {"models/_factory.py:230": 1}],
            [f"timm.models.toy:{request.model}", "timm.models.toy:Block.__init__", {"models/toy.py:9": 4}],
        ],
        story={
            "steps": [
                step("toy:Block.__init__", "toy.py:9", arguments={"self": "a Block", "chs": "8"}, defaults={"s": "1"}),
                step("toy:Block.__init__", "toy.py:9", arguments={"self": "a Block", "chs": "16"}),
                step("toy:hook", "toy.py:9", through=True, raised="ValueError('no')"),
                step(f"toy:{request.model}", "_factory.py:230", result="a ToyNet", steps=[[0, 3], [1, 1], [2, 1]]),
                step(
                    "_factory:create_model", "_factory.py:162",
                    arguments={"model_name": f"'{request.model}'", "cls": "class ToyNet", "none": "None"},
                    result="a ToyNet", steps=[[3, 1]],
                ),
            ],
            "roots": [[4, 1]],
        },
        forward_device="cpu" if request.forward else None,
        forward_pairs=[] if request.forward else None,
        forward_story={"steps": [step("toy:ToyNet.forward", "toy.py:20")], "roots": [[0, 1]]}
        if request.forward
        else None,
    )  # fmt: skip


if __name__ == "__main__":
    serve.main({"trace": trace})
