import pytest

from explorer.graph import Graph

from . import samples


@pytest.fixture(params=["small", "medium", "large", "nasty"])
def graph(request: pytest.FixtureRequest) -> Graph:
    return getattr(samples, request.param)()


@pytest.fixture
def small() -> Graph:
    return samples.small()


@pytest.fixture
def medium() -> Graph:
    return samples.medium()


@pytest.fixture
def nasty() -> Graph:
    return samples.nasty()
