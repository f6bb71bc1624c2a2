"""One source file -> its facts: what it defines and what it imports, and the syntax tree for the rest."""

import ast
import codecs
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import decode_source
from inspect import cleandoc
from typing import Any

from explorer.introspect.reading.keywords import keyword_uses

FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Import:
    """A name bound by an import: ``module`` is absolute, ``attribute`` is ``None`` when the module itself is bound."""

    module: str
    attribute: str | None


@dataclass(slots=True)
class Definition:
    """A class or function. ``line`` is that of ``class`` or ``def``, below its decorators."""

    qualname: str
    line: int
    end_line: int
    doc: str | None
    decorators: list[str]
    """Dotted, without arguments."""
    parent: "ClassDefinition | FunctionDefinition | None"


@dataclass(slots=True)
class ClassDefinition(Definition):
    """A class; ``fields`` are the names of a dataclass's own fields."""

    fields: list[str]


@dataclass(slots=True)
class FunctionDefinition(Definition):
    """A function or method; ``signature`` as it is written, on one line.

    ``keywords`` is what it does with the arguments it takes by any name, see
    :func:`explorer.introspect.reading.keywords.keyword_uses`.
    """

    signature: str
    keywords: dict[str, Any]


@dataclass(slots=True)
class Module:
    """All facts of one file."""

    name: str
    file: str
    is_package: bool
    doc: str | None
    line_count: int
    tree: ast.Module
    classes: dict[str, ClassDefinition] = field(default_factory=dict)
    functions: dict[str, FunctionDefinition] = field(default_factory=dict)
    """Setters and deleters of a property are left out: Python's ``__qualname__`` is that of the property's own."""
    imported: dict[str, list[int]] = field(default_factory=dict)
    """Every name imported anywhere in the file, with lines: ``from a import b`` gives ``a.b``, ``b`` module or not."""


def parse_module(name: str, file: str, source: bytes) -> Module:
    """Read the facts of a file.

    Raises:
        SyntaxError, ValueError: Python cannot parse it.
    """
    # Positions in a tree count bytes of UTF-8, so that plain source needs no copy; anything else is normalised first.
    text = source if _is_plain(source) else decode_source(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes in strings: timm's business
        tree = ast.parse(text, filename=file)
    lines = (text if isinstance(text, bytes) else text.encode()).split(b"\n")
    line_count = max(1, len(lines) - (not lines[-1]))
    module = Module(name, file, file.endswith("__init__.py"), ast.get_docstring(tree), line_count, tree)
    _DefinitionReader(module, lines).read()
    return module


def _is_plain(source: bytes) -> bool:
    """Whether the source is UTF-8 with ``\\n`` line ends and no mark before it: the tree's columns count its bytes."""
    declaration = b"".join(source.split(b"\n", 2)[:2])
    return b"\r" not in source and not source.startswith(codecs.BOM_UTF8) and b"coding" not in declaration


def absolute(module: str, is_package: bool, level: int, target: str | None) -> str:
    """The absolute name of ``from ..target import x`` (``level`` dots) written in ``module``."""
    if not level:
        return target or ""
    parts = module.split(".")
    base = parts[: len(parts) - level + is_package]
    return ".".join([*base, *(target.split(".") if target else ())])


def import_bindings(node: ast.Import | ast.ImportFrom, module: str, is_package: bool) -> Iterator[tuple[str, Import]]:
    """The names an import statement binds, ``*`` among them."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, Import(alias.name, None)
            else:
                root = alias.name.partition(".")[0]
                yield root, Import(root, None)
    else:
        origin = absolute(module, is_package, node.level, node.module)
        for alias in node.names:
            yield alias.asname or alias.name, Import(origin, alias.name)


Owner = ClassDefinition | FunctionDefinition | None
"""What a statement stands in."""

_PARTS_OF_ONE = ("setter", "deleter", "overload")
_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")
"""Fields in which a statement holds others."""


class _DefinitionReader:
    """Walks the statements of a file once."""

    def __init__(self, module: Module, lines: list[bytes]) -> None:
        self.module = module
        self.lines = lines

    def read(self) -> None:
        self._read(self.module.tree.body, None)

    def _read(self, body: list[Any], owner: Owner) -> None:
        for node in body:
            kind = node.__class__
            if kind in _PLAIN:  # most statements, and they hold no others
                continue
            if kind in _FUNCTIONS:
                self._function(node, owner)
            elif kind is ast.ClassDef:
                self._class(node, owner)
            elif kind is ast.Import or kind is ast.ImportFrom:
                self._import(node)
            elif kind is ast.If and _is_script(node.test):
                self._read(node.orelse, owner)
            else:
                for name in _BLOCKS:
                    inner = getattr(node, name, None)
                    if inner:
                        self._read(inner, owner)

    def _class(self, node: ast.ClassDef, owner: Owner) -> None:
        decorators = _decorators(node)
        fields = _fields(node) if any(_last(path) == "dataclass" for path in decorators) else []
        definition = ClassDefinition(*_place(node, owner), decorators, owner, fields)
        self.module.classes[definition.qualname] = definition
        self.module.functions.pop(definition.qualname, None)
        self._read(node.body, definition)

    def _function(self, node: FunctionDef, owner: Owner) -> None:
        decorators, signature = _decorators(node), self._signature(node)
        definition = FunctionDefinition(*_place(node, owner), decorators, owner, signature, keyword_uses(node))
        # A setter would stand in the place of its getter, an overload in that of what it describes.
        if not any(_last(path) in _PARTS_OF_ONE for path in decorators):
            self.module.functions[definition.qualname] = definition
            self.module.classes.pop(definition.qualname, None)
        self._read(node.body, definition)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        module = self.module
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            names = [f"{b.module}.{b.attribute}" for _, b in import_bindings(node, module.name, module.is_package)]
        for name in names:
            module.imported.setdefault(name, []).append(node.lineno)

    def _signature(self, node: FunctionDef) -> str:
        args = node.args
        positional = [*args.posonlyargs, *args.args]
        defaults: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
        parts = [self._parameter(a, d) for a, d in zip(positional, defaults, strict=True)]
        if args.posonlyargs:
            parts.insert(len(args.posonlyargs), "/")
        if args.vararg:
            parts.append("*" + self._parameter(args.vararg, None))
        elif args.kwonlyargs:
            parts.append("*")
        parts += [self._parameter(a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
        if args.kwarg:
            parts.append("**" + self._parameter(args.kwarg, None))
        returns = f" -> {self._text(node.returns)}" if node.returns else ""
        return f"({', '.join(parts)}){returns}"

    def _parameter(self, argument: ast.arg, default: ast.expr | None) -> str:
        annotation = f": {self._text(argument.annotation)}" if argument.annotation else ""
        if default is None:
            return argument.arg + annotation
        equals = " = " if annotation else "="
        return f"{argument.arg}{annotation}{equals}{self._text(default)}"

    def _text(self, node: ast.expr) -> str:
        """The expression as written, on one line."""
        start, end = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        if start == end:
            return self.lines[start][node.col_offset : node.end_col_offset].decode()
        # Over several lines there may be comments between, and unparsing, which is slow, leaves them out.
        return ast.unparse(node)


def _is_script(test: ast.expr) -> bool:
    """Whether a test is ``__name__ == "__main__"``: what stands under it is not there for who imports the file."""
    match test:
        case ast.Compare(ast.Name("__name__"), [ast.Eq()], [ast.Constant("__main__")]) | ast.Compare(
            ast.Constant("__main__"), [ast.Eq()], [ast.Name("__name__")]
        ):
            return True
    return False


def _place(node: ast.ClassDef | FunctionDef, owner: Owner) -> tuple[str, int, int, str | None]:
    # The first fields of a definition, in their order.
    local = ".<locals>" if isinstance(owner, FunctionDefinition) else ""
    qualname = f"{owner.qualname}{local}.{node.name}" if owner else node.name
    return qualname, node.lineno, node.end_lineno or node.lineno, _doc(node)


def _doc(node: ast.ClassDef | FunctionDef) -> str | None:
    first = node.body[0]
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
        return None
    text = first.value.value
    return cleandoc(text) if isinstance(text, str) else None


def _fields(node: ast.ClassDef) -> list[str]:
    annotated = (statement.target for statement in node.body if isinstance(statement, ast.AnnAssign))
    return [target.id for target in annotated if isinstance(target, ast.Name)]


def _decorators(node: ast.ClassDef | FunctionDef) -> list[str]:
    named = (d.func if isinstance(d, ast.Call) else d for d in node.decorator_list)
    return [path for decorator in named if (path := _dotted(decorator))]


def _dotted(node: ast.expr) -> str | None:
    """A name, or a chain of attributes of a name, as it is written; else ``None``."""
    if isinstance(node, ast.Name):
        return node.id
    owner = _dotted(node.value) if isinstance(node, ast.Attribute) else None
    return f"{owner}.{node.attr}" if owner and isinstance(node, ast.Attribute) else None


def _last(path: str) -> str:
    return path.rpartition(".")[2]


_PLAIN = frozenset(
    (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return, ast.Raise, ast.Assert, ast.Pass, ast.Delete)
)
"""Statements that hold no others."""
