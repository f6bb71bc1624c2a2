"""Names to models, as timm of this environment takes them."""

import sys
from pathlib import Path

import pytest
import torch

from explorer.errors import RequestError, UnknownName
from explorer.protocol.events import Event, Log
from explorer.protocol.request import ModelOptions
from explorer.worker import model_factory
from explorer.worker.model_factory import build_and_run, create, create_args, import_extra, input_size, resolve_name

pytestmark = pytest.mark.xdist_group("torch")


def unheard(_: Event) -> None:
    """What is told meanwhile is not looked at."""


def test_a_deprecated_name_is_replaced_with_a_notice() -> None:
    told: list[Event] = []
    assert resolve_name("tv_resnet34", told.append) == "resnet34.tv_in1k"
    assert told == [Log("timm calls tv_resnet34 resnet34.tv_in1k now")]


@pytest.mark.parametrize("name", ["resnet34", "resnet34.a1_in1k", "hf-hub:timm/resnet34.a1_in1k"])
def test_a_name_that_timm_takes_stays_as_it_is(name: str) -> None:
    assert resolve_name(name, unheard) == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("resnet43", UnknownName),
        ("resnet34.nonsense", UnknownName),
        ("ftp:resnet34", RequestError),
        ("local-dir:/nowhere", RequestError),
    ],
)
def test_a_name_that_means_nothing_is_refused(name: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        resolve_name(name, unheard)


def test_the_image_size_is_handed_to_models_of_a_fixed_size_alone() -> None:
    wishes = ModelOptions(img_size=160, in_chans=1, args={"drop_rate": 0.1})
    assert create_args("test_vit", wishes) == {"drop_rate": 0.1, "in_chans": 1, "img_size": 160}
    assert create_args("test_resnet", wishes) == {"drop_rate": 0.1, "in_chans": 1}
    assert create_args("test_resnet", ModelOptions(num_classes=0)) == {"num_classes": 0}


def test_the_input_is_what_the_model_was_built_for() -> None:
    options = ModelOptions(img_size=160, in_chans=1)
    assert input_size(create("test_vit", options), options) == (1, 160, 160)


def test_what_does_not_run_on_meta_runs_on_the_cpu_with_a_notice() -> None:
    tried: list[str] = []

    def run(_: torch.nn.Module, device: torch.device) -> int:
        tried.append(device.type)
        if device.type == "meta":
            raise NotImplementedError("not there")
        return 7

    told: list[Event] = []
    found = build_and_run("test_resnet", ModelOptions(), run, told.append)
    assert (found.outcome, found.device.type, found.built_on.type) == (7, "cpu", "cpu")
    assert tried == ["meta", "cpu"]
    assert [event.message for event in told if isinstance(event, Log)] == [
        "test_resnet does not run on the meta device, so it does on the CPU: not there"
    ]


def test_parameters_that_would_be_shared_no_more_keep_a_model_off_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
            self.b.weight = self.a.weight
            self.a.bias.tolist()

    monkeypatch.setattr(model_factory, "create", lambda name, options: Tied())
    with pytest.raises(RuntimeError, match="shares parameters"):
        model_factory.build_for_meta("tied", ModelOptions())


def test_source_of_the_users_is_imported_once_and_hides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "own_factory_source.py"
    path.write_text("made = []\n")
    try:
        assert import_extra(("own_factory_source", path)) == path
        sys.modules["own_factory_source"].made.append(1)
        import_extra(("own_factory_source", path))
        assert sys.modules["own_factory_source"].made == [1]
        assert sys.path[-1] == str(tmp_path)
        other = tmp_path / "other" / "own_factory_source.py"
        other.parent.mkdir()
        other.write_text("")
        with pytest.raises(RequestError, match="has the name own_factory_source here"):
            import_extra(("own_factory_source", other))
    finally:
        sys.modules.pop("own_factory_source", None)
        sys.path[:] = [entry for entry in sys.path if not entry.startswith(str(tmp_path))]
