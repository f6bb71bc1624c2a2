"""One source file -> its facts: what it defines, what it imports, what its functions call.

Facts are names as written; nothing is looked up here. A comprehension, generator expression or lambda counts as
part of the function around it.
"""

import ast
import codecs
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import decode_source
from inspect import cleandoc
from typing import Any

Path = tuple[str, ...]
"""A dotted expression: ``nn.Conv2d`` is ``("nn", "Conv2d")``; a ``super()`` root is ``"super()"``."""

SUPER = "super()"
FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_CAPTURES = (ast.MatchAs, ast.MatchStar, ast.MatchMapping)


@dataclass(frozen=True, slots=True)
class Import:
    """A name bound by an import: ``module`` is absolute, ``attribute`` is ``None`` when the module itself is bound."""

    module: str
    attribute: str | None


@dataclass(slots=True)
class CallSite:
    """``callee`` as written, the line, and by position or keyword the arguments that are dotted expressions (both sides
    of ``a if test else b``)."""

    callee: Path
    line: int
    arguments: dict[int | str, list[Path]]


@dataclass(slots=True)
class Scope:
    """What a module or function binds, by name."""

    imports: dict[str, Import] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    """Name -> qualname of a class or function defined here."""
    aliases: dict[str, list[Path]] = field(default_factory=dict)
    """``name = dotted.expression``, every alternative; only while nothing else is assigned to the name."""
    stores: set[str] = field(default_factory=set)
    """Names assigned in any other way."""
    stars: list[str] = field(default_factory=list)
    """Modules whose public names are imported with ``*``."""


@dataclass(slots=True)
class Definition:
    """A class or function. ``line`` is that of ``class`` or ``def``; ``first_line`` that of its first decorator."""

    qualname: str
    line: int
    first_line: int
    end_line: int
    doc: str | None
    decorators: list[Path]
    parent: "ClassDefinition | FunctionDefinition | None"


@dataclass(slots=True)
class ClassDefinition(Definition):
    """A class: bases as written, methods by name."""

    bases: list[Path]
    methods: dict[str, str] = field(default_factory=dict)
    """Name -> qualname of functions defined in the class body."""


@dataclass(slots=True)
class FunctionDefinition(Definition):
    """A function: its parameters, scope and calls."""

    signature: str
    positional: list[str]
    parameters: set[str]
    defaults: dict[str, Path]
    """Parameters whose default is a dotted expression."""
    scope: Scope = field(default_factory=Scope)
    calls: list[CallSite] = field(default_factory=list)


@dataclass(slots=True)
class Module:
    """All facts of one file."""

    name: str
    file: str
    is_package: bool
    doc: str | None
    line_count: int
    tree: ast.Module
    scope: Scope = field(default_factory=Scope)
    classes: dict[str, ClassDefinition] = field(default_factory=dict)
    functions: dict[str, FunctionDefinition] = field(default_factory=dict)
    further_parts: list[FunctionDefinition] = field(default_factory=list)
    """Property setters and deleters: Python's ``__qualname__`` is that of the property's own function."""
    exports: set[str] | None = None
    """What ``__all__`` lists, ``None`` where it is not set; registered entrypoints are added, as timm does."""
    imported: dict[str, list[int]] = field(default_factory=dict)
    """Every name imported anywhere in the file, with lines: ``from a import b`` gives ``a.b``, ``b`` module or not."""


def parse_module(name: str, file: str, source: bytes) -> Module:
    """Read the facts of a file.

    Raises:
        SyntaxError, ValueError: Python cannot parse it.
    """
    text = source if _is_plain(source) else decode_source(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes in strings: timm's business
        tree = ast.parse(text, filename=file)
    lines = (text if isinstance(text, bytes) else text.encode()).split(b"\n")
    line_count = max(1, len(lines) - (not lines[-1]))
    module = Module(name, file, file.endswith("__init__.py"), ast.get_docstring(tree), line_count, tree)
    _Reader(module, lines).read()
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


def dotted(node: ast.expr | None) -> Path | None:
    """The path of a name, an attribute chain on a name, or on ``super()``; else ``None``."""
    if node.__class__ is ast.Name:
        return (node.id,)
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not parts:
        return None
    if isinstance(node, ast.Name):
        parts.append(node.id)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super":
        parts.append(SUPER)
    else:
        return None
    return tuple(reversed(parts))


def _alternatives(node: ast.expr) -> list[Path]:
    """The dotted expressions that a value may be: one, or both sides of a conditional."""
    if node.__class__ is ast.Constant:
        return []
    if isinstance(node, ast.IfExp):
        return [*_alternatives(node.body), *_alternatives(node.orelse)]
    path = dotted(node)
    return [path] if path else []


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


class _Children(dict[type, tuple[str, ...]]):
    """By class of syntax node, the fields that hold nodes worth reading, last first."""

    _NOT_READ = frozenset(
        (
            "annotation arg attr conversion ctx id kind level module name names op ops rest returns "
            "simple type_comment type_params"
        ).split()
    )

    def __missing__(self, kind: type) -> tuple[str, ...]:
        if not issubclass(kind, ast.AST) or kind is ast.Constant or issubclass(kind, ast.arguments):
            fields: tuple[str, ...] = ()
        else:
            fields = tuple(f for f in reversed(kind._fields) if f not in self._NOT_READ)
        self[kind] = fields
        return fields


_CHILDREN = _Children()
_PARTS_OF_ONE = ("setter", "deleter", "overload")
_REGISTERS = "register_model"


class _Reader:
    """Walks a file once. Statements at module level outside any function are not searched for calls."""

    def __init__(self, module: Module, lines: list[bytes]) -> None:
        self.module = module
        self.lines = lines

    def read(self) -> None:
        self._read(self.module.tree.body, None, self.module.scope)
        listed = [names for statement in self.module.tree.body if (names := _exported(statement)) is not None]
        if listed:
            registered = {f.qualname for f in self.module.functions.values() if (_REGISTERS,) in f.decorators}
            self.module.exports = registered.union(*listed)

    def _read(self, body: list[ast.stmt], owner: Owner, scope: Scope | None) -> None:
        """Read statements; ``scope`` is what they bind in, ``None`` inside a class body.

        A stack instead of recursion, and leaves passed over early: this loop sees every node of timm's functions.
        """
        function = owner if isinstance(owner, FunctionDefinition) else None
        stack: list[Any] = body[::-1]
        while stack:
            node = stack.pop()
            kind = node.__class__
            if kind is ast.Name:
                if scope is not None and node.ctx.__class__ is not ast.Load:
                    scope.stores.add(node.id)
            elif kind is ast.Attribute:
                stack.append(node.value)
            elif kind in _FUNCTIONS:
                self._function(node, owner, scope)
            elif kind is ast.ClassDef:
                self._class(node, owner, scope)
            elif kind in _CAPTURES:
                captured = node.rest if kind is ast.MatchMapping else node.name
                if scope is not None and captured:
                    scope.stores.add(captured)
                stack += ast.iter_child_nodes(node)
            elif kind is ast.Import or kind is ast.ImportFrom:
                self._import(node, scope)
            elif kind is ast.Assign:
                if function is not None:
                    stack.append(node.value)
                if scope is None or not self._alias(node, scope):
                    stack += node.targets
            else:
                if kind is ast.Call and function is not None:
                    stack += self._call(node, function)
                    continue
                if kind is ast.ExceptHandler:
                    if scope is not None and node.name:
                        scope.stores.add(node.name)
                elif kind is ast.Lambda and scope is not None:
                    scope.stores.update(a.arg for a in _arguments(node.args))
                for name in _CHILDREN[kind]:
                    value = getattr(node, name)
                    if value.__class__ is list:
                        stack += value[::-1]
                    elif value is not None:
                        stack.append(value)

    def _qualname(self, name: str, owner: Owner) -> str:
        if owner is None:
            return name
        return (
            f"{owner.qualname}.<locals>.{name}" if isinstance(owner, FunctionDefinition) else f"{owner.qualname}.{name}"
        )

    def _class(self, node: ast.ClassDef, owner: Owner, scope: Scope | None) -> None:
        qualname = self._qualname(node.name, owner)
        definition = ClassDefinition(
            qualname,
            node.lineno,
            node.decorator_list[0].lineno if node.decorator_list else node.lineno,
            node.end_lineno or node.lineno,
            _doc(node),
            [path for d in node.decorator_list if (path := _decorator(d))],
            owner,
            [path for base in node.bases if (path := dotted(_unsubscripted(base)))],
        )
        self.module.classes[qualname] = definition
        self.module.functions.pop(qualname, None)
        if scope is not None:
            scope.definitions[node.name] = qualname
        self._read(node.body, definition, None)

    def _function(self, node: FunctionDef, owner: Owner, scope: Scope | None) -> None:
        qualname = self._qualname(node.name, owner)
        decorators = [path for d in node.decorator_list if (path := _decorator(d))]
        args = node.args
        definition = FunctionDefinition(
            qualname,
            node.lineno,
            node.decorator_list[0].lineno if node.decorator_list else node.lineno,
            node.end_lineno or node.lineno,
            _doc(node),
            decorators,
            owner,
            self._signature(node),
            [a.arg for a in (*args.posonlyargs, *args.args)],
            {a.arg for a in _arguments(args)},
            dict(_dotted_defaults(args)),
        )
        if any(path[-1] in _PARTS_OF_ONE for path in decorators):
            self.module.further_parts.append(definition)
        else:
            self.module.functions[qualname] = definition
            self.module.classes.pop(qualname, None)
            if isinstance(owner, ClassDefinition):
                owner.methods[node.name] = qualname
            if scope is not None:
                scope.definitions[node.name] = qualname
        self._read(node.body, definition, definition.scope)

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope | None) -> None:
        module = self.module
        imported = module.imported
        if isinstance(node, ast.Import):
            for alias in node.names:
                imported.setdefault(alias.name, []).append(node.lineno)
        for name, binding in import_bindings(node, module.name, module.is_package):
            if isinstance(node, ast.ImportFrom):
                imported.setdefault(f"{binding.module}.{binding.attribute}", []).append(node.lineno)
            if scope is not None:
                if name == "*":
                    scope.stars.append(binding.module)
                else:
                    scope.imports.setdefault(name, binding)

    def _alias(self, node: ast.Assign, scope: Scope) -> bool:
        """Note ``name = dotted.expression``."""
        target = node.targets[0]
        if len(node.targets) != 1 or not isinstance(target, ast.Name):
            return False
        paths = _alternatives(node.value)
        if not paths or any(path[0] in (SUPER, target.id) for path in paths):
            return False
        scope.aliases.setdefault(target.id, []).extend(paths)
        return True

    def _call(self, node: ast.Call, function: FunctionDefinition) -> list[ast.expr]:
        """Note a call; return the parts of it that are still to be read."""
        unread: list[ast.expr] = []
        arguments: dict[int | str, list[Path]] = {}
        position: int | None = 0
        for argument in node.args:
            if argument.__class__ is ast.Starred:
                position = None  # what follows fills positions that are not known
            paths = _alternatives(argument)
            if position is not None:
                if paths:
                    arguments[position] = paths
                position += 1
            if not paths or argument.__class__ is ast.IfExp:
                unread.append(argument)
        for keyword in node.keywords:
            paths = _alternatives(keyword.value)
            if paths and keyword.arg:
                arguments[keyword.arg] = paths
            if not paths or keyword.value.__class__ is ast.IfExp:
                unread.append(keyword.value)
        callee = dotted(node.func)
        if callee is None:
            unread.append(node.func)
        else:
            function.calls.append(CallSite(callee, node.lineno, arguments))
        unread.reverse()
        return unread

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
        return ast.unparse(node)


def _exported(statement: ast.stmt) -> list[str] | None:
    """Names that ``__all__ = [...]`` or ``__all__ += [...]`` lists, ``None`` for any other statement."""
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        targets = [statement.target]
    else:
        return None
    if not any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
        return None
    items = getattr(statement.value, "elts", [])
    return [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]


def _doc(node: ast.ClassDef | FunctionDef) -> str | None:
    first = node.body[0]
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
        return None
    text = first.value.value
    return cleandoc(text) if isinstance(text, str) else None


def _decorator(node: ast.expr) -> Path | None:
    return dotted(node.func if isinstance(node, ast.Call) else node)


def _unsubscripted(node: ast.expr) -> ast.expr:
    """``Generic[T]`` -> ``Generic``."""
    return node.value if isinstance(node, ast.Subscript) else node


def _arguments(args: ast.arguments) -> Iterator[ast.arg]:
    yield from args.posonlyargs
    yield from args.args
    yield from args.kwonlyargs
    if args.vararg:
        yield args.vararg
    if args.kwarg:
        yield args.kwarg


def _dotted_defaults(args: ast.arguments) -> Iterator[tuple[str, Path]]:
    positional = [*args.posonlyargs, *args.args]
    pairs: list[tuple[ast.arg, ast.expr | None]] = []
    if args.defaults:
        pairs += zip(positional[-len(args.defaults) :], args.defaults, strict=True)
    pairs += zip(args.kwonlyargs, args.kw_defaults, strict=True)
    for argument, default in pairs:
        if path := dotted(default):
            yield argument.arg, path
