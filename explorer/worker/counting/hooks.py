"""Being told whenever a module of a model is called."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn
from torch.jit import ScriptModule


@contextmanager
def hooked(
    model: nn.Module,
    enter: Callable[[nn.Module, tuple[Any, ...], Mapping[str, Any]], None],
    leave: Callable[[nn.Module, Any], None],
) -> Iterator[None]:
    """Have every module of a model tell when it is called, with what, and when it ends, with what.

    Args:
        model: the model.
        enter: takes the module and its arguments, before any other hook of it may change them.
        leave: takes the module and its output, ``None`` where it raised.
    """

    def after(module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        leave(module, output)

    with ExitStack() as hooks:
        for module in _hookable(model):
            handle = module.register_forward_pre_hook(enter, prepend=True, with_kwargs=True)
            hooks.callback(handle.remove)
            # A model may catch what one of its modules raises and go on: whatever was entered has to be left.
            hooks.callback(module.register_forward_hook(after, always_call=True).remove)
        yield


def _hookable(model: nn.Module) -> list[nn.Module]:
    """All modules but those that torch.jit has compiled, and what is in these: they run without Python."""
    found: list[nn.Module] = [model]
    for module in found:
        found += [child for child in module.children() if child not in found and not isinstance(child, ScriptModule)]
    return found
