from collections.abc import Iterator

import pytest

from explorer.engine.client import Client
from tests.engine.conftest import FAKE_WORKER


@pytest.fixture
def fake_worker() -> list[str]:
    return FAKE_WORKER


@pytest.fixture(scope="session")
def torch_client() -> Iterator[Client]:
    """One real worker for all tests of the ``torch`` group: importing torch and timm takes long."""
    with Client() as client:
        yield client
