import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

import explorer
from explorer.graph import Graph
from explorer.introspect import load_graph

FAKE_TIMM = {
    "__init__.py": """
        from .version import __version__ as __version__
        from .models import create_model as create_model, list_models as list_models
        """,
    "version.py": "__version__ = '1.0.9'\n",
    "layers/__init__.py": "from .conv import ConvAct as ConvAct\n",
    "layers/conv.py": """
        from torch import nn

        class ConvAct(nn.Module):
            def __init__(self, chs, act_layer=nn.ReLU):
                super().__init__()
                self.conv = nn.Conv2d(chs, chs, 3)
                self.act = act_layer()

            def forward(self, x):
                return self.act(self.conv(x))
        """,
    "models/__init__.py": """
        from .toy import *
        from ._factory import create_model as create_model
        from ._registry import list_models as list_models, register_model as register_model
        """,
    "models/_pretrained.py": """
        from dataclasses import dataclass
        from typing import Optional, Tuple, Union

        @dataclass
        class PretrainedCfg:
            url: Optional[Union[str, Tuple[str, str]]] = None
            file: Optional[str] = None
            hf_hub_id: Optional[str] = None
            architecture: Optional[str] = None
            tag: Optional[str] = None
            custom_load: bool = False
            input_size: Tuple[int, int, int] = (3, 224, 224)
            interpolation: str = 'bicubic'
            crop_pct: float = 0.875
            num_classes: int = 1000
            first_conv: Optional[str] = None
            classifier: Optional[str] = None
            license: Optional[str] = None

            @property
            def has_weights(self):
                return self.url or self.file or self.hf_hub_id
        """,
    "models/_registry.py": """
        _model_entrypoints = {}

        def generate_default_cfgs(cfgs):
            return cfgs

        def register_model(fn):
            _model_entrypoints[fn.__name__] = fn
            return fn

        def register_model_deprecations(module_name, deprecation_map):
            pass

        def list_models(filter=''):
            return sorted(_model_entrypoints)

        def model_entrypoint(model_name):
            return _model_entrypoints[model_name]
        """,
    "models/_factory.py": """
        from ._registry import model_entrypoint

        def create_model(model_name, pretrained=False, **kwargs):
            create_fn = model_entrypoint(model_name)
            model = create_fn(pretrained=pretrained, **kwargs)
            return model
        """,
    "models/_builder.py": """
        def load_pretrained(model, cfg):
            pass

        def build_model_with_cfg(model_cls, variant, pretrained, pretrained_filter_fn=None, **kwargs):
            model = model_cls(**kwargs)
            if pretrained:
                load_pretrained(model, variant)
            return model
        """,
    "models/toy.py": """
        from torch import nn
        from timm.layers import ConvAct
        from ._builder import build_model_with_cfg
        from ._registry import generate_default_cfgs, register_model, register_model_deprecations

        __all__ = ['ToyNet']

        class ToyNet(nn.Module):
            '''A toy.'''

            def __init__(self, depth=1):
                super().__init__()
                self.stem = ConvAct(8)

            def forward(self, x):
                return self.stem(x)

        def _create_toy(variant, pretrained=False, **kwargs):
            return build_model_with_cfg(ToyNet, variant, pretrained, **kwargs)

        def _cfg(url='', **kwargs):
            return {'url': url, 'num_classes': 1000, 'classifier': 'fc', **kwargs}

        default_cfgs = generate_default_cfgs({
            'toy_small.a_in1k': _cfg(hf_hub_id='timm/'),
            'toy_small.b_in1k': _cfg(url='https://example.com/b.pth', num_classes=10),
            'toy_large.untrained': _cfg(),
        })

        @register_model
        def toy_small(pretrained=False, **kwargs) -> ToyNet:
            '''The small one.'''
            return _create_toy('toy_small', pretrained, depth=1, **kwargs)

        @register_model
        def toy_large(pretrained=False, **kwargs) -> ToyNet:
            return _create_toy('toy_large', pretrained, depth=9, **kwargs)

        register_model_deprecations(__name__, {
            'old_toy': 'toy_small',
            'old_toy_b': 'toy_small.b_in1k',
            'gone_toy': None,
        })
        """,
}
"""A small but complete timm, by file: the public names and the shape of the real one."""


@pytest.fixture
def fake_timm() -> Callable[..., dict[str, str]]:
    """The sources of a small timm, with the given files put in or replaced (``None`` takes one out)."""

    def sources(files: Mapping[str, str | None] | None = None) -> dict[str, str]:
        merged: dict[str, str | None] = {**FAKE_TIMM, **(files or {})}
        return {name: dedent(text).lstrip("\n") for name, text in merged.items() if text is not None}

    return sources


@pytest.fixture
def make_timm(tmp_path: Path, fake_timm: Callable[..., dict[str, str]]) -> Callable[..., Path]:
    """Write a small timm below ``tmp_path`` and return the package's folder."""

    def make(files: Mapping[str, str | None] | None = None, name: str = "checkout") -> Path:
        package = tmp_path / name / "timm"
        for file, text in fake_timm(files).items():
            path = package / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return package

    return make


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the user's cache and data, and processes that a test starts find this explorer.

    Returns the cache folder.
    """
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("PYTHONPATH", str(Path(explorer.__file__).parents[1]))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.delenv("EXPLORER_RESULTS", raising=False)
    return home / "cache"


@pytest.fixture(scope="session")
def warm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder for the installed timm's graph, one for all tests and all of xdist's processes."""
    return tmp_path_factory.getbasetemp().parent / "warm-cache"


@pytest.fixture(scope="session")
def timm_graph(warm_folder: Path) -> Graph:
    """The installed timm's graph, whole; for reading only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(warm_folder))
        graph = load_graph()
        for _ in graph.sections():
            pass
    return graph


@pytest.fixture
def warm_cache(own_folders: Path, warm_folder: Path, timm_graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed timm's graph comes from a warm cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(warm_folder))


@pytest.fixture
def no_imports() -> Iterator[None]:
    """timm and torch are not imported by what runs meanwhile."""
    before = {"timm", "torch", "torchvision"} & sys.modules.keys()
    yield
    assert {"timm", "torch", "torchvision"} & sys.modules.keys() == before
