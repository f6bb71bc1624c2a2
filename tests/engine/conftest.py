import sys
from pathlib import Path

import pytest

FAKE_WORKER = [sys.executable, "-P", str(Path(__file__).with_name("fake_worker.py"))]


@pytest.fixture
def fake_worker() -> list[str]:
    return FAKE_WORKER
