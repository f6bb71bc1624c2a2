"""Evaluating one expression of timm's source, as far as it can be known."""

import ast
from collections.abc import Callable
from typing import Any, Protocol

from explorer.introspect.evaluator.bounds import MAX_SPLIT, GiveUp
from explorer.introspect.evaluator.interface import Machine
from explorer.introspect.evaluator.objects import Objects
from explorer.introspect.evaluator.operations import (
    copied,
    is_hashable,
    item_of,
    items_of,
    loosen,
    merge_into,
    possible_item,
    taint,
    truth_of,
)
from explorer.introspect.evaluator.operators import binary, compare, formatted, guarded, unary
from explorer.introspect.evaluator.pure import METHODS, MUTATORS, call_method
from explorer.introspect.evaluator.python_library import BUILTIN_NAMES
from explorer.introspect.evaluator.values import (
    REST,
    UNKNOWN,
    Choice,
    ClassValue,
    Environment,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    Keywords,
    Names,
    PartialValue,
    Value,
    is_known,
    join,
    options_of,
)


class Source(Machine, Protocol):
    """What frames need of the machine beside calling: the modules that were read."""

    objects: Objects

    def attribute(self, module: str, name: str) -> Value:
        """What ``from module import name`` binds."""

    def is_internal(self, module: str) -> bool:
        """Whether the module belongs to the packages evaluated."""

    def has_module(self, module: str) -> bool:
        """Whether the module was parsed."""

    def is_package(self, module: str) -> bool:
        """Whether the module is a package."""

    def names_in(self, test: ast.expr) -> list[str]:
        """The names a test looks at."""


class Expressions:
    """Evaluates expressions in one environment.

    Args:
        source: calls functions and imports modules.
        module: the module that the source stands in.
        environment: the names it sees.
        function: the function around it, ``None`` at the top of a module or class.
        qualname: that of the function or class around it, empty at the top of a module.
    """

    def __init__(
        self,
        source: Source,
        module: str,
        environment: Environment,
        function: FunctionValue | None = None,
        qualname: str = "",
    ) -> None:
        self.source = source
        self.objects = source.objects
        self.state = source.state
        self.module = module
        self.environment = environment
        self.function = function
        self.qualname = qualname
        self.cls: ClassValue | None = None
        self.outer_names: set[str] | None = None
        self.yields: list[Value] | None = None

    @property
    def closure(self) -> Environment:
        """What functions defined here close over: the names around a class, not those in its body."""
        return (self.environment.parent or self.environment) if self.cls else self.environment

    def value(self, node: ast.expr) -> Value:
        """Evaluate an expression."""
        kind = node.__class__
        if kind is ast.Name:
            name = node.id  # type: ignore[attr-defined]
            names = self.environment.names
            return names[name] if name in names else self._lookup(name)
        if kind is ast.Constant:
            constant: Value = node.value  # type: ignore[attr-defined]
            return constant
        evaluate = _EVALUATE.get(kind)
        return UNKNOWN if evaluate is None else evaluate(self, node)

    def forget(self, node: ast.AST) -> None:
        """Make every name the node binds unknown."""
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                self.environment.names[child.id] = UNKNOWN
            elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.environment.names[child.name] = UNKNOWN

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind a target: a name, a tuple of targets, an item of a container or an attribute."""
        kind = target.__class__
        if kind is ast.Name:
            self.bind_name(target.id, value)  # type: ignore[attr-defined]
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target.elts, value)
        elif isinstance(target, ast.Subscript):
            self._assign_item(self.value(target.value), self.value(target.slice), value, target.lineno)
        elif isinstance(target, ast.Attribute):
            self.objects.set_attribute(self.value(target.value), target.attr, value, target.lineno)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, [REST, possible_item(value)])

    def _unpack(self, targets: list[ast.expr], value: Value) -> None:
        if value.__class__ is tuple and len(value) == len(targets) and ast.Starred not in map(type, targets):
            for target, item in zip(targets, value, strict=True):
                self.assign(target, item)
            return
        starred = next((i for i, t in enumerate(targets) if isinstance(t, ast.Starred)), None)
        parts = [self.iterated(option, targets[0].lineno) for option in options_of(value)] if targets else []
        rows: list[list[Value]] = []
        for part in parts:
            if part is None:
                continue
            if starred is None:
                if len(part) == len(targets):
                    rows.append(part)
            elif len(part) >= len(targets) - 1:
                end = len(part) - (len(targets) - 1 - starred)
                rows.append([*part[:starred], part[starred:end], *part[end:]])
        if not rows and value is not UNKNOWN and None not in parts:
            raise GiveUp
        known = len(rows) == len(parts)
        for i, target in enumerate(targets):
            choices = [row[i] for row in rows]
            if not known:
                choices += [UNKNOWN, *([] if i == starred else [possible_item(value)])]
            inner = target.value if isinstance(target, ast.Starred) else target
            self.assign(inner, join(choices))

    def bind_name(self, name: str, value: Value) -> None:
        """Bind a name where Python would: here, or outside where ``global`` or ``nonlocal`` says so."""
        if not self.outer_names or name not in self.outer_names:
            self.environment.names[name] = value
            return
        environment = self.environment
        while environment.parent is not None:
            environment = environment.parent
            if name in environment.names:
                break
        if environment.parent is None and self.state.frozen:
            return
        if self.state.uncertain:
            value = join([value, environment.names.get(name, UNKNOWN)])
        environment.names[name] = value

    def _assign_item(self, owner: Value, key: Value, value: Value, line: int) -> None:
        if owner.__class__ is Choice:
            for option in owner.options:
                self._assign_item(option, key, join([value, UNKNOWN]), line)
            return
        if isinstance(owner, InstanceValue):
            self.objects.set_item(owner, key, value, line)
            return
        if id(owner) in self.state.frozen:
            return
        settled = isinstance(owner, dict) and is_known(key) and is_hashable(key)
        if not settled and isinstance(owner, list) and isinstance(key, int):
            settled = -len(owner) <= key < len(owner) and REST not in owner
        if settled and isinstance(owner, (dict, list)):
            if self.state.is_weak(owner):
                value = join([value, item_of(owner, key) if not isinstance(owner, dict) or key in owner else UNKNOWN])
            owner[key] = value  # type: ignore[index]
        elif isinstance(owner, list):
            loosen(owner, [value])
        elif isinstance(owner, dict):
            taint([owner])
            owner[REST] = join([UNKNOWN, value])
        else:
            taint([owner])

    def _lookup(self, name: str) -> Value:
        environment: Environment | None = self.environment
        while environment is not None:
            names = environment.names
            if name in names:
                return names[name]
            environment = environment.parent
        return ExternalValue(f"builtins.{name}") if name in BUILTIN_NAMES else UNKNOWN

    def _value_tuple(self, node: ast.Tuple) -> Value:
        elements = self._elements(node.elts)
        return elements if REST in elements else tuple(elements)

    def _value_list(self, node: ast.List) -> Value:
        return self.state.fresh(self._elements(node.elts))

    def _value_set(self, node: ast.Set) -> Value:
        elements = self._elements(node.elts)
        return self.state.fresh(set(elements)) if all(map(is_hashable, elements)) else UNKNOWN

    def _elements(self, nodes: list[ast.expr]) -> list[Value]:
        elements: list[Value] = []
        for node in nodes:
            if node.__class__ is ast.Starred:
                value = self.value(node.value)
                items = self.iterated(value, node.lineno)
                if items is None:
                    elements += [REST, *options_of(self.objects.possible_item(value, node.lineno))]
                else:
                    elements += items
            else:
                elements.append(self.value(node))
        return elements

    def iterated(self, value: Value, line: int) -> list[Value] | None:
        """What iterating over a value gives, ``None`` when that is not known."""
        if value.__class__ is InstanceValue:
            return self.objects.iterate(value, line)
        return items_of(value)

    def _value_dict(self, node: ast.Dict) -> Value:
        result: Keywords = {}
        for key_node, value_node in zip(node.keys, node.values, strict=True):
            if key_node is None:
                merge_into(result, self.value(value_node))
                continue
            key, value = self.value(key_node), self.value(value_node)
            if is_known(key) and is_hashable(key):
                result[key] = value
            else:
                merge_into(result, UNKNOWN)
                result[REST] = join([UNKNOWN, value])
        return self.state.fresh(result)

    def _value_joined_str(self, node: ast.JoinedStr) -> Value:
        parts: list[str] = []
        known = True
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(str(part.value))
                continue
            assert isinstance(part, ast.FormattedValue)
            text = formatted(
                self.value(part.value), part.conversion, self.value(part.format_spec) if part.format_spec else ""
            )
            if isinstance(text, str):
                parts.append(text)
            else:
                known = False
        return guarded("".join, [[*parts]]) if known else UNKNOWN

    def _value_bin_op(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        for owner, other in ((left, right), (right, left)):
            if owner.__class__ is InstanceValue and (name := _OPERATOR_METHODS.get(type(node.op))):
                return self.objects.call_special(owner, name, [other], node.lineno)
        result = binary(node.op, left, right)
        return self.state.fresh(result) if isinstance(result, (list, dict, set)) else result

    def _value_unary_op(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not):
            truth = truth_of(value)
            return UNKNOWN if truth is None else not truth
        return unary(node.op, value)

    def _value_bool_op(self, node: ast.BoolOp) -> Value:
        stop_at = isinstance(node.op, ast.Or)
        outcomes: list[Value] = []
        for operand in node.values:
            value = self.value(operand)
            truth = truth_of(value)
            if truth is stop_at or operand is node.values[-1]:
                outcomes.append(value)
                break
            if truth is None:
                outcomes += [o for o in options_of(value) if truth_of(o) is not (not stop_at)]
        return join(outcomes)

    def _value_compare(self, node: ast.Compare) -> Value:
        left = self.value(node.left)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.value(right_node)
            if left.__class__ is InstanceValue or right.__class__ is InstanceValue:
                holds = self._compared(op, left, right, node.lineno)
            else:
                holds = compare(op, left, right)
            if right_node is node.comparators[-1]:
                return holds
            if holds is not True:
                return holds
            left = right
        return True

    def _compared(self, op: ast.cmpop, left: Value, right: Value, line: int) -> Value:
        """A comparison with an instance, whose class may define what it means."""
        owner, other = (right, left) if isinstance(op, (ast.In, ast.NotIn)) else (left, right)
        name = _COMPARE_METHODS.get(type(op), "")
        if isinstance(owner, InstanceValue) and self.objects.defines(owner, name):
            truth = truth_of(self.objects.call_special(owner, name, [other], line))
            return UNKNOWN if truth is None else truth is not isinstance(op, ast.NotIn)
        return compare(op, left, right)

    def _value_if_exp(self, node: ast.IfExp) -> Value:
        truth, when_true, when_false = self.condition(node.test)
        if truth is not None:
            return self.value(node.body if truth else node.orelse)
        names = self.environment.names
        outcomes = []
        self.state.uncertain += 1
        for body, refined in ((node.body, when_true), (node.orelse, when_false)):
            self.environment.names = {**names, **refined}
            try:
                outcomes.append(self.value(body))
            except GiveUp:
                continue
        self.state.uncertain -= 1
        self.environment.names = names
        return join(outcomes)

    def condition(self, test: ast.expr) -> tuple[bool | None, Names, Names]:
        """The truth of a test; when that is not known, what a name tested may be where it holds and where not."""
        truth = truth_of(self.value(test))
        if truth is not None:
            return truth, {}, {}
        names = self.environment.names
        for name in self.source.names_in(test):
            value = names.get(name)
            if value.__class__ is not Choice or len(value.options) > MAX_SPLIT:
                continue
            holds: list[Value] = []
            fails: list[Value] = []
            for option in value.options:
                names[name] = option
                try:
                    truth = truth_of(self.value(test))
                except GiveUp:
                    truth = None
                if truth is not False:
                    holds.append(option)
                if truth is not True:
                    fails.append(option)
            names[name] = value
            if holds and fails:
                return None, {name: join(holds)}, {name: join(fails)}
        return None, {}, {}

    def _value_named_expr(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.assign(node.target, value)
        return value

    def _value_subscript(self, node: ast.Subscript) -> Value:
        owner, key = self.value(node.value), self.value(node.slice)
        if any(isinstance(option, InstanceValue) for option in options_of(owner)):
            return join(self.objects.get_item(option, key, node.lineno) for option in options_of(owner))
        if owner.__class__ is ExternalValue:
            return self.objects.external_item(owner, key)
        if owner.__class__ is ClassValue:  # a generic class
            return owner
        return item_of(owner, key)

    def _value_slice(self, node: ast.Slice) -> Value:
        parts = [self.value(part) if part else None for part in (node.lower, node.upper, node.step)]
        return slice(*parts) if all(p is None or isinstance(p, int) for p in parts) else UNKNOWN

    def _value_attribute(self, node: ast.Attribute) -> Value:
        return self.objects.get_attribute(self.value(node.value), node.attr, node.lineno)

    def _value_lambda(self, node: ast.Lambda) -> Value:
        return FunctionValue(
            self.module,
            self._inner_qualname("<lambda>"),
            node,
            self.closure,
            self._defaults(node.args),
            self.function.owner if self.function else None,
        )

    def _value_await(self, node: ast.Await) -> Value:
        self.value(node.value)
        return UNKNOWN

    def _value_yield(self, node: ast.Yield) -> Value:
        value = self.value(node.value) if node.value else None
        self._yielded([value])
        return UNKNOWN

    def _value_yield_from(self, node: ast.YieldFrom) -> Value:
        value = self.value(node.value)
        items = self.iterated(value, node.lineno)
        self._yielded([REST, self.objects.possible_item(value, node.lineno)] if items is None else items)
        return UNKNOWN

    def _yielded(self, values: list[Value]) -> None:
        if self.yields is None:
            self.yields = []
        if self.state.uncertain and REST not in self.yields:
            self.yields.append(REST)
        self.yields += values

    def _value_list_comp(self, node: ast.ListComp) -> Value:
        return self.state.fresh(self._comprehension(node.generators, lambda inner: inner.value(node.elt)))

    _value_generator_exp = _value_list_comp

    def _value_set_comp(self, node: ast.SetComp) -> Value:
        items = self._comprehension(node.generators, lambda inner: inner.value(node.elt))
        return self.state.fresh(set(items)) if all(map(is_hashable, items)) else UNKNOWN

    def _value_dict_comp(self, node: ast.DictComp) -> Value:
        pairs = self._comprehension(node.generators, lambda inner: (inner.value(node.key), inner.value(node.value)))
        result: Keywords = {}
        for pair in pairs:
            if not isinstance(pair, tuple):
                result[REST] = UNKNOWN
                continue
            key, value = pair
            if REST in result or not (is_known(key) and is_hashable(key)):
                result[REST] = join([result.get(REST, UNKNOWN), value])
            else:
                result[key] = value
        return self.state.fresh(result)

    def _comprehension(
        self, generators: list[ast.comprehension], element: Callable[["Expressions"], Value]
    ) -> list[Value]:
        inner = type(self)(self.source, self.module, Environment({}, self.environment), self.function, self.qualname)
        results: list[Value] = []
        inner._generate(generators, 0, element, results)
        return results

    def _generate(
        self,
        generators: list[ast.comprehension],
        index: int,
        element: Callable[["Expressions"], Value],
        results: list[Value],
    ) -> None:
        """Collect elements; where their number is not known, :data:`REST` comes before what may be among them."""
        if index == len(generators):
            results.append(element(self))
            return
        first = generators[index]
        value = self.value(first.iter)
        items = self.iterated(value, first.iter.lineno)
        if items is None or len(items) > self.state.max_rounds:
            results.append(REST)
            items = [self.objects.possible_item(value, first.iter.lineno)]
        for item in items:
            self.state.step()
            self.assign(first.target, item)
            holds: bool | None = True
            for test in first.ifs:
                truth, when_true, _ = self.condition(test)
                self.environment.names.update(when_true)
                holds = truth if holds and truth is not True else holds
                if truth is False:
                    break
            if holds is False:
                continue
            if holds is None and REST not in results:
                results.insert(0, REST)
            self._generate(generators, index + 1, element, results)

    def _value_call(self, node: ast.Call) -> Value:
        func = node.func
        state, objects = self.state, self.objects
        if func.__class__ is ast.Attribute:
            owner = self.value(func.value)
            name = func.attr
            function = None
        else:
            owner, name = None, ""
            is_super = func.__class__ is ast.Name and func.id == "super" and not node.args
            function = self._super() if is_super else self.value(func)
        args = self._elements(node.args) if node.args else []
        keywords: Keywords = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                merge_into(keywords, self.value(keyword.value))
            else:
                keywords[keyword.arg] = self.value(keyword.value)
        if func.__class__ is ast.Attribute:
            if type(owner) in METHODS:
                return self.call_member(owner, name, args, keywords)
            if owner.__class__ is Choice and any(type(o) in METHODS for o in owner.options):
                state.uncertain += 1
                results = [
                    self.call_member(option, name, args, keywords)
                    if type(option) in METHODS
                    else self.source.call(objects.get_attribute(option, name, node.lineno), args, keywords, func.lineno)
                    for option in owner.options
                ]
                state.uncertain -= 1
                return join(results)
            function = objects.get_attribute(owner, name, node.lineno)
        elif function is None:
            return UNKNOWN
        if func.__class__ is ast.Name and func.id in self.environment.names:
            state.called_as = func.id
        result = self.source.call(function, args, keywords, node.lineno)
        state.called_as = None
        if function.__class__ is ExternalValue and isinstance(result, (list, dict, set)):
            self.state.fresh(result)
        return result

    def _super(self) -> Value:
        """``super`` in a method, so that calling it without arguments gives it its class and its first argument."""
        function = self.function
        if function is None or function.owner is None:
            return ExternalValue("builtins.super")
        node = function.node.args
        first = next(iter([*node.posonlyargs, *node.args]), None)
        owner = self.environment.names.get(first.arg, UNKNOWN) if first else UNKNOWN
        return PartialValue(ExternalValue("builtins.super"), (function.owner, owner), {})

    def call_member(self, owner: Value, name: str, args: list[Value], keywords: Keywords) -> Value:
        """Call a method of plain data."""
        if REST in args:
            args = [*args[: args.index(REST)], UNKNOWN]
        if name in MUTATORS and id(owner) in self.state.frozen:
            owner = copied(owner)
        return call_method(owner, name, args, keywords, self.state.is_weak(owner))

    def _defaults(self, args: ast.arguments) -> Names:
        defaults: Names = {}
        if args.defaults:
            positional = [*args.posonlyargs, *args.args]
            for argument, default in zip(positional[-len(args.defaults) :], args.defaults, strict=True):
                defaults[argument.arg] = self.value(default)
        for argument, keyword_default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
            if keyword_default is not None:
                defaults[argument.arg] = self.value(keyword_default)
        return defaults

    def _inner_qualname(self, name: str) -> str:
        if not self.qualname:
            return name
        return f"{self.qualname}.<locals>.{name}" if self.function else f"{self.qualname}.{name}"


_OPERATOR_METHODS: dict[type[ast.operator], str] = {
    ast.Add: "__add__",
    ast.Sub: "__sub__",
    ast.Mult: "__mul__",
    ast.Div: "__truediv__",
    ast.MatMult: "__matmul__",
}

_COMPARE_METHODS: dict[type[ast.cmpop], str] = {
    ast.In: "__contains__",
    ast.NotIn: "__contains__",
    ast.Eq: "__eq__",
    ast.NotEq: "__ne__",
    ast.Lt: "__lt__",
    ast.LtE: "__le__",
    ast.Gt: "__gt__",
    ast.GtE: "__ge__",
}

_EVALUATE: dict[type[ast.AST], Callable[[Expressions, Any], Value]] = {
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
    ast.Await: Expressions._value_await,
    ast.Yield: Expressions._value_yield,
    ast.YieldFrom: Expressions._value_yield_from,
    ast.ListComp: Expressions._value_list_comp,
    ast.GeneratorExp: Expressions._value_generator_exp,
    ast.SetComp: Expressions._value_set_comp,
    ast.DictComp: Expressions._value_dict_comp,
    ast.Call: Expressions._value_call,
}
