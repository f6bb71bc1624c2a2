import gc
from collections.abc import Iterator

import pytest

from explorer import collector


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    was_enabled = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if was_enabled else gc.disable)()


@pytest.mark.parametrize("enabled", [True, False])
def test_a_pause_ends_as_it_began(enabled: bool) -> None:
    (collector.switch_on if enabled else collector.switch_off)()
    with pytest.raises(ValueError, match="stop"), collector.paused():
        assert not gc.isenabled()
        raise ValueError("stop")

    assert gc.isenabled() is enabled


@pytest.fixture
def frozen() -> list[object]:
    """Something made under :func:`collector.keeping`; the collector lists all but what is frozen for good."""
    gc.unfreeze()
    with collector.keeping():
        circle: list[object] = []
        circle.append(circle)
    return circle


def test_what_is_kept_is_looked_at_no_more(frozen: list[object]) -> None:
    assert gc.isenabled()
    assert not any(found is frozen for found in gc.get_objects())


def test_a_pause_thaws_nothing_that_was_frozen_for_good(frozen: list[object]) -> None:
    with collector.paused():
        pass

    assert not any(found is frozen for found in gc.get_objects())
    gc.unfreeze()
    assert any(found is frozen for found in gc.get_objects())
