import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.engine.client import Client

FAKE_WORKER = [sys.executable, "-P", str(Path(__file__).with_name("fake_worker.py"))]


@pytest.fixture
def fake_worker() -> list[str]:
    return FAKE_WORKER


@pytest.fixture(scope="session")
def torch_client() -> Iterator[Client]:
    """One real worker for all tests of the ``torch`` group: importing torch and timm takes long."""
    with Client() as client:
        yield client
