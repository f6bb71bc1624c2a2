"""What crosses the pipe between explorer and its worker.

Requests go one way, events come back, one JSON object a line. A request is answered by any number of
:class:`Progress`, :class:`Partial` and :class:`Log` events and then exactly one :class:`Result` or
:class:`Failure`. Units stand in the field names; nothing here imports torch or timm.
"""

from explorer.protocol.bench import (
    BenchPartial,
    BenchRequest,
    BenchResult,
    CompileTimes,
    GpuReadings,
    Latency,
    Roofline,
    TrainTimes,
    VersusPartial,
    VersusRequest,
    VersusResult,
)
from explorer.protocol.events import (
    REQUESTS,
    Emit,
    Event,
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
from explorer.protocol.flow import FlowRequest, FlowResult
from explorer.protocol.inspect import FeatureLevel, InspectRequest, InspectResult, Layer, Totals
from explorer.protocol.request import JSON, ModelOptions, Request
from explorer.protocol.trace import TraceRequest, TraceResult
from explorer.protocol.tune import TUNED, OutputDifference, TuneRequest, TuneResult, TuneStep, TuneSummary

__all__ = [
    "JSON",
    "REQUESTS",
    "TUNED",
    "BenchPartial",
    "BenchRequest",
    "BenchResult",
    "CompileTimes",
    "Emit",
    "Event",
    "Failure",
    "FeatureLevel",
    "FlowRequest",
    "FlowResult",
    "GpuReadings",
    "InspectRequest",
    "InspectResult",
    "Latency",
    "Layer",
    "LineSplitter",
    "Log",
    "ModelOptions",
    "OutputDifference",
    "Partial",
    "Progress",
    "Request",
    "Result",
    "Roofline",
    "Totals",
    "TraceRequest",
    "TraceResult",
    "TrainTimes",
    "TuneRequest",
    "TuneResult",
    "TuneStep",
    "TuneSummary",
    "VersusPartial",
    "VersusRequest",
    "VersusResult",
    "decode_event",
    "decode_request",
    "encode_event",
    "encode_request",
]
