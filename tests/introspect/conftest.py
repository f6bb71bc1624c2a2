from collections.abc import Callable, Mapping

import pytest

from explorer.introspect.reading.parse import Module, parse_module
from explorer.introspect.reading.source import module_name
from explorer.introspect.registry import Registry, read_registry

HEADER = """
import os
import torch
from torch import nn
from ._builder import build_model_with_cfg
from ._registry import generate_default_cfgs, register_model, register_model_deprecations

def _cfg(url='', **kwargs):
    return {'url': url, 'num_classes': 1000, **kwargs}
"""


@pytest.fixture
def parse(fake_timm: Callable[..., dict[str, str]]) -> Callable[..., dict[str, Module]]:
    """A small timm with the given files put in, parsed."""

    def parsed(files: Mapping[str, str | None] | None = None) -> dict[str, Module]:
        sources = fake_timm(files)
        return {module_name(f): parse_module(module_name(f), f, text.encode()) for f, text in sources.items()}

    return parsed


@pytest.fixture
def registry(parse: Callable[..., dict[str, Module]]) -> Callable[..., Registry]:
    """What a small timm registers whose only models are in ``models/toy.py``; timm's usual imports stand above it."""

    def read(toy: str, **others: str) -> Registry:
        files = {f"models/{name}.py": HEADER + text for name, text in others.items()}
        return read_registry(parse({**files, "models/toy.py": HEADER + toy}))[0]

    return read
