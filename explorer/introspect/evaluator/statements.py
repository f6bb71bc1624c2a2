"""Compiling the statements of timm's source to closures that execute them, on every branch left open.

A block of statements gives true when it certainly leaves the block around it, by ``return``, ``raise``, ``break`` or
``continue``: nothing after it is executed then.
"""

import ast
import functools
from collections.abc import Callable, Iterable
from typing import TypeAlias

from explorer.introspect.evaluator.activation import Activation, Loop
from explorer.introspect.evaluator.bounds import GiveUp, NoSuchModule
from explorer.introspect.evaluator.expressions import Condition, Expression, ExpressionCompiler
from explorer.introspect.evaluator.interface import attempt
from explorer.introspect.evaluator.operations import (
    binary,
    compare,
    has_rest,
    is_hashable,
    same,
    taint,
    truth_of,
)
from explorer.introspect.evaluator.program_text import RUNNERS, running
from explorer.introspect.evaluator.surroundings import check_import
from explorer.introspect.evaluator.torch_modules import is_list
from explorer.introspect.evaluator.values import (
    ATOMS,
    DEFINITIONS,
    UNKNOWN,
    ClassValue,
    DescriptorValue,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    MemberValue,
    ModuleValue,
    Names,
    PartialValue,
    Unknown,
    Value,
    is_known,
    join,
    key_of,
    options_of,
)
from explorer.introspect.reading.parse import Import, import_bindings

Statement: TypeAlias = Callable[[Activation], bool | None]
Block: TypeAlias = Callable[[Activation], bool]
_Alternative: TypeAlias = tuple[Block, Names, list[ast.stmt]]
"""A body, what names are known to be where it is executed, and its syntax."""
_Match: TypeAlias = tuple[bool | None, Names]
"""Whether a pattern matches (``None`` when that is not known), and the names bound where it does."""
_Pattern: TypeAlias = Callable[[Activation, Value], _Match]


class Compiler(ExpressionCompiler):
    """Compiles statements."""

    def block(self, body: list[ast.stmt]) -> Block:
        """The closure that executes statements in order, as far as they do not leave; whether one did.

        A statement that fails makes unknown all that it touches, but for one inside a ``try``: that leads to a handler.
        """
        steps = [(self.statement(node), node) for node in body]

        def run(frame: Activation) -> bool:
            for execute, node in steps:
                try:
                    if execute(frame):
                        return True
                except GiveUp:
                    if frame.trying:
                        raise
                    frame.give_up(node)
            return False

        return run

    def statement(self, node: ast.stmt) -> Statement:
        """The closure that executes one statement; true when it certainly leaves the block around it."""
        return self.compiled(node, lambda frame: frame.give_up(node))

    def _call(self, node: ast.Call) -> Expression:
        if not (isinstance(node.func, ast.Name) and node.func.id in RUNNERS and node.args):
            return super()._call(node)
        name, run = node.func.id, running(self, node)
        # Compiled when it is wanted: what stands inside each other would be compiled twice at every level.
        call = functools.cache(super()._call)
        # No other name than the builtin's own stands for nothing.
        return lambda frame: (run if frame.lookup(name) is UNKNOWN else call(node))(frame)

    def _expr(self, node: ast.Expr) -> Statement:
        return _nothing if node.value.__class__ is ast.Constant else self._evaluated(node.value)

    def _assert(self, node: ast.Assert) -> Statement:
        return self._evaluated(node.test)

    def _evaluated(self, node: ast.expr) -> Statement:
        """An expression evaluated for what it calls."""
        evaluate = self.expression(node)

        def run(frame: Activation) -> None:
            evaluate(frame)

        return run

    def _pass(self, node: ast.Pass) -> Statement:
        return _nothing

    def _global(self, node: ast.Global | ast.Nonlocal) -> Statement:
        return lambda frame: frame.outer_names.update(node.names)

    _nonlocal = _global

    # leaving

    def _return(self, node: ast.Return) -> Statement:
        value = self.expression(node.value or ast.Constant(None))

        def run(frame: Activation) -> bool:
            frame.returns.append(value(frame))
            return True

        return run

    def _raise(self, node: ast.Raise) -> Statement:
        raised, line = self.expression(node.exc or ast.Constant(None)), node.lineno

        def run(frame: Activation) -> bool:
            exception = raised(frame)
            for cls in options_of(exception):
                if isinstance(cls, ClassValue):  # Python makes the instance
                    attempt(frame.machine, cls, [], {}, line)
            if frame.trying:
                raise GiveUp
            return True

        return run

    def _break(self, node: ast.Break) -> Statement:
        return lambda frame: frame.leave_round(lambda loop: loop.breaks)

    def _continue(self, node: ast.Continue) -> Statement:
        return lambda frame: frame.leave_round(lambda loop: loop.continues)

    # binding

    def _assign(self, node: ast.Assign) -> Statement:
        evaluate = self.expression(node.value)
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id

            def bind(frame: Activation) -> None:
                value = evaluate(frame)
                if frame.outer_names:
                    frame.bind_name(name, value)
                else:
                    frame.environment.names[name] = value

            return bind
        targets = [self.target(target) for target in node.targets]

        def run(frame: Activation) -> None:
            value = evaluate(frame)
            for assign in targets:
                assign(frame, value)

        return run

    def _annassign(self, node: ast.AnnAssign) -> Statement:
        if node.value is None:
            return _nothing
        evaluate, assign = self.expression(node.value), self.target(node.target)
        return lambda frame: assign(frame, evaluate(frame))

    def _augassign(self, node: ast.AugAssign) -> Statement:
        former, evaluate = self.expression(node.target), self.expression(node.value)
        assign, operator = self.target(node.target), node.op.__class__

        def run(frame: Activation) -> None:
            old, new = former(frame), evaluate(frame)
            if operator is ast.Add and (isinstance(old, list) or is_list(frame.objects, old)):
                frame.machine.call(MemberValue(old, "extend"), [new], {})
            elif isinstance(old, (dict, set)):
                taint([old])
            else:
                assign(frame, binary(operator, old, new))

        return run

    def _delete(self, node: ast.Delete) -> Statement:
        deletions = [self._deletion(target) for target in node.targets]

        def run(frame: Activation) -> None:
            for delete in deletions:
                delete(frame)

        return run

    def _deletion(self, target: ast.expr) -> Callable[[Activation], object]:
        if isinstance(target, ast.Name):
            name = target.id
            return lambda frame: frame.environment.names.pop(name, None)
        if isinstance(target, ast.Subscript):
            owner, key, line = self.expression(target.value), self.expression(target.slice), target.lineno
            return lambda frame: frame.objects.delete_item(owner(frame), key(frame), line)
        return _nothing

    # branches

    def _if(self, node: ast.If) -> Statement:
        condition, body, orelse = self.condition(node.test), self.block(node.body), self.block(node.orelse)

        def run(frame: Activation) -> bool:
            truth, when_true, when_false = condition(frame)
            if truth is not None:
                return body(frame) if truth else orelse(frame)
            return _branches(frame, [(body, when_true, node.body), (orelse, when_false, node.orelse)])

        return run

    def _try(self, node: ast.Try) -> Statement:
        """The body is taken to succeed unless it certainly fails; what handlers do may happen as well."""
        body, orelse, final = self.block(node.body), self.block(node.orelse), self.block(node.finalbody)
        handlers = [(handler.name, self.block(handler.body)) for handler in node.handlers]
        of_imports = [handler for handler, node in zip(handlers, node.handlers, strict=True) if _catches_import(node)]
        only_imports = all(isinstance(statement, _IMPORTING) for statement in node.body)

        def run(frame: Activation) -> bool:
            before = dict(frame.environment.names)
            failure, left = _tried(frame, body)
            if frame.state.is_own and (isinstance(failure, NoSuchModule) or (only_imports and not failure)):
                # Here it is known which way it goes.
                for name, handle in of_imports[:1] if failure else ():
                    frame.environment.names = {**before, **frame.environment.names, **({name: UNKNOWN} if name else {})}
                    left = handle(frame)
                left = left or (not failure and orelse(frame))
                return final(frame) or left
            failed = failure is not None
            if failed:
                for statement in node.body:
                    frame.give_up(statement)
            after = frame.environment.names
            succeeds = not failed and not left
            outcomes = [after] if succeeds else []
            with frame.state.maybe():
                for name, handle in handlers:
                    frame.environment.names = {**before, **after} if failed else {**before}
                    if name:
                        frame.environment.names[name] = UNKNOWN
                    if not handle(frame):
                        outcomes.append(frame.environment.names)
            if not outcomes:
                frame.environment.names = after
                return final(frame) or left or bool(handlers)
            frame.environment.names = _merged(outcomes, first_succeeds=succeeds)
            if succeeds and orelse(frame):
                return True
            return final(frame)

        return run

    _trystar = _try

    def _match(self, node: ast.Match) -> Statement:
        evaluate = self.expression(node.subject)
        cases = [
            (self._pattern(case.pattern), self.condition(case.guard or ast.Constant(True)), case.body)
            for case in node.cases
        ]
        bodies = [self.block(case.body) for case in node.cases]

        def run(frame: Activation) -> bool:
            subject = evaluate(frame)
            possible: list[_Alternative] = []
            for (pattern, guard, body), block in zip(cases, bodies, strict=True):
                matches, bound = pattern(frame, subject)
                if matches is not False:
                    holds = _guarded_by(frame, guard, bound)
                    matches = holds if matches or holds is False else None
                if matches is not False:
                    possible.append((block, bound, body))
                if matches:
                    break
            else:
                possible.append((_nothing, {}, []))
            if len(possible) > 1:
                return _branches(frame, possible)
            block, bound, _ = possible[0]
            frame.environment.names.update(bound)
            return block(frame)

        return run

    def _with(self, node: ast.With | ast.AsyncWith) -> Statement:
        enter, leave = ("__enter__", "__exit__") if isinstance(node, ast.With) else ("__aenter__", "__aexit__")
        managers = [(self.expression(item.context_expr), item.context_expr.lineno) for item in node.items]
        targets = [self.target(item.optional_vars or ast.Constant(None)) for item in node.items]
        body = self.block(node.body)

        def run(frame: Activation) -> bool:
            entered = []
            for (evaluate, line), assign in zip(managers, targets, strict=True):
                manager = evaluate(frame)
                value = frame.objects.call_special(manager, enter, [], line)
                entered.append((manager, line))
                assign(frame, value)
            left = body(frame)
            for manager, line in reversed(entered):
                frame.objects.call_special(manager, leave, [None, None, None], line)
            return left

        return run

    _asyncwith = _with

    # loops

    def _for(self, node: ast.For | ast.AsyncFor) -> Statement:
        iterable, assign, line = self.expression(node.iter), self.target(node.target), node.iter.lineno
        body, orelse = self.block(node.body), self.block(node.orelse)

        def run(frame: Activation) -> bool:
            value = iterable(frame)
            items = frame.objects.iterate(value, line)
            if items is None or len(items) > frame.state.max_rounds:
                item = frame.objects.possible_item(value, line)
                return _unknown_loop(frame, body, orelse, lambda: assign(frame, item))
            pending = iter(items)

            def advance() -> bool:
                for item in pending:
                    assign(frame, item)
                    return True
                return False

            return _loop(frame, body, orelse, advance)

        return run

    _asyncfor = _for

    def _while(self, node: ast.While) -> Statement:
        test, body, orelse = self.expression(node.test), self.block(node.body), self.block(node.orelse)

        def run(frame: Activation) -> bool:
            rounds = iter(range(frame.state.max_rounds))

            def advance() -> bool | None:
                truth = truth_of(test(frame))
                return None if truth and next(rounds, None) is None else truth

            return _loop(frame, body, orelse, advance)

        return run

    # definitions

    def _functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Statement:
        make = self.function(node, node.name)

        def define(frame: Activation) -> Value:
            function = make(frame, frame.cls)
            frame.state.functions.append(function)
            return function

        return self._definition(node, define)

    _asyncfunctiondef = _functiondef

    def _classdef(self, node: ast.ClassDef) -> Statement:
        def define(frame: Activation) -> Value:
            cls = ClassValue(frame.module, frame.inner_qualname(node.name), node, frame.closure)
            frame.state.classes.append(cls)
            return cls

        return self._definition(node, define)

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, define: Expression) -> Statement:
        decorators = [self._decorator(decorator) for decorator in reversed(node.decorator_list)]

        def run(frame: Activation) -> None:
            definition = define(frame)
            for decorate in decorators:
                definition = decorate(frame, definition)
            frame.environment.names[node.name] = definition

        return run

    def _decorator(self, node: ast.expr) -> Callable[[Activation, Value], Value]:
        """A definition after one of its decorators; foreign ones leave it as it is, and say so where they run code."""
        if isinstance(node, ast.Attribute) and node.attr in ("setter", "deleter", "getter"):
            return self._accessor(node)
        evaluate, line = self.expression(node), node.lineno
        named = self.expression(node.func) if isinstance(node, ast.Call) else None

        def decorate(frame: Activation, definition: Value) -> Value:
            decorator = evaluate(frame)
            name = named(frame) if named else decorator
            if isinstance(name, ExternalValue) and not isinstance(decorator, PartialValue):
                return _externally_decorated(name.name, definition)
            if decorator.__class__ is Unknown:
                return definition
            try:
                result = frame.machine.call(decorator, [definition], {}, line)
            except GiveUp:
                return definition
            return result if isinstance(result, _FOLLOWED) else definition

        return decorate

    def _accessor(self, node: ast.Attribute) -> Callable[[Activation, Value], Value]:
        """A property with a setter or a deleter beside it."""
        owner, is_setter = self.expression(node.value), node.attr == "setter"

        def decorate(frame: Activation, definition: Value) -> Value:
            before = owner(frame)
            if not isinstance(before, DescriptorValue):
                return definition
            return DescriptorValue(before.kind, before.function, definition if is_setter else before.setter)

        return decorate

    # imports

    def _import(self, node: ast.Import) -> Statement:
        def run(frame: Activation) -> None:
            for alias in node.names:
                check_import(frame.machine, alias.name)
                if frame.machine.is_internal(alias.name) and alias.name in frame.machine.modules:
                    frame.machine.execute(alias.name)
            for name, binding in import_bindings(node, frame.module, False):
                frame.environment.names[name] = _module_value(frame, binding.module)

        return run

    def _importfrom(self, node: ast.ImportFrom) -> Statement:
        def run(frame: Activation) -> None:
            is_package = frame.machine.modules[frame.module].is_package
            bindings = list(import_bindings(node, frame.module, is_package))
            check_import(frame.machine, bindings[0][1].module)
            for name, binding in bindings:
                if name == "*":
                    _import_star(frame, binding)
                else:
                    frame.environment.names[name] = frame.machine.attribute(binding.module, binding.attribute or "")

        return run

    # patterns

    def _pattern(self, node: ast.pattern) -> _Pattern:
        """The closure that holds a value against a pattern."""
        match node:
            case ast.MatchValue(expression):
                constant = self.expression(expression)
                return lambda frame, value: (truth_of(compare(ast.Eq, value, constant(frame))), {})
            case ast.MatchSingleton(singleton):
                return lambda frame, value: (truth_of(compare(ast.Is, value, singleton)), {})
            case ast.MatchAs(inner, name):
                return self._capture(self._pattern(inner) if inner else None, name)
            case ast.MatchOr(patterns):
                options = [self._pattern(one) for one in patterns]
                return lambda frame, value: _combined((one(frame, value) for one in options), True)
            case ast.MatchSequence(patterns):
                return self._sequence(patterns, _unknown_names(node))
            case ast.MatchMapping(keys, patterns, rest):
                return self._mapping(keys, patterns, rest, _unknown_names(node))
        unknown = _unknown_names(node)
        return lambda frame, value: (None, unknown)

    def _capture(self, pattern: _Pattern | None, name: str | None) -> _Pattern:
        def matched(frame: Activation, value: Value) -> _Match:
            matches, bound = pattern(frame, value) if pattern else (True, {})
            return matches, {**bound, name: value} if name else bound

        return matched

    def _sequence(self, patterns: list[ast.pattern], unknown: Names) -> _Pattern:
        star = next((i for i, one in enumerate(patterns) if isinstance(one, ast.MatchStar)), None)
        name = getattr(patterns[star], "name", None) if star is not None else None
        parts = [self._pattern(one) for one in patterns if not isinstance(one, ast.MatchStar)]

        def matched(frame: Activation, value: Value) -> _Match:
            if value.__class__ in ATOMS:
                return False, {}
            if not isinstance(value, (list, tuple)) or has_rest(value):
                return None, unknown
            items = list(value)
            if len(items) < len(parts) or (star is None and len(items) > len(parts)):
                return False, {}
            end = len(items) - len(parts) + (star or 0)
            outer = items if star is None else items[:star] + items[end:]
            matches, bound = _combined((part(frame, item) for part, item in zip(parts, outer, strict=True)), False)
            return matches, {**bound, name: items[star:end]} if name else bound

        return matched

    def _mapping(self, keys: list[ast.expr], patterns: list[ast.pattern], rest: str | None, unknown: Names) -> _Pattern:
        key_parts = [self.expression(key) for key in keys]
        parts = [self._pattern(one) for one in patterns]

        def matched(frame: Activation, value: Value) -> _Match:
            if value.__class__ in ATOMS:
                return False, {}
            known = [key(frame) for key in key_parts]
            if not isinstance(value, dict) or has_rest(value) or not (is_known(known) and all(map(is_hashable, known))):
                return None, unknown
            if any(key not in value for key in known):
                return False, {}
            matches, bound = _combined((part(frame, value[key]) for key, part in zip(known, parts, strict=True)), False)
            return matches, {**bound, rest: {k: v for k, v in value.items() if k not in known}} if rest else bound

        return matched


def _nothing(frame: Activation) -> bool:
    return False


def _tried(frame: Activation, body: Block) -> tuple[GiveUp | None, bool]:
    """Execute the body of a ``try``: why it failed, if it did, and whether it left."""
    frame.trying += 1
    try:
        return None, body(frame)
    except GiveUp as failure:
        return failure, False
    finally:
        frame.trying -= 1


_IMPORTING = (ast.Import, ast.ImportFrom, ast.Assign, ast.Pass)
"""Statements of which none but imports are expected to fail."""


def _catches_import(handler: ast.ExceptHandler) -> bool:
    """Whether it says to catch what a missing module raises."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(each is None or getattr(each, "id", "") in _OF_IMPORTS for each in caught)


_OF_IMPORTS = frozenset(("ImportError", "ModuleNotFoundError", "Exception", "BaseException"))


def _guarded_by(frame: Activation, guard: Condition, bound: Names) -> bool | None:
    names = frame.environment.names
    frame.environment.names = {**names, **bound}
    truth, _, _ = guard(frame)
    frame.environment.names = names
    return truth


def _branches(frame: Activation, alternatives: Iterable[_Alternative]) -> bool:
    """Execute alternatives of which one happens; whether all of them leave."""
    state = frame.state
    before = frame.environment.names
    outcomes: list[Names] = []
    exits = frame.exits()
    level = state.uncertain
    for block, refined, body in alternatives:
        state.uncertain = level + 1
        frame.environment.names = {**before, **refined}
        try:
            if not block(frame):
                outcomes.append(frame.environment.names)
        except GiveUp:  # raised inside a ``try`` of this function: another branch may have been taken
            frame.environment.names = {**before, **refined}
            for statement in body:
                frame.forget(statement)
            outcomes.append(frame.environment.names)
    # What follows where one branch has left may not happen, until the function or the loop ends.
    state.uncertain = level + (frame.exits() > exits)
    if not outcomes:
        frame.environment.names = before
        return True
    frame.environment.names = _merged(outcomes)
    return False


def _loop(frame: Activation, body: Block, orelse: Block, advance: Callable[[], bool | None]) -> bool:
    """Run the body as long as ``advance`` says so; once it cannot tell, as a loop of unknown length."""
    outer, loop = frame.loop, Loop()
    uncertain, returned = frame.state.uncertain, len(frame.returns)
    ended = False
    frame.loop = loop
    try:
        while (goes_on := advance()) is True:
            frame.state.step()
            left = body(frame)
            states = [*loop.continues, *([] if left else [frame.environment.names])]
            loop.continues.clear()
            if not states:
                ended = True
                break
            if len(states) > 1 or states[0] is not frame.environment.names:
                frame.environment.names = _merged(states)
    finally:
        frame.loop = outer
    if len(frame.returns) == returned:
        frame.state.uncertain = uncertain
    if not ended and goes_on is None:
        ended = _unknown_loop(frame, body, orelse, lambda: None)
    elif not ended:
        ended = orelse(frame)
    states = [*loop.breaks, *([] if ended else [frame.environment.names])]
    if not states:
        return True
    frame.environment.names = _merged(states)
    return False


def _unknown_loop(frame: Activation, body: Block, orelse: Block, bind: Callable[[], object]) -> bool:
    """The body may run any number of times: twice here, so that what the first leaves reaches the second."""
    outer, loop = frame.loop, Loop()
    uncertain = frame.state.uncertain
    frame.loop = loop
    frame.state.uncertain += 1
    try:
        for _ in range(2):
            before = frame.environment.names
            frame.environment.names = dict(before)
            bind()
            left = body(frame)
            states = [before, *loop.continues, *([] if left else [frame.environment.names])]
            loop.continues.clear()
            frame.environment.names = _merged(states)
        _unsettle(frame.environment.names, before)
    finally:
        frame.loop = outer
        frame.state.uncertain = uncertain
    orelse(frame)
    frame.environment.names = _merged([frame.environment.names, *loop.breaks])
    return False


def _merged(outcomes: list[Names], first_succeeds: bool = False) -> Names:
    """Names after one of several branches.

    A definition or import that only one branch makes is still the best known of that name, and so is all that only a
    first branch binds which is taken to succeed.
    """
    return functools.reduce(functools.partial(_merged_two, first_succeeds), outcomes)


def _unsettle(names: Names, before: Names) -> None:
    """Data that one more round of a loop still changed may be anything after any number of them."""
    for name, value in names.items():
        known = before.get(name, value)
        if value is not known and not same(value, known):
            seen = {key_of(option) for option in options_of(known)}
            new = [option for option in options_of(value) if key_of(option) not in seen]
            if any(option.__class__ in ATOMS or isinstance(option, tuple) for option in new):
                names[name] = join([value, UNKNOWN])


def _merged_two(first_succeeds: bool, first: Names, second: Names) -> Names:
    if first is second:
        return first
    merged = dict(first)
    for name, value in second.items():
        if name not in first:
            merged[name] = value if isinstance(value, DEFINITIONS) else join([value, UNKNOWN])
        elif first[name] is not value and not same(first[name], value):
            merged[name] = join([first[name], value])
    if not first_succeeds:
        for name, value in first.items():
            if name not in second and not isinstance(value, (*DEFINITIONS, InstanceValue)):
                merged[name] = join([value, UNKNOWN])
    return merged


def _externally_decorated(decorator: str, definition: Value) -> Value:
    """A definition under a decorator of Python's or a library's."""
    if isinstance(definition, FunctionValue):
        runs_code = (
            not decorator.startswith("builtins.") if decorator in _DESCRIPTORS else decorator not in _TRANSPARENT
        )
        if runs_code:
            definition.through = decorator
    return DescriptorValue(_DESCRIPTORS[decorator], definition) if decorator in _DESCRIPTORS else definition


def _import_star(frame: Activation, binding: Import) -> None:
    machine = frame.machine
    if not (machine.is_internal(binding.module) and binding.module in machine.modules):
        return
    names = machine.execute(binding.module).names
    public = names.get("__all__")
    if not (isinstance(public, list) and is_known(public)):
        if public is not None and frame.state.is_own:
            frame.state.cannot_tell(frame.module, 1, f"which names {binding.module} has in its __all__ is not known")
        public = [name for name in names if not name.startswith("_")]
    for name in public:
        if isinstance(name, str):
            frame.environment.names[name] = machine.attribute(binding.module, name)


def _module_value(frame: Activation, module: str) -> Value:
    if not frame.machine.is_internal(module):
        return ExternalValue(module)
    return ModuleValue(module) if module in frame.machine.modules else UNKNOWN


def _combined(matches: Iterable[_Match], decides: bool) -> _Match:
    """Several patterns in one, of which any has to match (where a match ``decides``), or all (where a failure does)."""
    bound: Names = {}
    is_open = False
    for matched, names in matches:
        if matched is not False:
            bound.update(names)
        if matched is decides:
            return (None if matched and is_open else matched), bound
        is_open = is_open or matched is None
    return (None if is_open else not decides), bound


def _unknown_names(pattern: ast.pattern) -> Names:
    """Every name that a pattern binds, with nothing known of it."""
    names = [getattr(part, field, None) for part in ast.walk(pattern) for field in ("name", "rest")]
    return {name: UNKNOWN for name in names if isinstance(name, str)}


_FOLLOWED = (FunctionValue, ClassValue, PartialValue, DescriptorValue, InstanceValue)
"""What a decorator may give back for a definition; anything else is taken not to be what it gives."""
_DESCRIPTORS = {
    "builtins.property": "property",
    "functools.cached_property": "property",
    "builtins.staticmethod": "staticmethod",
    "builtins.classmethod": "classmethod",
}
_TRANSPARENT = frozenset(
    (
        "abc.abstractmethod functools.cache functools.lru_cache functools.wraps torch.fx.wrap torch.jit.export "
        "torch.jit.ignore torch.jit.script torch.jit.script_if_tracing torch.jit.unused typing.final typing.overload"
    ).split()
)
"""Decorators that run no Python code of their own around a call."""
