"""The worker's answer to a flow request."""

import time
from functools import partial

import torch
from torch import nn

from explorer.protocol import Emit, ModelOptions
from explorer.protocol.flow import FlowRequest, FlowResult
from explorer.worker.building import names_and_inputs
from explorer.worker.building.build import ran
from explorer.worker.building.offline import offline
from explorer.worker.building.user_models import import_extras
from explorer.worker.flow.flow_recorder import Recording, record
from explorer.worker.flow.modules import levels, modules
from explorer.worker.hardware.environment import versions


def run(request: FlowRequest, emit: Emit) -> FlowResult:
    """Build the model with random weights, run it once on one image and tell what flowed where.

    It is built and run on the meta device where it can be, else on the CPU. No weights, no network.

    Raises:
        RequestError: an unknown name, an extra source that cannot be imported, or a wish that the model refuses.
        OutOfMemory: it has to be run on the CPU, which has too little memory for it.
        EngineError: the model cannot be built and run as it is.
    """
    start = time.perf_counter()
    import_extras(request.extra)
    name = names_and_inputs.resolve_name(request.model, emit)
    with offline():
        found = ran(name, request.options, partial(_recorded, request.options), emit)
    recording = found.outcome
    return FlowResult(
        model=name,
        device=found.device.type,
        built_on=found.built_on.type,
        modules=modules(found.model, recording.modules),
        calls=recording.calls,
        operators=recording.operators,
        inputs=recording.inputs,
        outputs=recording.outputs,
        levels=levels(found.model),
        seconds=round(time.perf_counter() - start, 4),
        settings=request.settings,
        environment=versions(),
    )


def _recorded(options: ModelOptions, model: nn.Module, device: torch.device) -> Recording:
    images = torch.randn(1, *names_and_inputs.input_size(model, options), device=device)
    with device, torch.no_grad():
        return record(model, images)
