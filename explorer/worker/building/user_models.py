"""Source of the user's own, imported in the worker, so that its models are registered into timm."""

import importlib.util
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

from explorer.errors import RequestError
from explorer.introspect.reading.source import Extra
from explorer.worker.building.failures import reason


def import_extras(extras: Sequence[tuple[str, str]]) -> None:
    """Import the sources of a request, as :func:`import_extra` does."""
    for name, path in extras:
        import_extra((name, Path(path)))


def import_extra(extra: Extra) -> Path:
    """Import a source of the user's own, once in the life of this process.

    Its folder comes last on the search path, so that nothing beside it hides another module.

    Returns:
        The file of the module, of a package its ``__init__.py``.

    Raises:
        RequestError: it cannot be imported, or another module has its name.
    """
    name, path = extra
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        module = sys.modules.get(name) or (_import_file(name, path) if path.is_file() else import_module(name))
    except (Exception, SystemExit) as error:
        raise RequestError(f"{path} cannot be imported: {type(error).__name__}: {reason(error)}") from error
    file = Path(getattr(module, "__file__", None) or ".")
    if not (file if path.is_file() else file.parent).resolve() == path.resolve():
        raise RequestError(f"{path} cannot be imported: {file} has the name {name} here", "rename it")
    return file


def _import_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("it is not Python source")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where timm's register_model looks it up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
