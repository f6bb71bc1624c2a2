"""A worker without torch that pretends to inspect; what it does depends on the model. The tests run it as a program."""

import os
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from explorer.protocol.events import Emit, Progress
from explorer.protocol.inspect import InspectRequest, InspectResult, Totals
from explorer.worker import serve
from tests.report.layer_samples import inspected
from tests.usecases.fates import meet


def inspect(request: InspectRequest, emit: Emit) -> InspectResult:
    """Do what the model's name says, then answer. ``FATE`` says it for all models."""
    emit(Progress("build", f"building {request.model} on the meta device"))
    match meet(request.model):
        case "test_vit3" if "STARTED" in os.environ:
            Path(os.environ["STARTED"]).touch()
            time.sleep(60)
    with Path(os.environ.get("INSPECTED", os.devnull)).open("a") as log:
        log.write(f"{request.model}\n")
    wishes = {"img_size": request.img_size, "args": dict(request.args), "features_only": request.features_only}
    more = {"layers": [], "feature_info": [], "feature_info_note": None} if request.totals_only else {}
    totals = Totals(params=len(request.model), buffers=0, macs=10**9, macs_fvcore=2 * 10**9, activations=3)
    return replace(inspected(**more), model=request.model, totals=totals, settings=wishes)


if __name__ == "__main__":
    serve.main({"inspect": inspect})
    sys.exit()
