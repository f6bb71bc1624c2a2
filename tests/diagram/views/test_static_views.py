from collections.abc import Callable

import pytest

from explorer.diagram.view import View
from explorer.diagram.views.call_view import calls
from explorer.diagram.views.class_view import classes
from explorer.diagram.views.dependency_view import imports, uses
from explorer.diagram.views.family_view import family
from explorer.graph import Graph

MODEL_VIEWS = (calls, classes, imports, family, uses)


@pytest.mark.parametrize("view", MODEL_VIEWS)
def test_the_same_input_gives_the_same_view(toy: Graph, view: Callable[..., View]) -> None:
    node = toy.node("model:toy_small")
    assert view(toy, node) == view(toy, node)
