"""How a fake worker fares with a model, by the model's name."""

import os
import signal

from explorer.errors import EngineError, OutOfMemory, TimmNotFound


def meet(model: str) -> str:
    """Fail as the model's name says, or as ``FATE`` says for all models; the fate of one that does not."""
    fate = os.environ.get("FATE") or model
    match fate:
        case "test_resnet":
            os.kill(os.getpid(), signal.SIGKILL)
        case "test_efficientnet":
            raise EngineError(f"{model} cannot be built and run: no such width")
        case "test_mambaout":
            raise OutOfMemory(f"{model} runs out of memory on cpu")
        case "no timm":
            raise TimmNotFound("timm is not installed here", "pip install timm")
        case "all alike":
            raise EngineError("torch and timm cannot be imported: no libcudart")
    return fate
