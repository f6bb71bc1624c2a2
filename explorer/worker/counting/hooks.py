"""Being told whenever a module of a model runs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

from torch import nn
from torch.jit import ScriptModule
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

Enter = Callable[[nn.Module, tuple[Any, ...], Mapping[str, Any]], None]
"""Takes a module that begins to run and its arguments."""

Leave = Callable[[nn.Module, Any], None]
"""Takes a module that ends and its output, ``None`` where it raised."""


@contextmanager
def hooked(model: nn.Module, enter: Enter, leave: Leave) -> Iterator[None]:
    """Have every module of a model tell when it is called, with what, and when it ends, with what.

    Args:
        model: the model.
        enter: told before any other hook of a module may change the arguments.
        leave: told of the output.
    """
    with ExitStack() as hooks:
        for module in _hookable(model):
            _hook(module, enter, leave, hooks)
        yield


def _hook(module: nn.Module, enter: Enter, leave: Leave, hooks: ExitStack) -> None:
    def after(module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        leave(module, output)

    hooks.callback(module.register_forward_pre_hook(enter, prepend=True, with_kwargs=True).remove)
    # A model may catch what one of its modules raises and go on: whatever was entered has to be left.
    hooks.callback(module.register_forward_hook(after, always_call=True).remove)


def _hookable(model: nn.Module) -> list[nn.Module]:
    """All modules but those that torch.jit has compiled, and what is in these: they run without Python."""
    found = {model: None}
    waiting = [model]
    for module in waiting:
        new = [child for child in module.children() if child not in found and not isinstance(child, ScriptModule)]
        found |= dict.fromkeys(new)
        waiting += new
    return waiting


@contextmanager
def watched(model: nn.Module, enter: Enter, leave: Leave) -> Iterator[None]:
    """As :func:`hooked`, and told of runs that pass its hooks by, too.

    That is a ``forward`` called directly, modules that the model makes while it runs, and those that torch.jit has
    compiled. Of the latter two ``enter`` is given no arguments by keyword.
    """
    known = set(_hookable(model))
    called: set[nn.Module] = set()

    def begin(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        called.add(module)
        enter(module, args, kwargs)

    def end(module: nn.Module, output: Any) -> None:
        called.discard(module)
        leave(module, output)

    def stranger_begins(module: nn.Module, args: tuple[Any, ...]) -> None:
        if module not in known:
            enter(module, args, {})

    def stranger_ends(module: nn.Module, _args: Any, output: Any) -> None:
        if module not in known:
            leave(module, output)

    with hooked(model, begin, end), ExitStack() as undo:
        for module in known:
            _see_forward(module, enter, leave, called, undo)
        undo.callback(register_module_forward_pre_hook(stranger_begins).remove)
        undo.callback(register_module_forward_hook(stranger_ends, always_call=True).remove)
        yield


def _see_forward(module: nn.Module, enter: Enter, leave: Leave, called: set[nn.Module], undo: ExitStack) -> None:
    """Have a module tell of its ``forward`` unless it was called, which its hooks have told."""
    plain = module.forward

    @wraps(plain)
    def forward(*args: Any, **kwargs: Any) -> Any:
        if module in called:
            called.remove(module)
            return plain(*args, **kwargs)
        enter(module, args, kwargs)
        output = None
        try:
            output = plain(*args, **kwargs)
        finally:
            leave(module, output)
        return output

    own = vars(module)
    if "forward" in own:
        undo.callback(own.__setitem__, "forward", own["forward"])
    else:
        undo.callback(own.pop, "forward", None)
    own["forward"] = forward
