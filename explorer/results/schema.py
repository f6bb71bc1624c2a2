"""The JSON that commands write, documented field by field as JSON Schema (draft 2020-12)."""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("schemas")
_SHARES = {"versus": "bench"}
"""Schemas that are made of another's parts."""

NAMES = ("bench", "inspect", "versus")
"""``bench`` is the JSON of ``explorer bench``, ``versus`` that of ``explorer bench --vs``."""


def load(name: str) -> dict[str, Any]:
    """One of the schemas in :data:`NAMES`, whole in itself."""
    schema: dict[str, Any] = json.loads((_FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    if name in _SHARES:
        schema["$defs"] = load(_SHARES[name])["$defs"]
    return schema
