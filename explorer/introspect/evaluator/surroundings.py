"""What a file of the user's own finds around it when it is imported: this machine, what is installed, files beside it.

People's files ask for these at their top level, to decide what they define and which of their modules they import. They
are told as they are here, without importing anything for it. Of timm's own source nothing depends on them.
"""

import functools
import importlib.metadata
import importlib.util
import os
import platform
import posixpath
import sys
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple

from explorer.introspect.evaluator.bounds import GiveUp, NoSuchModule
from explorer.introspect.evaluator.interface import Machine
from explorer.introspect.evaluator.objects import Objects
from explorer.introspect.evaluator.values import (
    UNKNOWN,
    ExternalValue,
    InstanceValue,
    Keywords,
    ModuleValue,
    PartialValue,
    Value,
)


class _VersionInfo(NamedTuple):
    major: int
    minor: int
    micro: int
    releaselevel: str
    serial: int


class _ModuleInfo(NamedTuple):
    """What ``pkgutil.iter_modules`` gives."""

    module_finder: Value
    name: str
    ispkg: bool


def names_of_module(machine: Machine, module: str) -> dict[str, Value]:
    """The names that Python binds in a module of the user's own before it is executed."""
    read = machine.modules[module]
    place = _place(machine, module)
    package = module if read.is_package else module.rpartition(".")[0]
    names: dict[str, Value] = {"__file__": place, "__package__": package}
    if read.is_package:
        names["__path__"] = (posixpath.dirname(place),)
    return names


def machine_constant(name: str) -> Value | None:
    """The value of something external that is fixed on this machine; ``None`` for anything else."""
    found = _CONSTANTS.get(name)
    return found() if found else None


def is_missing(module: str) -> bool:
    """Whether an external module cannot be imported here: neither Python nor what is installed has it.

    Only finders are asked: nothing is imported, the package that the module is in neither.
    """
    root, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(root)
        for count in range(1, len(rest) + 1):
            if spec is None or spec.submodule_search_locations is None or spec.origin in ("built-in", "frozen"):
                break
            spec = PathFinder.find_spec(".".join([root, *rest[:count]]), spec.submodule_search_locations)
            if spec is None:  # packages may make modules of their own when they run
                return not _may_make(root)
    except (ImportError, ValueError, AttributeError):
        return True
    return spec is None


def check_import(machine: Machine, module: str) -> None:
    """Find a module that source of the user's own imports.

    Raises:
        NoSuchModule: nothing of that name is read, or installed here.
    """
    if not machine.state.is_own:
        return
    if machine.is_internal(module):
        is_there = module in machine.modules
    else:
        is_there = not is_missing(module) or _is_beside(machine.state.beside, module)
    if not is_there:
        raise NoSuchModule


def _is_beside(folders: Iterable[Path], module: str) -> bool:
    """Whether a module lies in the folder of the user's own source, which is searched last."""
    parts = module.split(".")
    places = [folder.joinpath(*parts) for folder in folders]
    return any(place.is_dir() or place.with_name(f"{place.name}.py").is_file() for place in places)


def _may_make(root: str) -> bool:
    return root in sys.stdlib_module_names or root in ("six", "torch")


# files beside it

_ROOT = "/"


def _place(machine: Machine, module: str) -> str:
    """A path for a module, the same on every machine: packages lie side by side in one folder."""
    read = machine.modules[module]
    path = _ROOT + module.replace(".", "/")
    return f"{path}/__init__.py" if read.is_package else f"{path}.py"


def _entries(machine: Machine, folder: Value) -> list[str]:
    """The names in a folder of a package that is read, of source files and packages.

    Raises:
        GiveUp: there is no such folder.
    """
    if not isinstance(folder, str):
        raise GiveUp
    start = posixpath.normpath(folder).rstrip("/") + "/"
    below = [place.removeprefix(start) for m in machine.modules if (place := _place(machine, m)).startswith(start)]
    if not below:
        raise GiveUp
    return sorted({name.partition("/")[0] for name in below})


def _list_folder(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    return [*_entries(objects.machine, args[0])] if len(args) == 1 and isinstance(args[0], str) else UNKNOWN


def _glob(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    """``glob.glob`` of one folder."""
    if len(args) != 1 or not isinstance(args[0], str) or keywords:
        return UNKNOWN
    folder, pattern = posixpath.split(args[0])
    return [posixpath.join(folder, name) for name in _entries(objects.machine, folder) if fnmatch(name, pattern)]


def _is_there(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    """``os.path.exists`` and its like: a file or folder of the packages read."""
    if len(args) != 1 or not isinstance(args[0], str):
        return UNKNOWN
    path = posixpath.normpath(args[0])
    return any(f"{_place(objects.machine, module)}/".startswith(f"{path}/") for module in objects.machine.modules)


def _is_folder(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    """Whether a path is a package that is read."""
    return isinstance(args[0], str) and not posixpath.splitext(args[0])[1] if args else UNKNOWN


def _iter_modules(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    return [*_modules_in(objects, args, keywords, deep=False)]


def _walk_packages(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    return [*_modules_in(objects, args, keywords, deep=True)]


def _modules_in(objects: Objects, args: list[Value], keywords: Keywords, deep: bool) -> Iterator[_ModuleInfo]:
    given: Keywords = {"path": None, "prefix": "", **dict(zip(("path", "prefix"), args, strict=False)), **keywords}
    folders, prefix = given["path"], given["prefix"]
    if not isinstance(folders, (list, tuple)) or not isinstance(prefix, str):
        raise GiveUp
    machine = objects.machine
    for folder in folders:
        for entry in _entries(machine, folder):
            name, ending = posixpath.splitext(entry)
            is_package = not ending
            if name == "__init__" or (ending and ending != ".py"):
                continue
            yield _ModuleInfo(UNKNOWN, prefix + name, is_package)
            if deep and is_package:
                yield from _modules_in(objects, [[f"{folder!s}/{name}"], f"{prefix}{name}."], {}, deep=True)


def _path(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    """``pathlib.Path`` of a known path: what lies around it."""
    if not args or keywords or not all(isinstance(part, str) for part in args):
        return InstanceValue(_PATH)
    return _path_at(posixpath.normpath(posixpath.join(*(str(part) for part in args))))


def _path_at(path: str) -> InstanceValue:
    stem, suffix = posixpath.splitext(posixpath.basename(path))
    bound: dict[str, Value] = {
        name: PartialValue(ExternalValue(f"pathlib.Path.{name}"), (path,), {}) for name in ("glob", "iterdir", "is_dir")
    }
    same: dict[str, Value] = {name: PartialValue(_PATH, (path,), {}) for name in ("resolve", "absolute")}
    parent = posixpath.dirname(path)
    above: dict[str, Value] = {"parent": _path_at(parent)} if parent not in ("", path) else {}
    return InstanceValue(_PATH, {**bound, **same, **above, "name": stem + suffix, "stem": stem, "suffix": suffix})


_PATH = ExternalValue("pathlib.Path")


def _path_glob(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    match args:
        case [str() as folder, str() as pattern]:
            return [_path_at(f"{folder}/{n}") for n in _entries(objects.machine, folder) if fnmatch(n, pattern)]
        case [str() as folder]:
            return [_path_at(f"{folder}/{name}") for name in _entries(objects.machine, folder)]
    return UNKNOWN


# importing by name


def _import_module(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    """``importlib.import_module(name, package)``."""
    given: Keywords = {"package": None, **dict(zip(("name", "package"), args, strict=False)), **keywords}
    name, package = given.get("name"), given["package"]
    if not isinstance(name, str) or not (package is None or isinstance(package, str)):
        return _untold(objects, line)
    try:
        name = importlib.util.resolve_name(name, package)
    except ImportError as error:
        raise GiveUp from error
    return import_named(objects.machine, name)


def _untold(objects: Objects, line: int) -> Value:
    objects.machine.state.cannot_tell(objects.machine.state.module, line, "which module is imported is not known")
    return UNKNOWN


def import_named(machine: Machine, name: str) -> Value:
    """Import a module by its absolute name.

    Raises:
        GiveUp: there is none.
    """
    if not machine.is_internal(name):
        check_import(machine, name)
        return ExternalValue(name)
    if name not in machine.modules:
        raise NoSuchModule
    machine.execute(name)
    return ModuleValue(name)


def _import(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    """``__import__(name)`` gives the outermost package, unless names are to be taken from the module."""
    name = args[0] if args else keywords.get("name")
    if not isinstance(name, str) or len(args) > 4 or keywords.get("level") or args[4:]:
        return _untold(objects, line)
    found = import_named(objects.machine, name)
    takes = args[3] if len(args) > 3 else keywords.get("fromlist")
    root = name.partition(".")[0]
    return found if takes or root == name else import_named(objects.machine, root)


# this machine


def _find_spec(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    name = args[0] if args else keywords.get("name")
    if not isinstance(name, str) or name.startswith("."):
        return UNKNOWN
    if objects.machine.is_internal(name):
        return _SPEC if name in objects.machine.modules else None
    return None if is_missing(name) else _SPEC


_SPEC = ExternalValue("importlib.machinery.ModuleSpec")


def _version(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    name = args[0] if args else keywords.get("distribution_name")
    if not isinstance(name, str):
        return UNKNOWN
    try:
        return importlib.metadata.version(name)
    except (importlib.metadata.PackageNotFoundError, ValueError) as error:
        raise GiveUp from error


def _own_version(name: str) -> Value:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return UNKNOWN


@functools.cache
def _has_nvidia_gpu() -> bool:
    """Whether the driver is there; what torch makes of it, it alone can tell."""
    import pynvml  # only a file that asks needs it

    try:
        pynvml.nvmlInit()
        return bool(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return False


def _cuda_is_available(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    return UNKNOWN if _has_nvidia_gpu() else False


def _cuda_device_count(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    return UNKNOWN if _has_nvidia_gpu() else 0


def _mps_is_available(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    return UNKNOWN if sys.platform == "darwin" else False


def _of_platform(function: Callable[[], str]) -> Callable[..., Value]:
    return lambda objects, args, keywords, line: function()


_CONSTANTS: dict[str, Callable[[], Value]] = {
    "sys.version_info": lambda: _VersionInfo(*sys.version_info),
    "sys.version": lambda: sys.version,
    "sys.platform": lambda: sys.platform,
    "sys.maxsize": lambda: sys.maxsize,
    "sys.byteorder": lambda: sys.byteorder,
    "sys.hexversion": lambda: sys.hexversion,
    "os.name": lambda: os.name,
    "os.sep": lambda: "/",
    "typing.TYPE_CHECKING": lambda: False,
    "torch.__version__": lambda: _own_version("torch"),
    "torchvision.__version__": lambda: _own_version("torchvision"),
    "timm.__version__": lambda: _own_version("timm"),
    "numpy.__version__": lambda: _own_version("numpy"),
}

OWN_CALLS: dict[str, Callable[[Objects, list[Value], Keywords, int], Value]] = {
    "glob.glob": _glob,
    "importlib.import_module": _import_module,
    "builtins.__import__": _import,
    "importlib.metadata.version": _version,
    "importlib.util.find_spec": _find_spec,
    "os.listdir": _list_folder,
    "os.path.exists": _is_there,
    "os.path.isdir": _is_there,
    "os.path.isfile": _is_there,
    "pathlib.Path": _path,
    "pathlib.Path.glob": _path_glob,
    "pathlib.Path.is_dir": _is_folder,
    "pathlib.Path.iterdir": _path_glob,
    "pkgutil.iter_modules": _iter_modules,
    "pkgutil.walk_packages": _walk_packages,
    "platform.machine": _of_platform(platform.machine),
    "platform.python_version": _of_platform(platform.python_version),
    "platform.system": _of_platform(platform.system),
    "torch.backends.mps.is_available": _mps_is_available,
    "torch.cuda.device_count": _cuda_device_count,
    "torch.cuda.is_available": _cuda_is_available,
}
"""Functions of libraries that answer for this machine or the files beside, by dotted name."""
