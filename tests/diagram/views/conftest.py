import pytest

from explorer.graph import Graph
from tests.conftest import FAKE_TIMM
from tests.diagram.views.toy import written


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return written(tmp_path_factory.mktemp("toy") / "timm", FAKE_TIMM)
