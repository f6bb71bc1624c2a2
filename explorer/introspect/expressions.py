"""Evaluating one expression of timm's source, as far as it is data."""

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from explorer.introspect.operations import (
    has_rest,
    is_hashable,
    item_of,
    items_of,
    merge_into,
    same,
    taint,
    truth_of,
)
from explorer.introspect.operators import binary, compare, formatted, guarded, unary
from explorer.introspect.pure import BUILTINS, METHODS, call_builtin, call_method
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
    is_known,
)

if TYPE_CHECKING:
    from explorer.introspect.evaluate import Evaluator


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
        self.outer_names: set[str] = set()
        self.may_have_returned = False
        self.may_have_broken = False

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
            self._bind_name(target.id, value)
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

    def _bind_name(self, name: str, value: Value) -> None:
        if self.may_have_left and not same(self.environment.names.get(name, UNKNOWN), value):
            value = UNKNOWN
        environment = self.environment
        if name in self.outer_names:
            while environment.parent is not None:
                environment = environment.parent
                if name in environment.names:
                    break
            if self.evaluator.is_uncertain:
                value = UNKNOWN
        environment.names[name] = value

    @property
    def may_have_left(self) -> bool:
        """Whether an unknown condition may have ended the function or the loop before this point."""
        return self.may_have_returned or self.may_have_broken

    def _assign_item(self, owner: Value, key: Value, value: Value) -> None:
        if self.evaluator.is_uncertain:
            value = UNKNOWN
        if (isinstance(owner, dict) and is_hashable(key) and is_known(key)) or (
            isinstance(owner, list) and not has_rest(owner) and isinstance(key, int) and -len(owner) <= key < len(owner)
        ):
            owner[key] = value
        else:
            taint([owner])

    def _value_constant(self, node: ast.Constant) -> Value:
        return node.value

    def _value_name(self, node: ast.Name) -> Value:
        return self._lookup(node.id)

    def _lookup(self, name: str) -> Value:
        environment = self._binding(name)
        return UNKNOWN if environment is None else environment.names[name]

    def _binding(self, name: str) -> Environment | None:
        """Where a name is bound, innermost first."""
        environment: Environment | None = self.environment
        while environment is not None and name not in environment.names:
            environment = environment.parent
        return environment

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
            text = formatted(
                self.value(part.value), part.conversion, self.value(part.format_spec) if part.format_spec else ""
            )
            if text is UNKNOWN:
                return UNKNOWN
            parts.append(text)
        return guarded("".join, [parts])

    def _value_bin_op(self, node: ast.BinOp) -> Value:
        return binary(node.op, self.value(node.left), self.value(node.right))

    def _value_unary_op(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            truth = truth_of(value)
            return UNKNOWN if truth is None else not truth
        return unary(node.op, value)

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
            holds = compare(op, left, right)
            if holds is not True:
                return holds
            left = right
        return True

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
        if args is None:
            taint(keywords.values())
            return UNKNOWN
        if isinstance(node.func, ast.Attribute):
            owner = self.value(node.func.value)
            if type(owner) in METHODS:
                return call_method(owner, node.func.attr, args, keywords, self.evaluator.is_uncertain)
        elif isinstance(node.func, ast.Name) and node.func.id in BUILTINS and self._binding(node.func.id) is None:
            return call_builtin(node.func.id, args, keywords)
        return self.evaluator.call(self.value(node.func), args, keywords)

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
