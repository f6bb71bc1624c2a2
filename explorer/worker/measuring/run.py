"""The worker's answer to a request for a measurement."""

from dataclasses import replace

from explorer.errors import OutOfMemory
from explorer.protocol import BenchRequest, BenchResult, Emit, Log
from explorer.worker.measuring.prepared import prepared


def run(request: BenchRequest, emit: Emit) -> BenchResult:
    """Build the model, warm it up, measure it; with half the batch where memory runs out only then.

    Raises what :func:`prepared` raises.
    """
    requested: int | None = None
    while True:
        with prepared(request, emit) as one:
            requested = requested or one.batch_size_requested
            try:
                return replace(one.measure(emit), batch_size_requested=requested)
            except OutOfMemory:
                if not request.backoff or one.batch_size == 1:
                    raise
            request = replace(request, batch_size=one.batch_size // 2)
            emit(Log(f"{one.model_name} runs out of memory while measured, trying batch size {request.batch_size}"))
