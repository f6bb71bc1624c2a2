"""Devices by their names, and the facts of this machine."""

import json

import pytest
import torch

from explorer.errors import RequestError
from explorer.protocol.events import Event, Log
from explorer.worker.hardware import devices

pytestmark = pytest.mark.xdist_group("torch")


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)


def unheard(_: Event) -> None:
    """What is told meanwhile is not looked at."""


def test_without_a_wish_and_a_card_it_is_the_cpu_with_a_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    told: list[Event] = []
    assert devices.choose(None, told.append) == torch.device("cpu")
    assert told == [Log("no CUDA device here, using the CPU")]
    with pytest.raises(RequestError, match="no CUDA device here"):
        devices.choose("cuda", unheard)


def test_a_card_is_the_one_named_or_the_current_one(cards: None) -> None:
    assert devices.choose(None, unheard) == devices.choose("cuda", unheard) == torch.device("cuda", 1)
    assert devices.choose("cuda:0", unheard) == torch.device("cuda", 0)
    with pytest.raises(RequestError, match="no device 'cuda:2'") as caught:
        devices.choose("cuda:2", unheard)
    assert "cuda:0 to cuda:1" in str(caught.value.hint)


def test_the_facts_of_a_machine_are_plain_json() -> None:
    facts = devices.environment(torch.device("cpu"))
    assert json.loads(json.dumps(facts)) == facts
    assert type(facts["torch"]) is str
    assert facts["device_name"] == facts["cpu"] == devices.cpu_name() != ""
