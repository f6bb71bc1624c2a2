"""Passes recorded as a CUDA graph."""

from collections.abc import Callable
from typing import Any

import torch

from explorer.errors import EngineError
from explorer.worker.building.failures import is_memory, reason

_WARM_PASSES = 3


def recorded(run: Callable[[], Any], device: torch.device, name: str) -> Callable[[], Any]:
    """Record one pass and give a function that replays it; its output is overwritten by the next.

    Passes before it run on a side stream, as CUDA wants it: libraries set themselves up in them.

    Raises:
        EngineError: the pass does something that cannot be recorded, such as waiting for the device.
    """
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(_WARM_PASSES):
            run()
    torch.cuda.current_stream(device).wait_stream(side)
    torch.cuda.synchronize(device)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            output = run()
    except Exception as error:
        # Ending a recording that went wrong fails too, and hides why it did.
        first = error.__context__ or error
        if is_memory(first):
            raise MemoryError(reason(first)) from first
        hint = "leave --cuda-graphs out"
        raise EngineError(f"{name} cannot be recorded as a CUDA graph: {reason(first)}", hint) from first

    def replay() -> Any:
        graph.replay()
        return output

    return replay
