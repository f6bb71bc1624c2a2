"""What a function does with arguments that it takes by any name: which keys it takes out, whom it hands them to."""

import ast
import builtins
from collections.abc import Iterator, Sequence
from typing import Any

JSON = Any
"""A value that JSON can hold."""

FunctionDef = ast.FunctionDef | ast.AsyncFunctionDef

_SUFFIX = "kwargs"
"""How timm names a parameter that holds such arguments as a dict."""
_COPIES = ("dict", "copy", "deepcopy")
_READING = ("get", "__getitem__")
_HARMLESS = ("setdefault", "update", "copy", "clear")


def keyword_uses(node: FunctionDef) -> dict[str, JSON]:
    """By parameter: ``**kwargs``, and every other whose name ends so and that is such a dict.

    Each value has ``takes``, the keys that the function takes out of it, or reads where it hands it to nobody;
    ``hands``, the calls it is handed on to; and ``open``, true where it is used in a way that is not understood, so
    that any key may be good. What is empty or false is left out.

    A hand is ``[line, how, positional, named]``: ``how`` is ``"**"``, the index or the name of the argument, and the
    others are how many positional arguments the call has besides and the names it gives itself.
    ``dataclasses.replace(cfg, **kwargs)`` has one more: ``cfg``.
    """
    star = node.args.kwarg.arg if node.args.kwarg else None
    parameters = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    names = [name for name in (star, *(p for p in parameters if p.endswith(_SUFFIX))) if name]
    nodes = _nodes(node.body) if names else []
    rows = {name: _Uses(nodes, name, name == star).row() for name in names}
    return {name: row for name, row in rows.items() if row}


def _nodes(body: Sequence[ast.AST]) -> list[ast.AST]:
    """Nodes at any depth that say how a dict is used, in no order; written for speed, as all timm goes through it."""
    found: list[ast.AST] = []
    pending = list(body)
    while pending:
        node = pending.pop()
        if node.__class__ in _TELLING:
            found.append(node)
        for value in node.__dict__.values():
            if value.__class__ is list:
                pending += [item for item in value if isinstance(item, ast.AST)]
            elif isinstance(value, ast.AST) and value.__class__ not in _LEAVES:
                pending.append(value)
    return found


_TELLING = frozenset(
    (
        *(ast.Name, ast.Call, ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.Return),
        *(ast.If, ast.While, ast.IfExp, ast.UnaryOp, ast.Subscript, ast.Compare),
    )
)
_LEAVES = frozenset((ast.Constant, ast.Load, ast.Store))


class _Uses:
    """The uses of one parameter and of the dicts made from it."""

    def __init__(self, nodes: Sequence[ast.AST], parameter: str, is_star: bool) -> None:
        self._nodes = nodes
        self._is_star = is_star
        self._names = {parameter}
        self._understood: set[int] = set()
        self._popped: set[str] = set()
        self._read: set[str] = set()
        self._hands: list[JSON] = []
        self._collect_names()
        for node in nodes:
            if node.__class__ is not ast.Name:
                self._use(node)

    def row(self) -> dict[str, JSON]:
        """The uses as :func:`keyword_uses` describes them."""
        takes = self._popped | (self._read if self._is_star and not self._hands else set())
        row = {"takes": sorted(takes), "hands": sorted(self._hands, key=_place), "open": self._is_open()}
        return {name: value for name, value in row.items() if value}

    def _is_open(self) -> bool:
        names = (n for n in self._nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
        return any(name.id in self._names and id(name) not in self._understood for name in names)

    def _collect_names(self) -> None:
        """Find the local names that dicts made from the parameter go by."""
        # A name may be made from one that is only made further down, in a loop; so until nothing new turns up.
        before = 0
        makers = [node for node in self._nodes if isinstance(node, ast.Assign | ast.AnnAssign | ast.Call)]
        while before != len(self._names):
            before = len(self._names)
            for node in makers:
                if isinstance(node, ast.Assign | ast.AnnAssign) and any(self._carried(node.value)):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    self._names.update(target.id for target in targets if isinstance(target, ast.Name))
                elif _method(node) == "update" and isinstance(node, ast.Call):
                    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
                    if isinstance(owner, ast.Name) and any(name for a in _arguments(node) for name in self._carried(a)):
                        self._names.add(owner.id)

    def _carried(self, node: ast.expr | None) -> Iterator[ast.Name]:
        """The names whose keys an expression's value has too."""
        match node:
            case ast.Name() if node.id in self._names:
                yield node
            case ast.Call() if _is_copy(node):
                for argument in (*_arguments(node), getattr(node.func, "value", None)):
                    yield from self._carried(argument)
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    if key is None:
                        yield from self._carried(value)
            case ast.DictComp(key=ast.Name(), generators=[generator]) if _method(generator.iter) == "items":
                yield from self._carried(generator.iter.func.value)  # type: ignore[attr-defined]
            case ast.BoolOp():
                for value in node.values:
                    yield from self._carried(value)
            case ast.IfExp():
                yield from self._carried(node.body)
                yield from self._carried(node.orelse)
            case ast.BinOp(op=ast.BitOr()):
                yield from self._carried(node.left)
                yield from self._carried(node.right)

    def _understand(self, node: ast.expr | None) -> bool:
        """Count an expression's names as understood; whether there are any."""
        carried = {id(name) for name in self._carried(node)}
        self._understood |= carried
        return bool(carried)

    def _use(self, node: ast.AST) -> None:
        match node:
            case ast.Call():
                self._call(node)
            case ast.Assign() | ast.AnnAssign() | ast.NamedExpr():
                self._understand(node.value)
            case ast.Return(value=value):
                for part in value.elts if isinstance(value, ast.Tuple) else [value]:
                    self._understand(part)
            case ast.If() | ast.While() | ast.IfExp():
                self._understand(node.test)
            case ast.UnaryOp(op=ast.Not()):
                self._understand(node.operand)
            case ast.Subscript(value=ast.Name()):
                self._subscript(node)
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[compared]) if self._understand(compared):
                self._read |= _text(node.left)

    def _subscript(self, node: ast.Subscript) -> None:
        key = _text(node.slice)
        if not key and isinstance(node.ctx, ast.Load):
            return
        if self._understand(node.value) and key and isinstance(node.ctx, ast.Del):
            self._popped |= key
        elif isinstance(node.ctx, ast.Load):
            self._read |= key

    def _call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and any(self._carried(node.func.value)):
            self._own_method(node, node.func)
        if _is_copy(node) or _method(node) == "update":
            for argument in _arguments(node):
                self._understand(argument)
            return
        for place, argument in enumerate(node.args if not _is_builtin(node) else ()):
            if self._understand(argument):
                self._hands.append(self._hand(node, place))
        for keyword in node.keywords:
            if self._understand(keyword.value):
                self._hands.append(self._hand(node, keyword.arg or "**"))

    def _own_method(self, node: ast.Call, method: ast.Attribute) -> None:
        if method.attr in ("pop", *_READING):
            (self._popped if method.attr == "pop" else self._read).update(_text(node.args[0]) if node.args else ())
            self._understand(method.value)
        elif method.attr in _HARMLESS:
            self._understand(method.value)

    def _hand(self, node: ast.Call, how: int | str) -> list[JSON]:
        named = [keyword.arg for keyword in node.keywords if keyword.arg and how == "**"]
        hand: list[JSON] = [node.lineno, how, len(node.args) if how == "**" else 0, named]
        if _called(node) == "replace" and node.args and isinstance(node.args[0], ast.Name):
            hand.append(node.args[0].id)
        return hand


def _place(hand: list[JSON]) -> tuple[int, str]:
    return hand[0], str(hand[1])


def _arguments(node: ast.Call) -> list[ast.expr]:
    """What a call is given whole: positional arguments and ``**`` ones."""
    return [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg is None)]


def _is_copy(node: ast.Call) -> bool:
    return _called(node) in _COPIES


def _is_builtin(node: ast.Call) -> bool:
    """Whether it is ``set(kwargs)`` or the like: then what is done with the keys is not known."""
    return isinstance(node.func, ast.Name) and hasattr(builtins, node.func.id)


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _method(node: ast.AST) -> str:
    """The name of the method that a call is one of, else ``""``."""
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def _text(node: ast.expr) -> set[str]:
    """The text of a literal."""
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()
