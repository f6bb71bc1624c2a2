"""Evaluating one expression of timm's source, as far as it is data."""

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from explorer.introspect.operations import MAX_SIZE, is_hashable, item_of, items_of, merge_into, same, truth_of
from explorer.introspect.pure import BUILTINS, METHODS
from explorer.introspect.values import (
    REST,
    UNKNOWN,
    ClassValue,
    Environment,
    ExternalValue,
    FunctionValue,
    ModuleValue,
    RecordValue,
    Value,
    is_data,
    is_known,
)

if TYPE_CHECKING:
    from explorer.introspect.evaluate import Evaluator

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_CONVERSIONS: dict[int, Callable[[Any], str]] = {ord("s"): str, ord("r"): repr, ord("a"): ascii}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


class Expressions:
    """Evaluates expressions in one environment.

    Args:
        evaluator: calls functions and imports modules.
        module: the module that the source stands in.
        environment: the names it sees.
        qualname: that of the function around it, empty at the top of a module.
    """

    def __init__(self, evaluator: "Evaluator", module: str, environment: Environment, qualname: str = "") -> None:
        self.evaluator = evaluator
        self.module = module
        self.environment = environment
        self.qualname = qualname
        self.is_generator = False

    def value(self, node: ast.expr) -> Value:
        """Evaluate an expression."""
        self.evaluator.step()
        evaluate = _EVALUATE.get(type(node))
        return UNKNOWN if evaluate is None else evaluate(self, node)

    def forget(self, node: ast.AST) -> None:
        """Make every name the node binds unknown."""
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                self.environment.names[child.id] = UNKNOWN
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.environment.names[child.name] = UNKNOWN

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind a target: a name, a tuple of targets, or an item of a container."""
        if isinstance(target, ast.Name):
            self.environment.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            items = items_of(value)
            plain = not any(isinstance(t, ast.Starred) for t in target.elts)
            if items is not None and plain and len(items) == len(target.elts):
                for element, item in zip(target.elts, items, strict=True):
                    self.assign(element, item)
            else:
                self.forget(target)
        elif isinstance(target, ast.Subscript):
            self._assign_item(self.value(target.value), self.value(target.slice), value)

    def _assign_item(self, owner: Value, key: Value, value: Value) -> None:
        if self.evaluator.is_uncertain:
            value = UNKNOWN
        if (isinstance(owner, dict) and is_hashable(key) and is_known(key)) or (
            isinstance(owner, list) and isinstance(key, int) and -len(owner) <= key < len(owner)
        ):
            owner[key] = value
        else:
            self.evaluator.taint([owner], {})

    def _value_constant(self, node: ast.Constant) -> Value:
        return node.value

    def _value_name(self, node: ast.Name) -> Value:
        return self._lookup(node.id)

    def _lookup(self, name: str) -> Value:
        environment: Environment | None = self.environment
        while environment is not None:
            if name in environment.names:
                return environment.names[name]
            environment = environment.parent
        return UNKNOWN

    def _value_tuple(self, node: ast.Tuple) -> Value:
        elements = self._elements(node.elts)
        return UNKNOWN if elements is None else tuple(elements)

    def _value_list(self, node: ast.List) -> Value:
        elements = self._elements(node.elts)
        return UNKNOWN if elements is None else elements

    def _value_set(self, node: ast.Set) -> Value:
        elements = self._elements(node.elts)
        return UNKNOWN if elements is None or not all(map(is_hashable, elements)) else set(elements)

    def _elements(self, nodes: list[ast.expr]) -> list[Value] | None:
        elements: list[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                items = items_of(self.value(node.value))
                if items is None:
                    return None
                elements += items
            else:
                elements.append(self.value(node))
        return elements

    def _value_dict(self, node: ast.Dict) -> Value:
        result: dict[Any, Value] = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            if key_node is None:
                merge_into(result, self.value(value_node))
                continue
            key, value = self.value(key_node), self.value(value_node)
            if is_known(key) and is_hashable(key):
                result[key] = value
            else:
                merge_into(result, UNKNOWN)
        return result

    def _value_joined_str(self, node: ast.JoinedStr) -> Value:
        parts: list[str] = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(str(part.value))
                continue
            assert isinstance(part, ast.FormattedValue)
            value = self.value(part.value)
            spec = self.value(part.format_spec) if part.format_spec else ""
            if not (is_known(value) and is_data(value)) or spec is UNKNOWN:
                return UNKNOWN
            converted = _CONVERSIONS[part.conversion](value) if part.conversion in _CONVERSIONS else value
            parts.append(self.evaluator.guarded(format, [converted, spec], {}))
        return "".join(parts)

    def _value_bin_op(self, node: ast.BinOp) -> Value:
        return self._binary(node.op, self.value(node.left), self.value(node.right))

    def _binary(self, op: ast.operator, left: Value, right: Value) -> Value:
        if isinstance(op, ast.Add) and isinstance(left, list) and isinstance(right, list):
            return left + right
        if isinstance(op, ast.Add) and isinstance(left, tuple) and isinstance(right, tuple):
            return left + right
        if isinstance(op, ast.Mult) and isinstance(left, (list, tuple)) and isinstance(right, int):
            return left * right if len(left) * right < MAX_SIZE else UNKNOWN
        if isinstance(op, ast.Pow) and isinstance(left, (int, float)) and isinstance(right, (int, float)):
            return left**right if abs(right) < 64 and abs(left) < 1e6 else UNKNOWN
        function = _BINARY.get(type(op))
        if function is None or not (is_known(left) and is_known(right) and is_data(left) and is_data(right)):
            return UNKNOWN
        if isinstance(op, ast.Mult) and isinstance(left, (str, bytes, int)) and isinstance(right, (str, bytes, int)):
            sizes = [len(x) if isinstance(x, (str, bytes)) else abs(x) for x in (left, right)]
            if not (isinstance(left, int) and isinstance(right, int)) and sizes[0] * sizes[1] > MAX_SIZE:
                return UNKNOWN
        return self.evaluator.guarded(function, [left, right], {})

    def _value_unary_op(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            truth = truth_of(value)
            return UNKNOWN if truth is None else not truth
        if not isinstance(value, (int, float)):
            return UNKNOWN
        return self.evaluator.guarded(_UNARY[type(node.op)], [value], {})

    def _value_bool_op(self, node: ast.BoolOp) -> Value:
        stop_at = isinstance(node.op, ast.Or)
        value: Value = UNKNOWN
        for operand in node.values:
            value = self.value(operand)
            truth = truth_of(value)
            if truth is None:
                return UNKNOWN
            if truth is stop_at:
                return value
        return value

    def _value_compare(self, node: ast.Compare) -> Value:
        left = self.value(node.left)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.value(right_node)
            if not self._comparable(op, left, right):
                return UNKNOWN
            if not self.evaluator.guarded(_COMPARE[type(op)], [left, right], {}):
                return False
            left = right
        return True

    @staticmethod
    def _comparable(op: ast.cmpop, left: Value, right: Value) -> bool:
        if isinstance(op, (ast.Is, ast.IsNot)):
            return left is not UNKNOWN and right is not UNKNOWN and (left is None or right is None)
        if isinstance(op, (ast.In, ast.NotIn)) and isinstance(right, dict):
            return is_known(left) and is_hashable(left) and (REST not in right or left in right)
        return is_known(left) and is_known(right) and is_data(left) and is_data(right)

    def _value_if_exp(self, node: ast.IfExp) -> Value:
        condition = truth_of(self.value(node.test))
        if condition is None:
            first, second = self.value(node.body), self.value(node.orelse)
            return first if same(first, second) else UNKNOWN
        return self.value(node.body if condition else node.orelse)

    def _value_named_expr(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.assign(node.target, value)
        return value

    def _value_subscript(self, node: ast.Subscript) -> Value:
        return item_of(self.value(node.value), self.value(node.slice))

    def _value_slice(self, node: ast.Slice) -> Value:
        parts = [self.value(part) if part else None for part in (node.lower, node.upper, node.step)]
        return slice(*parts) if all(p is None or isinstance(p, int) for p in parts) else UNKNOWN

    def _value_attribute(self, node: ast.Attribute) -> Value:
        owner = self.value(node.value)
        match owner:
            case ModuleValue():
                names = self.evaluator.execute(owner.name).names
                submodule = f"{owner.name}.{node.attr}"
                if node.attr in names:
                    return names[node.attr]
                return ModuleValue(submodule) if self.evaluator.environment(submodule) else UNKNOWN
            case ExternalValue():
                return ExternalValue(f"{owner.name}.{node.attr}")
            case RecordValue():
                return owner.fields.get(node.attr, UNKNOWN)
            case FunctionValue() | ClassValue() if node.attr == "__name__":
                return owner.qualname.rpartition(".")[2]
        return UNKNOWN

    def _value_lambda(self, node: ast.Lambda) -> Value:
        return FunctionValue(self.module, self._qualname("<lambda>"), node, self.environment, self._defaults(node.args))

    def _value_yield(self, node: ast.Yield) -> Value:
        self.is_generator = True
        return UNKNOWN

    _value_yield_from = _value_yield

    def _value_list_comp(self, node: ast.ListComp) -> Value:
        return self._comprehension(node.generators, lambda inner: inner.value(node.elt))

    _value_generator_exp = _value_list_comp

    def _value_set_comp(self, node: ast.SetComp) -> Value:
        items = self._comprehension(node.generators, lambda inner: inner.value(node.elt))
        return set(items) if items is not UNKNOWN and all(map(is_hashable, items)) else UNKNOWN

    def _value_dict_comp(self, node: ast.DictComp) -> Value:
        pairs = self._comprehension(node.generators, lambda inner: (inner.value(node.key), inner.value(node.value)))
        if pairs is UNKNOWN or not all(is_known(key) and is_hashable(key) for key, _ in pairs):
            return {REST: UNKNOWN}
        return dict(pairs)

    def _comprehension(self, generators: list[ast.comprehension], element: Callable[["Expressions"], Value]) -> Any:
        inner = type(self)(self.evaluator, self.module, Environment({}, self.environment), self.qualname)
        results: list[Value] = []
        return results if inner._generate(generators, element, results) else UNKNOWN

    def _generate(
        self, generators: list[ast.comprehension], element: Callable[["Expressions"], Value], results: list[Value]
    ) -> bool:
        """Collect elements; ``False`` when what is iterated over or filtered by is unknown."""
        if not generators:
            results.append(element(self))
            return True
        first, *rest = generators
        items = items_of(self.value(first.iter))
        if items is None:
            return False
        for item in items:
            self.evaluator.step()
            self.assign(first.target, item)
            conditions = [truth_of(self.value(test)) for test in first.ifs]
            if None in conditions:
                return False
            if all(conditions) and not self._generate(rest, element, results):
                return False
        return True

    def _value_call(self, node: ast.Call) -> Value:
        args = self._elements(node.args)
        keywords: dict[Any, Value] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                merge_into(keywords, self.value(keyword.value))
            else:
                keywords[keyword.arg] = self.value(keyword.value)
        evaluator = self.evaluator
        if args is None:
            evaluator.taint([], keywords)
            return UNKNOWN
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value)
            if type(owner) in METHODS:
                return evaluator.call_method(owner, node.func.attr, args, keywords)
        function = self.value(node.func)
        if function is UNKNOWN and isinstance(node.func, ast.Name) and node.func.id in BUILTINS:
            if REST in keywords and node.func.id != "dict":
                return UNKNOWN
            return evaluator.call_builtin(node.func.id, args, keywords)
        return evaluator.call(function, args, keywords)

    def _defaults(self, args: ast.arguments) -> dict[str, Value]:
        positional = [*args.posonlyargs, *args.args]
        defaults: dict[str, Value] = {}
        if args.defaults:
            for argument, default in zip(positional[-len(args.defaults) :], args.defaults, strict=True):
                defaults[argument.arg] = self.value(default)
        for argument, keyword_default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
            if keyword_default is not None:
                defaults[argument.arg] = self.value(keyword_default)
        return defaults

    def _qualname(self, name: str) -> str:
        return f"{self.qualname}.<locals>.{name}" if self.qualname else name


_EVALUATE: dict[type[ast.expr], Callable[[Expressions, Any], Value]] = {
    ast.Constant: Expressions._value_constant,
    ast.Name: Expressions._value_name,
    ast.Tuple: Expressions._value_tuple,
    ast.List: Expressions._value_list,
    ast.Set: Expressions._value_set,
    ast.Dict: Expressions._value_dict,
    ast.JoinedStr: Expressions._value_joined_str,
    ast.BinOp: Expressions._value_bin_op,
    ast.UnaryOp: Expressions._value_unary_op,
    ast.BoolOp: Expressions._value_bool_op,
    ast.Compare: Expressions._value_compare,
    ast.IfExp: Expressions._value_if_exp,
    ast.NamedExpr: Expressions._value_named_expr,
    ast.Subscript: Expressions._value_subscript,
    ast.Slice: Expressions._value_slice,
    ast.Attribute: Expressions._value_attribute,
    ast.Lambda: Expressions._value_lambda,
    ast.Yield: Expressions._value_yield,
    ast.YieldFrom: Expressions._value_yield_from,
    ast.ListComp: Expressions._value_list_comp,
    ast.GeneratorExp: Expressions._value_generator_exp,
    ast.SetComp: Expressions._value_set_comp,
    ast.DictComp: Expressions._value_dict_comp,
    ast.Call: Expressions._value_call,
}
