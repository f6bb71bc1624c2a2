"""The JSON that commands write, documented field by field as JSON Schema (draft 2020-12).

The schemas are made of the types themselves whenever somebody asks, with ``explorer bench --schema`` for one, so that
there is no copy of them to keep up to date: names, types and bounds are those of the protocol's structs, descriptions
the strings that stand under their fields.
"""

import ast
import inspect
from collections.abc import Callable
from itertools import pairwise
from textwrap import dedent
from typing import Any

import msgspec

from explorer.protocol import bench, request, tune
from explorer.protocol import inspect as inspected
from explorer.protocol.bench import BenchRequest, BenchResult, RunSettings, VersusResult
from explorer.protocol.inspect import InspectRequest, InspectResult, InspectSettings
from explorer.protocol.request import ErrorFacts, MachineFacts, Message
from explorer.protocol.tune import TuneSummary

Schema = dict[str, Any]


class FailedRun(Message, frozen=True):
    """A run that failed."""

    model: str
    """The name asked for."""
    error: ErrorFacts
    """Why."""
    request: BenchRequest
    """What was asked for."""


class FailedModel(Message, frozen=True):
    """A model that failed; of several models only."""

    model: str
    """The name asked for."""
    error: ErrorFacts
    """Why."""


_SIDE = {"type": "integer", "minimum": 1}
_IMG_SIZE = {
    "description": "Image size in pixels: one number when it is square, else [height, width].",
    "oneOf": [_SIDE, {"type": "array", "items": _SIDE, "minItems": 2, "maxItems": 2}],
}
_SHAPE = {
    "description": "A tensor's dimensions, batch first, or an array of these, nested or not, for several tensors.",
    "type": "array",
    "items": {"anyOf": [{"type": "integer", "minimum": 0}, {"$ref": "#/$defs/Shape"}]},
}


def load(name: str) -> Schema:
    """One of the schemas in :data:`NAMES`, whole in itself."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_SCHEMAS[name]()}


def _bench() -> Schema:
    parts = _parts(BenchResult, FailedRun, TuneSummary, MachineFacts)
    parts["BenchResult"]["properties"]["tune"] = {
        "$ref": "#/$defs/TuneSummary",
        "description": "What --tune found; there with --tune only.",
    }
    asked = parts["BenchRequest"]["properties"]
    return {
        "title": "explorer bench --json",
        "description": "Measurements: an array, one object a run.",
        "type": "array",
        "items": {"anyOf": [{"$ref": "#/$defs/BenchResult"}, {"$ref": "#/$defs/FailedRun"}]},
        "$defs": {**parts, "Settings": _settings(RunSettings, asked, {"model"}), "ImgSize": _IMG_SIZE},
    }


def _versus() -> Schema:
    whole = _parts(VersusResult)["VersusResult"]
    return {"title": "explorer bench --vs --json", **whole, "$defs": _bench()["$defs"]}


def _inspect() -> Schema:
    parts = _parts(InspectResult, FailedModel, MachineFacts)
    asked = _parts(InspectRequest)["InspectRequest"]["properties"]
    settings = _settings(InspectSettings, asked, {"model", "extra"})
    result = {"$ref": "#/$defs/InspectResult"}
    several = {"type": "array", "items": {"anyOf": [result, {"$ref": "#/$defs/FailedModel"}]}}
    return {
        "title": "explorer inspect --json",
        "description": "What a model is made of: an object. Of several models an array of them, totals alone, with an "
        "error for each that failed.",
        "anyOf": [result, several],
        "$defs": {**parts, "Settings": settings, "ImgSize": _IMG_SIZE, "Shape": _SHAPE},
    }


_SCHEMAS: dict[str, Callable[[], Schema]] = {"bench": _bench, "inspect": _inspect, "versus": _versus}

NAMES = tuple(_SCHEMAS)
"""``bench`` is the JSON of ``explorer bench``, ``versus`` that of ``explorer bench --vs``."""


def _settings(extras: type, asked: Schema, left_out: set[str]) -> Schema:
    """The schema of the settings that a result tells: those of its request, and those that only the worker knows."""
    more = _parts(extras)[extras.__name__]
    shared = {name: field for name, field in asked.items() if name not in left_out}
    return {**more, "properties": {**shared, **more["properties"]}}


def _parts(*types: type) -> dict[str, Schema]:
    """The schemas of types and of all that they hold, by the types' names."""
    _, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    modules = (bench, inspected, request, tune)
    known = {name: kind for module in modules for name, kind in vars(module).items()} | globals()
    return {name: _part(known[name], schema) for name, schema in components.items()}


def _part(kind: type, schema: Schema) -> Schema:
    """The schema of one type, as all that reads the JSON may rely on it."""
    docs = _field_docs(kind)
    properties = {}
    # In the order in which they are written: msgspec sorts those of a dict by name. A request's name on the wire is
    # not in the JSON that users get, and so is no field.
    for name in getattr(kind, "__struct_encode_fields__", None) or kind.__annotations__:
        field = schema["properties"][name]
        field.pop("default", None)
        properties[name] = {**field, "description": docs[name]} if name in docs else field
    return {
        "type": "object",
        "description": schema["description"].partition("\n\n")[0],
        "properties": properties,
        # Those with defaults are always there too; settings and facts about the machine are where they are known.
        "required": list(properties) if issubclass(kind, Message) else [],
        "additionalProperties": False,
    }


def _field_docs(kind: type) -> dict[str, str]:
    """The strings that stand under the fields of a class, by the fields' names in JSON."""
    (definition,) = ast.parse(dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    in_json = dict(
        zip(getattr(kind, "__struct_fields__", ()), getattr(kind, "__struct_encode_fields__", ()), strict=True)
    )
    docs: dict[str, str] = {}
    for field, below in pairwise(definition.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                docs[in_json.get(name, name)] = " ".join(text.split())
    return docs
