"""Compiling the expressions of timm's source to closures that evaluate them, as far as they can be known.

An expression is compiled once and evaluated for every set of arguments its function is called with, so whatever the
syntax alone decides (which names, which operator, which arguments are starred) is decided here and not again.
"""

import ast
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from explorer.introspect.evaluator.activation import Activation
from explorer.introspect.evaluator.bounds import MAX_EXACT, MAX_NESTING, MAX_SPLIT, GiveUp, OutOfSteps
from explorer.introspect.evaluator.operations import (
    BINARY,
    COMPARE,
    binary,
    compare,
    formatted,
    guarded,
    is_hashable,
    merge_into,
    possible_item,
    taint,
    truth_of,
    unary,
)
from explorer.introspect.evaluator.values import (
    REST,
    UNKNOWN,
    Choice,
    ClassValue,
    FunctionNode,
    FunctionValue,
    InstanceValue,
    Keywords,
    Names,
    SuperValue,
    Unknown,
    Value,
    is_known,
    join,
    options_of,
    unknown_from,
)

Expression: TypeAlias = Callable[[Activation], Value]
Condition: TypeAlias = Callable[[Activation], tuple[bool | None, Names, Names]]
"""Gives the truth of a test; when that is not known, what a name tested may be where it holds and where not."""
Assignment: TypeAlias = Callable[[Activation, Value], None]
Elements: TypeAlias = Callable[[Activation], list[Value]]
_Arguments: TypeAlias = Callable[[Activation], tuple[list[Value], Keywords]]
_Collector: TypeAlias = Callable[[Activation, list[Value]], None]
_C = TypeVar("_C")

_UNREFINED: Names = {}
"""Shared by all conditions that refine no name, and so never to be changed."""


class ExpressionCompiler:
    """Compiles expressions, and targets of assignments.

    What is nested deeper than :data:`MAX_NESTING` evaluates to unknown: together with the bound on calls inside calls
    that bounds how deep closures call each other.
    """

    def __init__(self) -> None:
        self._nesting = 0
        self.compares_sizes = False
        """Whether what was compiled since it was last unset compares with a size or a fraction."""
        self._names: dict[str, Expression] = {}
        self._constants: dict[tuple[type, object], Expression] = {}
        """Names and constants are half of all expressions, and few of them differ: each is compiled once."""

    def expression(self, node: ast.expr) -> Expression:
        """The closure that evaluates an expression."""
        return self.compiled(node, _unknown)

    def compiled(self, node: ast.AST, otherwise: _C) -> _C:
        """What the method named after the kind of syntax makes of it; ``otherwise`` where none does."""
        compiling: Callable[[Any], _C] | None = getattr(self, f"_{node.__class__.__name__.lower()}", None)
        if compiling is None or self._nesting >= MAX_NESTING:
            return otherwise
        self._nesting += 1
        try:
            return compiling(node)
        finally:
            self._nesting -= 1

    def _constant(self, node: ast.Constant) -> Expression:
        value: Value = node.value
        key = (value.__class__, value)
        return self._constants.setdefault(key, lambda frame: value)

    def _name(self, node: ast.Name) -> Expression:
        name = node.id

        def evaluate(frame: Activation) -> Value:
            names = frame.environment.names
            return names[name] if name in names else frame.lookup(name)

        return self._names.setdefault(name, evaluate)

    # containers

    def elements(self, nodes: list[ast.expr]) -> Elements:
        """The closure that evaluates what stands between brackets or as positional arguments."""
        parts = [self.expression(node) for node in nodes if not isinstance(node, ast.Starred)]
        if len(parts) == len(nodes):
            if len(parts) == 1:
                only = parts[0]
                return lambda frame: [only(frame)]
            return lambda frame: [part(frame) for part in parts]
        mixed = [
            (self.expression(node.value if isinstance(node, ast.Starred) else node), isinstance(node, ast.Starred))
            for node in nodes
        ]
        lines = [node.lineno for node in nodes]

        def evaluate(frame: Activation) -> list[Value]:
            elements: list[Value] = []
            for (part, is_starred), line in zip(mixed, lines, strict=True):
                value = part(frame)
                if not is_starred:
                    elements.append(value)
                    continue
                elements += frame.objects.listed(value, line)
            return elements

        return evaluate

    def _tuple(self, node: ast.Tuple) -> Expression:
        elements = self.elements(node.elts)

        def evaluate(frame: Activation) -> Value:
            items = elements(frame)
            return items if REST in items else tuple(items)

        return evaluate

    def _list(self, node: ast.List) -> Expression:
        elements = self.elements(node.elts)
        return lambda frame: frame.state.fresh(elements(frame))

    def _set(self, node: ast.Set) -> Expression:
        elements = self.elements(node.elts)
        return lambda frame: _made_set(frame, elements(frame))

    def _dict(self, node: ast.Dict) -> Expression:
        pairs = [
            (self.expression(key) if key else None, self.expression(value))
            for key, value in zip(node.keys, node.values, strict=True)
        ]

        def evaluate(frame: Activation) -> Value:
            result: Keywords = {}
            for key_part, value_part in pairs:
                if key_part is None:
                    merge_into(result, value_part(frame))
                    continue
                key, value = key_part(frame), value_part(frame)
                if is_known(key) and is_hashable(key):
                    result[key] = value
                else:
                    merge_into(result, UNKNOWN)
                    result[REST] = join([UNKNOWN, value])
            return frame.state.fresh(result)

        return evaluate

    def _joinedstr(self, node: ast.JoinedStr) -> Expression:
        parts = [self.expression(part) for part in node.values]

        def evaluate(frame: Activation) -> Value:
            texts = [part(frame) for part in parts]
            return guarded("".join, [texts]) if all(isinstance(text, str) for text in texts) else unknown_from(*texts)

        return evaluate

    def _formattedvalue(self, node: ast.FormattedValue) -> Expression:
        value, conversion = self.expression(node.value), node.conversion
        spec = self.expression(node.format_spec) if node.format_spec else None
        return lambda frame: formatted(value(frame), conversion, spec(frame) if spec else "")

    # operators

    def _binop(self, node: ast.BinOp) -> Expression:
        left_part, right_part = self.expression(node.left), self.expression(node.right)
        operator, line = node.op.__class__, node.lineno
        method = _OPERATOR_METHODS.get(operator)

        def evaluate(frame: Activation) -> Value:
            left, right = left_part(frame), right_part(frame)
            if method is not None:
                if left.__class__ is InstanceValue:
                    return frame.objects.call_special(left, method, [right], line)
                if right.__class__ is InstanceValue:
                    return frame.objects.call_special(right, method, [left], line)
            result = binary(operator, left, right)
            return frame.state.fresh(result) if isinstance(result, (list, dict, set)) else result

        return evaluate

    def _unaryop(self, node: ast.UnaryOp) -> Expression:
        operand, operator = self.expression(node.operand), node.op.__class__
        if operator is not ast.Not:
            return lambda frame: unary(operator, operand(frame))

        def negated(frame: Activation) -> Value:
            truth = truth_of(operand(frame))
            return UNKNOWN if truth is None else not truth

        return negated

    def _boolop(self, node: ast.BoolOp) -> Expression:
        *parts, last = [self.expression(value) for value in node.values]
        stop_at = isinstance(node.op, ast.Or)

        def evaluate(frame: Activation) -> Value:
            outcomes: list[Value] = []
            for part in parts:
                value = part(frame)
                truth = truth_of(value)
                if truth is stop_at:
                    return join([*outcomes, value]) if outcomes else value
                if truth is None:
                    outcomes += [o for o in options_of(value) if truth_of(o) is not (not stop_at)]
            value = last(frame)
            return join([*outcomes, value]) if outcomes else value

        return evaluate

    def _compare(self, node: ast.Compare) -> Expression:
        first, line = self.expression(node.left), node.lineno
        self.compares_sizes |= any(map(_is_size, (node.left, *node.comparators)))
        rest = [
            (operator.__class__, self.expression(right))
            for operator, right in zip(node.ops, node.comparators, strict=True)
        ]
        if len(rest) == 1:  # as nearly all are: without the loop a graph is made a hundredth sooner
            operator, second = rest[0]
            return lambda frame: _compared(frame, operator, first(frame), second(frame), line)

        def evaluate(frame: Activation) -> Value:
            left = first(frame)
            holds: Value = True
            for operator, part in rest:
                right = part(frame)
                holds = _compared(frame, operator, left, right, line)
                if holds is not True:
                    return holds
                left = right
            return holds

        return evaluate

    # conditions

    def condition(self, test: ast.expr) -> Condition:
        """The closure that decides a test."""
        evaluate = self.expression(test)
        tested: list[str] = []

        def decide(frame: Activation) -> tuple[bool | None, Names, Names]:
            value = evaluate(frame)
            truth = value if value.__class__ is bool else truth_of(value)
            if truth is not None:
                return truth, _UNREFINED, _UNREFINED
            if not tested:  # most tests are always decided, so that their names are not looked for before
                tested.extend(dict.fromkeys(n.id for n in ast.walk(test) if isinstance(n, ast.Name)))
            return _refined(frame, evaluate, tested)

        return decide

    def _ifexp(self, node: ast.IfExp) -> Expression:
        condition, body, orelse = self.condition(node.test), self.expression(node.body), self.expression(node.orelse)

        def evaluate(frame: Activation) -> Value:
            truth, when_true, when_false = condition(frame)
            if truth is not None:
                return body(frame) if truth else orelse(frame)
            names = frame.environment.names
            outcomes = []
            frame.state.uncertain += 1
            for branch, refined in ((body, when_true), (orelse, when_false)):
                frame.environment.names = {**names, **refined}
                try:
                    outcomes.append(branch(frame))
                except (GiveUp, OutOfSteps):
                    continue
            frame.state.uncertain -= 1
            frame.environment.names = names
            return join(outcomes)

        return evaluate

    def _namedexpr(self, node: ast.NamedExpr) -> Expression:
        part, assign = self.expression(node.value), self.target(node.target)

        def evaluate(frame: Activation) -> Value:
            value = part(frame)
            assign(frame, value)
            return value

        return evaluate

    # parts of values

    def _subscript(self, node: ast.Subscript) -> Expression:
        owner, key, line = self.expression(node.value), self.expression(node.slice), node.lineno
        return lambda frame: frame.objects.get_item(owner(frame), key(frame), line)

    def _slice(self, node: ast.Slice) -> Expression:
        bounds = [self.expression(part) if part else None for part in (node.lower, node.upper, node.step)]

        def evaluate(frame: Activation) -> Value:
            parts = [part(frame) if part else None for part in bounds]
            return slice(*parts) if all(p is None or isinstance(p, int) for p in parts) else UNKNOWN

        return evaluate

    def _attribute(self, node: ast.Attribute) -> Expression:
        owner, name, line = self.expression(node.value), node.attr, node.lineno
        return lambda frame: frame.objects.get_attribute(owner(frame), name, line)

    # functions

    def _lambda(self, node: ast.Lambda) -> Expression:
        define = self.function(node, "<lambda>")
        return lambda frame: define(frame, frame.function.owner if frame.function else None)

    def function(self, node: FunctionNode, name: str) -> Callable[[Activation, ClassValue | None], FunctionValue]:
        """The closure that makes a function of the class, with the defaults its parameters have by then."""
        args = node.args
        positional = [*args.posonlyargs, *args.args]
        last = zip(positional[len(positional) - len(args.defaults) :], args.defaults, strict=True)
        named = zip(args.kwonlyargs, args.kw_defaults, strict=True)
        parts = [(a.arg, self.expression(default)) for a, default in (*last, *named) if default is not None]

        def define(frame: Activation, owner: ClassValue | None) -> FunctionValue:
            defaults = {parameter: default(frame) for parameter, default in parts}
            return FunctionValue(frame.module, frame.inner_qualname(name), node, frame.closure, defaults, owner)

        return define

    def _await(self, node: ast.Await) -> Expression:
        awaited = self.expression(node.value)
        return lambda frame: _unknown(frame, awaited(frame))

    def _yield(self, node: ast.Yield) -> Expression:
        value = self.expression(node.value or ast.Constant(None))
        return lambda frame: _yielded(frame, [value(frame)])

    def _yieldfrom(self, node: ast.YieldFrom) -> Expression:
        part, line = self.expression(node.value), node.lineno

        def evaluate(frame: Activation) -> Value:
            value = part(frame)
            items = frame.objects.iterate(value, line)
            return _yielded(frame, [REST, frame.objects.possible_item(value, line)] if items is None else items)

        return evaluate

    # comprehensions

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp) -> Expression:
        items = self._comprehension(node.generators, self.expression(node.elt))
        return lambda frame: frame.state.fresh(items(frame))

    _generatorexp = _listcomp

    def _setcomp(self, node: ast.SetComp) -> Expression:
        items = self._comprehension(node.generators, self.expression(node.elt))
        return lambda frame: _made_set(frame, items(frame))

    def _dictcomp(self, node: ast.DictComp) -> Expression:
        key_part, value_part = self.expression(node.key), self.expression(node.value)
        pairs = self._comprehension(node.generators, lambda frame: (key_part(frame), value_part(frame)))

        def evaluate(frame: Activation) -> Value:
            result: Keywords = {}
            for pair in pairs(frame):
                if not isinstance(pair, tuple):  # REST
                    result[REST] = UNKNOWN
                    continue
                key, value = pair
                if REST in result or not (is_known(key) and is_hashable(key)):
                    result[REST] = join([result.get(REST, UNKNOWN), value])
                else:
                    result[key] = value
            return frame.state.fresh(result)

        return evaluate

    def _comprehension(self, generators: list[ast.comprehension], element: Expression) -> Elements:
        """Elements; where their number is not known, :data:`REST` comes before what may be among them."""

        def innermost(frame: Activation, results: list[Value]) -> None:
            results.append(element(frame))

        collect: _Collector = innermost
        for generator in reversed(generators):
            collect = self._generator(generator, collect)

        def evaluate(frame: Activation) -> list[Value]:
            results: list[Value] = []
            collect(frame.inner(), results)
            return results

        return evaluate

    def _generator(self, node: ast.comprehension, collect: _Collector) -> _Collector:
        """One ``for`` of a comprehension around what is collected for each of its items."""
        iterable, line = self.expression(node.iter), node.iter.lineno
        assign = self.target(node.target)
        tests = [self.condition(test) for test in node.ifs]

        def generate(frame: Activation, results: list[Value]) -> None:
            value = iterable(frame)
            items = frame.objects.iterate(value, line)
            if items is None or len(items) > frame.state.max_rounds:
                results.append(REST)
                items = [frame.objects.possible_item(value, line)]
            for item in items:
                frame.state.step()
                assign(frame, item)
                holds = _passes(frame, tests)
                if holds is False:
                    continue
                if holds is None and REST not in results:
                    results.insert(0, REST)
                collect(frame, results)

        return generate

    # calls

    def _call(self, node: ast.Call) -> Expression:
        arguments = self._arguments(node)
        if isinstance(node.func, ast.Attribute):
            return self._method_call(node, node.func, arguments)
        called, line = self.expression(node.func), node.lineno
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name == "super" and not node.args:
            return _super

        def evaluate(frame: Activation) -> Value:
            function = called(frame)
            args, keywords = arguments(frame)
            if function is None:
                return UNKNOWN
            state = frame.state
            if name is not None and name in frame.environment.names:
                state.called_as = name
            result = frame.machine.call(function, args, keywords, line)
            state.called_as = None
            return result

        return evaluate

    def _method_call(self, node: ast.Call, func: ast.Attribute, arguments: _Arguments) -> Expression:
        owner_part, name, line = self.expression(func.value), func.attr, node.lineno

        def evaluate(frame: Activation) -> Value:
            owner = owner_part(frame)
            args, keywords = arguments(frame)
            function = frame.objects.get_attribute(owner, name, line)
            if function.__class__ is Unknown:
                taint([owner])
            result = frame.machine.call(function, args, keywords, line)
            frame.state.called_as = None
            return result

        return evaluate

    def _arguments(self, node: ast.Call) -> _Arguments:
        positional = self.elements(node.args)
        named = [(keyword.arg, self.expression(keyword.value)) for keyword in node.keywords]
        if not named:
            return lambda frame: (positional(frame), {})

        def evaluate(frame: Activation) -> tuple[list[Value], Keywords]:
            args = positional(frame)
            keywords: Keywords = {}
            for name, part in named:
                if name is None:
                    merge_into(keywords, part(frame))
                else:
                    keywords[name] = part(frame)
            return args, keywords

        return evaluate

    # targets

    def target(self, node: ast.expr) -> Assignment:
        """The closure that binds a target: a name, a tuple of targets, an item of a container or an attribute."""
        match node:
            case ast.Name(id=name):
                return lambda frame, value: frame.bind_name(name, value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                return self._unpacking(targets)
            case ast.Subscript():
                owner, key, line = self.expression(node.value), self.expression(node.slice), node.lineno
                return lambda frame, value: frame.objects.set_item(owner(frame), key(frame), value, line)
            case ast.Attribute():
                owner, name, line = self.expression(node.value), node.attr, node.lineno
                return lambda frame, value: frame.objects.set_attribute(owner(frame), name, value, line)
            case ast.Starred():
                starred = self.target(node.value)
                return lambda frame, value: starred(frame, [REST, possible_item(value)])
        return lambda frame, value: None

    def _unpacking(self, targets: list[ast.expr]) -> Assignment:
        starred = next((i for i, t in enumerate(targets) if isinstance(t, ast.Starred)), None)
        parts = [self.target(t.value if isinstance(t, ast.Starred) else t) for t in targets]
        line = targets[0].lineno if targets else 0

        def assign(frame: Activation, value: Value) -> None:
            if starred is None and value.__class__ is tuple and len(value) == len(parts):
                for part, item in zip(parts, value, strict=True):
                    part(frame, item)
                return
            iterated = [frame.objects.iterate(option, line) for option in options_of(value)] if parts else []
            rows = [row for items in iterated if items is not None and (row := _row(items, len(parts), starred))]
            if not rows and value.__class__ is not Unknown and None not in iterated:
                raise GiveUp
            for i, part in enumerate(parts):
                choices = [row[i] for row in rows]
                if len(rows) < len(iterated):
                    choices += [UNKNOWN, *([] if i == starred else [possible_item(value)])]
                part(frame, join(choices))

        return assign


def _row(items: list[Value], count: int, starred: int | None) -> list[Value] | None:
    """The items as so many targets get them, ``None`` where Python would refuse."""
    if starred is None:
        return items if len(items) == count else None
    if len(items) < count - 1:
        return None
    end = len(items) - (count - 1 - starred)
    return [*items[:starred], items[starred:end], *items[end:]]


def _unknown(frame: Activation, evaluated: Value = None) -> Value:
    return UNKNOWN


def _made_set(frame: Activation, items: list[Value]) -> Value:
    return frame.state.fresh(set(items)) if all(map(is_hashable, items)) else UNKNOWN


def _is_size(node: ast.expr) -> bool:
    """Whether it is a number by whose like calls are not told apart otherwise (:func:`key_of`)."""
    value = node.value if isinstance(node, ast.Constant) else None
    return (isinstance(value, int) and value > MAX_EXACT) or (isinstance(value, float) and value not in (0.0, 1.0))


def _compared(frame: Activation, operator: type[ast.cmpop], left: Value, right: Value, line: int) -> Value:
    """A comparison; the class of an instance may define what it means."""
    if left.__class__ is InstanceValue or right.__class__ is InstanceValue:
        is_in = operator is ast.In or operator is ast.NotIn
        owner, other = (right, left) if is_in else (left, right)
        method = _COMPARE_METHODS[operator]
        if isinstance(owner, InstanceValue) and frame.objects.defines(owner, method):
            truth = truth_of(frame.objects.call_special(owner, method, [other], line))
            return UNKNOWN if truth is None else truth is not (operator is ast.NotIn)
    return compare(operator, left, right)


def _refined(frame: Activation, evaluate: Expression, tested: list[str]) -> tuple[None, Names, Names]:
    """What the first name that a test depends on may be where it holds and where not, by trying all it may be."""
    names = frame.environment.names
    for name in tested:
        value = names.get(name)
        if value.__class__ is not Choice or len(value.options) > MAX_SPLIT:
            continue
        holds: list[Value] = []
        fails: list[Value] = []
        for option in value.options:
            names[name] = option
            try:
                truth = truth_of(evaluate(frame))
            except (GiveUp, OutOfSteps):
                truth = None
            if truth is not False:
                holds.append(option)
            if truth is not True:
                fails.append(option)
        names[name] = value
        if holds and fails:
            return None, {name: join(holds)}, {name: join(fails)}
    return None, _UNREFINED, _UNREFINED


def _passes(frame: Activation, tests: list[Condition]) -> bool | None:
    """Whether an item of a comprehension passes its tests."""
    holds: bool | None = True
    for test in tests:
        truth, when_true, _ = test(frame)
        frame.environment.names.update(when_true)
        if truth is False:
            return False
        if truth is None:
            holds = None
    return holds


def _yielded(frame: Activation, values: list[Value]) -> Value:
    """Note what a generator gives; what it is sent is not known."""
    if frame.yields is None:
        frame.yields = []
    if frame.state.uncertain and REST not in frame.yields:
        frame.yields.append(REST)
    frame.yields += values
    return UNKNOWN


def _super(frame: Activation) -> Value:
    """``super()`` in a method, which knows its class and its first argument."""
    function = frame.function
    if function is None or function.owner is None:
        return UNKNOWN
    args = function.node.args
    first = next(iter([*args.posonlyargs, *args.args]), None)
    owner = frame.environment.names.get(first.arg, UNKNOWN) if first else UNKNOWN
    return SuperValue(function.owner, owner)


_OPERATOR_METHODS = {kind: f"__{function.__name__.strip('_')}__" for kind, function in BINARY.items()}
_COMPARE_METHODS = {
    **{kind: f"__{function.__name__}__" for kind, function in COMPARE.items()},
    **dict.fromkeys((ast.In, ast.NotIn), "__contains__"),
}
