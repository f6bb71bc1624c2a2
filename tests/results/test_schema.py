"""The documented JSON: valid schemas, every field in them, and samples that fit."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from explorer.errors import OutOfMemory
from explorer.protocol.bench import (
    BenchRequest,
    BenchResult,
    CompileTimes,
    GpuReadings,
    Latency,
    Roofline,
    TrainTimes,
    VersusResult,
)
from explorer.protocol.inspect import FeatureLevel, InspectResult, Layer, Totals
from explorer.protocol.tune import OutputDifference, TuneStep
from explorer.results.schema import NAMES, load
from tests.measurements import RESULT, WHOLE
from tests.report.layer_samples import inspected

SHAPES: list[tuple[str, type[Any]]] = [
    ("inspect", InspectResult),
    ("inspect", Totals),
    ("inspect", Layer),
    ("inspect", FeatureLevel),
    ("bench", BenchResult),
    ("bench", Latency),
    ("bench", TrainTimes),
    ("bench", CompileTimes),
    ("bench", Roofline),
    ("bench", GpuReadings),
    ("bench", BenchRequest),
    ("bench", TuneStep),
    ("bench", OutputDifference),
]
_ONLY_IN_JSON = {BenchResult: {"tune"}}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(load(name))


@pytest.mark.parametrize(("name", "kind"), SHAPES, ids=[kind.__name__ for _, kind in SHAPES])
def test_every_field_is_documented_and_nothing_else(name: str, kind: type[Any]) -> None:
    documented = load(name)["$defs"][kind.__name__]["properties"].keys()
    assert documented - _ONLY_IN_JSON.get(kind, set()) == set(kind.__struct_encode_fields__)


def test_a_comparison_is_documented_too() -> None:
    assert load("versus")["properties"].keys() == set(VersusResult.__struct_fields__)


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from [schema["$ref"]] if "$ref" in schema else []
        schema = list(schema.values())
    for value in schema if isinstance(schema, list) else []:
        yield from references(value)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_whole_in_itself(name: str) -> None:
    schema = json.loads(json.dumps(load(name)))
    assert {reference.removeprefix("#/$defs/") for reference in references(schema)} <= schema["$defs"].keys()


def test_types_bounds_and_words_are_those_of_the_structs() -> None:
    schema = load("bench")["$defs"]
    assert schema["Latency"]["properties"]["p50"] == {
        "type": "number",
        "minimum": 0,
        "description": "Median, in milliseconds.",
    }
    threads = schema["BenchRequest"]["properties"]["threads"]
    assert threads["anyOf"] == [{"type": "integer", "minimum": 1, "maximum": 2**31 - 1}, {"type": "null"}]
    assert schema["BenchResult"]["properties"]["memory_kind"]["enum"][0] == "cuda_max_allocated"
    assert list(schema["BenchRequest"]["properties"]) == list(BenchRequest.__struct_fields__)
    assert schema["Settings"]["properties"]["threads"] == threads


def objects(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


@pytest.mark.parametrize("name", NAMES)
def test_every_property_says_what_it_is(name: str) -> None:
    schema = load(name)
    for described in objects(schema):
        assert described["additionalProperties"] is False
        for field, value in described["properties"].items():
            target = schema["$defs"][value["$ref"].rpartition("/")[2]] if "$ref" in value else {}
            assert "description" in value or "description" in target, field


@pytest.mark.parametrize("unit", ["ms", "seconds", "bytes", "mhz", "watts", "celsius"])
def test_a_unit_in_a_name_is_in_words_in_the_description(unit: str) -> None:
    words = {"ms": "millisecond", "seconds": "second", "bytes": "byte", "mhz": "MHz", "watts": "watt", "celsius": "Cel"}
    named = [
        (field, value)
        for name in NAMES
        for described in objects(load(name))
        for field, value in described["properties"].items()
        if unit in field.split("_")
    ]
    assert [field for field, value in named if words[unit] not in value["description"]] == []
    assert named


def problems(name: str, value: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(load(name)).iter_errors(value)]


def test_an_inspected_model_fits() -> None:
    whole = inspected().to_json()
    assert problems("inspect", as_sent(whole)) == []
    failed = {"model": "x", "error": OutOfMemory("x runs out", "less").to_dict()}
    assert problems("inspect", as_sent([whole, failed])) == []


def test_what_is_not_documented_does_not_fit() -> None:
    assert problems("inspect", as_sent({**inspected().to_json(), "more": 1}))
    assert problems("inspect", as_sent({**inspected().to_json(), "seconds": "long"}))
    assert problems("bench", [{"model": "x"}])


def as_sent(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_a_measurement_fits_at_its_least_and_at_its_most() -> None:
    failed = {"model": "x", "error": OutOfMemory("x", "y").to_dict(), "request": BenchRequest("x").to_json()}
    assert problems("bench", as_sent([RESULT.to_json(), WHOLE.to_json(), failed])) == []
    compared = VersusResult(RESULT, WHOLE, 1.0, 0.9, 1.1, 12)
    assert problems("versus", as_sent(compared.to_json())) == []
