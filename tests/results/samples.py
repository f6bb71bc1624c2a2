"""Runs made by hand."""

from typing import Any

from explorer.errors import from_dict
from tests.measurements import measured

FAILURE = {"kind": "OutOfMemory", "message": "resnet50 runs out of memory", "hint": "lower --batch-size"}
"""What is kept of :data:`OUT_OF_MEMORY`."""

OUT_OF_MEMORY = from_dict(FAILURE)


def result(**values: Any) -> dict[str, Any]:
    """A finished run as JSON, with some of its values replaced."""
    return measured(**values).to_json()
