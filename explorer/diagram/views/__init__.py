"""What a picture can show: one module a view, each with a function that makes a ``View`` of its input alone."""

from collections.abc import Callable
from importlib import import_module

from explorer.diagram.view import View

_MODULES = {
    "overview": "overview_view",
    "calls": "call_view",
    "classes": "class_view",
    "imports": "dependency_view",
    "family": "family_view",
    "uses": "dependency_view",
    "architecture": "flow_view",
    "dataflow": "flow_view",
}
"""Where each view's function is; it has the view's name."""


def view_function(name: str) -> Callable[..., View]:
    """The function that makes a view; only that view's module is imported, as one command draws one view.

    Raises:
        KeyError: there is no such view.
    """
    function: Callable[..., View] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return function
