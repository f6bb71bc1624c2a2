"""The JSON that commands write, documented field by field as JSON Schema (draft 2020-12).

The schemas are made of the types themselves whenever somebody asks, ``explorer bench --schema`` for one, so that there
is no copy of them to keep up to date: names, types, bounds and descriptions are those that the protocol's structs have.
"""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from explorer.protocol import BenchRequest, BenchResult, InspectRequest, InspectResult, TuneSummary, VersusResult
from explorer.protocol.bench import RunSettings
from explorer.protocol.inspect import InspectSettings
from explorer.protocol.request import Environment, ErrorFacts, Message, doc

Schema = dict[str, Any]

_PARTS = {
    "BenchResult": "result",
    "CompileTimes": "compile",
    "ErrorFacts": "error",
    "FailedModel": "failed",
    "FailedRun": "failed",
    "FeatureLevel": "level",
    "GpuReadings": "gpu",
    "InspectResult": "result",
    "OutputDifference": "difference",
    "TrainTimes": "train",
    "TuneStep": "step",
    "TuneSummary": "tune",
    "BenchRequest": "request",
}
"""What a type is called in the schemas, where that is not its own name in small letters."""

_SIDE = {"type": "integer", "minimum": 1}
_IMG_SIZE = {
    "description": "Image size in pixels: one number when it is square, else [height, width].",
    "oneOf": [_SIDE, {"type": "array", "items": _SIDE, "minItems": 2, "maxItems": 2}],
}
_SHAPE = {
    "description": "A tensor's dimensions, batch first, or an array of these, nested or not, for several tensors.",
    "type": "array",
    "items": {"anyOf": [{"type": "integer", "minimum": 0}, {"$ref": "#/$defs/shape"}]},
}


class FailedRun(Message, frozen=True):
    """A run that failed."""

    model: Annotated[str, doc("The name asked for.")]
    error: Annotated[ErrorFacts, doc("Why.")]
    request: Annotated[BenchRequest, doc("What was asked for.")]


class FailedModel(Message, frozen=True):
    """A model that failed; of several models only."""

    model: Annotated[str, doc("The name asked for.")]
    error: Annotated[ErrorFacts, doc("Why.")]


def load(name: str) -> Schema:
    """One of the schemas in :data:`NAMES`, whole in itself."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_SCHEMAS[name]()}


def _bench() -> Schema:
    parts = _parts(BenchResult, FailedRun, TuneSummary)
    parts["result"]["properties"]["tune"] = {
        "$ref": "#/$defs/tune",
        "description": "What --tune found; there with --tune only.",
    }
    parts["settings"] = _settings(RunSettings, BenchRequest, {"model"})
    return {
        "title": "explorer bench --json",
        "description": "Measurements: an array, one object a run.",
        "type": "array",
        "items": {"anyOf": [{"$ref": "#/$defs/result"}, {"$ref": "#/$defs/failed"}]},
        "$defs": parts,
    }


def _versus() -> Schema:
    whole = _parts(VersusResult)["versusresult"]
    return {"title": "explorer bench --vs --json", **whole, "$defs": _bench()["$defs"]}


def _inspect() -> Schema:
    parts = _parts(InspectResult, FailedModel)
    parts["settings"] = _settings(InspectSettings, InspectRequest, {"model", "extra"})
    result = {"$ref": "#/$defs/result"}
    several = {"type": "array", "items": {"anyOf": [result, {"$ref": "#/$defs/failed"}]}}
    return {
        "title": "explorer inspect --json",
        "description": "What a model is made of: an object. Of several models an array of them, totals alone, with an "
        "error for each that failed.",
        "anyOf": [result, several],
        "$defs": {**parts, "shape": _SHAPE},
    }


_SCHEMAS: dict[str, Callable[[], Schema]] = {"bench": _bench, "inspect": _inspect, "versus": _versus}

NAMES = tuple(_SCHEMAS)
"""``bench`` is the JSON of ``explorer bench``, ``versus`` that of ``explorer bench --vs``."""


def _parts(*types: type) -> dict[str, Schema]:
    """The schemas of types, of all that they hold, and of the environment, by what they are called."""
    _, components = msgspec.json.schema_components((*types, Environment), ref_template="#/$defs/{name}")
    parts = {_called(name): _renamed(schema) for name, schema in components.items()}
    parts["environment"]["properties"] = _in_order(Environment, parts["environment"]["properties"])
    for name, part in parts.items():
        part.pop("title", None)
        part["description"] = part["description"].partition("\n\n")[0]
        # A request's name on the wire is not in the JSON that users get.
        if name == "request":
            part["properties"].pop("request")
        # All fields are always there, those with defaults too; only of an environment they may be missing.
        part["required"] = [] if name == "environment" else list(part["properties"])
        part["additionalProperties"] = False
        for field in part["properties"].values():
            field.pop("default", None)
    parts["img_size"] = _IMG_SIZE
    return parts


def _settings(extras: Any, request: type[msgspec.Struct], left_out: set[str]) -> Schema:
    """The schema of the settings that a result tells: those of its request, and those that only the worker knows."""
    asked = _parts(request)[_called(request.__name__)]["properties"]
    more = _parts(extras)[_called(extras.__name__)]
    fields = {name: field for name, field in asked.items() if name not in {*left_out, "request"}}
    return {**more, "properties": {**fields, **_in_order(extras, more["properties"])}, "required": []}


def _in_order(kind: Any, properties: Schema) -> Schema:
    """The fields as they are written; msgspec sorts those of a dict by name."""
    return {name: properties[name] for name in kind.__annotations__}


def _called(name: str) -> str:
    return _PARTS.get(name, name.lower())


def _renamed(schema: Any) -> Any:
    """A schema whose references have the names of the parts."""
    if isinstance(schema, dict):
        renamed = {key: _renamed(value) for key, value in schema.items()}
        if "$ref" in renamed:
            folder, _, name = renamed["$ref"].rpartition("/")
            renamed["$ref"] = f"{folder}/{_called(name)}"
        return renamed
    return [_renamed(item) for item in schema] if isinstance(schema, list | tuple) else schema
