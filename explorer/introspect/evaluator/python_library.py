"""Calling what lies outside the packages read: Python's builtins and its library as far as values and calls go."""

import functools
from collections.abc import Callable
from typing import Any

from explorer.introspect.evaluator.bounds import MAX_TIMES
from explorer.introspect.evaluator.function_attributes import WRAPPER_ASSIGNMENTS, has_function_attribute
from explorer.introspect.evaluator.interface import attempt, hand_over
from explorer.introspect.evaluator.objects import MODULE_METHODS, Objects
from explorer.introspect.evaluator.operations import (
    EVERYTHING,
    copied,
    has_rest,
    items_of,
    lifted,
    make_dict,
    merge_into,
    possible_item,
    taint,
    truth_of,
)
from explorer.introspect.evaluator.pure import BUILTINS, EXTERNALS, call_builtin, computed, shallow
from explorer.introspect.evaluator.surroundings import OWN_CALLS
from explorer.introspect.evaluator.torch_modules import fill, linspace
from explorer.introspect.evaluator.values import (
    ATOMS,
    BUILTIN_CLASSES,
    REST,
    UNKNOWN,
    Choice,
    ClassValue,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    Keywords,
    MemberValue,
    MethodValue,
    ModuleValue,
    PartialValue,
    SuperValue,
    Value,
    is_data,
    join,
    may_be_anything,
    options_of,
)

_Handler = Callable[[Objects, list[Value], Keywords, int], Value]


def call_external(objects: Objects, function: ExternalValue, args: list[Value], keywords: Keywords, line: int) -> Value:
    """Call something outside the packages read.

    Raises:
        GiveUp: Python would raise.
    """
    name = function.name
    objects.machine.state.check_time()
    handler = (OWN_CALLS.get(name) if objects.machine.state.is_own else None) or _CALLS.get(name)
    if handler is not None:
        return handler(objects, args, keywords, line)
    root, _, rest = name.partition(".")
    if root == "builtins":
        return _plain_builtin(objects, rest, args, keywords, line) if rest in BUILTINS else UNKNOWN
    if name in EXTERNALS:
        return computed(EXTERNALS[name], args, keywords)
    state = objects.machine.state
    state.record(name, line)
    hand_over(objects.machine, name, [*args, *keywords.values()], line)
    if function.is_class:
        instance = state.fresh(InstanceValue(function))
        fill(objects, instance, args, keywords)
        return instance
    if root not in _HARMLESS:
        taint([*args, *keywords.values()])
    return UNKNOWN


def _plain_builtin(objects: Objects, name: str, args: list[Value], keywords: Keywords, line: int) -> Value:
    """A builtin that only computes; instances among its arguments are iterated, and a key function is called."""
    key = keywords.get("key")
    if key is not None:
        attempt(objects.machine, key, [possible_item(args[0]) if args else UNKNOWN], {}, line)
        keywords = {k: v for k, v in keywords.items() if k != "key"}
        if name == "sorted" and args:
            items = items_of(args[0])
            return [REST, possible_item(args[0])] if items is None else items
        return possible_item(args[0]) if len(args) == 1 else join(args)
    if name == "len" and args and isinstance(args[0], InstanceValue):
        if objects.defines(args[0], "__len__"):
            return objects.call_special(args[0], "__len__", [], line)
        items = objects.iterate(args[0], line)
        return UNKNOWN if items is None else len(items)
    if name in ("list", "tuple", "enumerate", "zip", "reversed", "set", "sorted", "sum", "max", "min", "any", "all"):
        args = [objects.listed(a, line) if isinstance(a, InstanceValue) else a for a in args]
    if REST in args:
        return UNKNOWN if name != "zip" else [REST, UNKNOWN]
    if name == "enumerate" and args:
        items = items_of(args[0])
        start = args[1] if len(args) > 1 else keywords.get("start", 0)
        if items is None or not isinstance(start, int):
            return [REST, (UNKNOWN, possible_item(args[0]))]
        return list(enumerate(items, start))
    return call_builtin(name, args, keywords)


def _is_instance(objects: Objects, value: Value, cls: Value) -> Value:
    if isinstance(cls, (tuple, list)):
        if has_rest(cls):
            return UNKNOWN
        answers = [lifted(functools.partial(_is_instance, objects), value, c) for c in cls]
        return True if True in answers else UNKNOWN if any(a is not False for a in answers) else False
    if isinstance(value, InstanceValue):
        answer = objects.is_subclass(value.cls, cls)
        return UNKNOWN if answer is None else answer
    if isinstance(cls, ClassValue):
        return False if isinstance(value, (*_PLAIN, FunctionValue, PartialValue, ClassValue)) else UNKNOWN
    if not isinstance(cls, ExternalValue):
        return UNKNOWN
    if isinstance(value, _PLAIN):
        if cls.name in _PYTHON_TYPES:
            return isinstance(value, _PYTHON_TYPES[cls.name])
        return UNKNOWN if cls.name.partition(".")[0] in _ABSTRACT else False
    if isinstance(value, PartialValue):
        return cls.name == "functools.partial"
    if isinstance(value, (FunctionValue, MethodValue)):
        return cls.name in ("types.FunctionType", "typing.Callable", "collections.abc.Callable")
    if isinstance(value, ClassValue) or (isinstance(value, ExternalValue) and value.is_class):
        return cls.name in ("builtins.type", "typing.Callable", "collections.abc.Callable")
    return UNKNOWN


_PLAIN: tuple[type, ...] = (*ATOMS, list, tuple, dict, set, frozenset)
_ABSTRACT = frozenset(("builtins", "collections", "numbers", "types", "typing"))
"""Modules of which a class may have plain values as instances."""
_PYTHON_TYPES: dict[str, Any] = {
    **{f"builtins.{t.__name__}": t for t in _PLAIN},
    "collections.OrderedDict": dict,
    "collections.abc.Iterable": (str, list, tuple, dict, set, frozenset),
    "typing.Iterable": (str, list, tuple, dict, set, frozenset),
    "collections.abc.Sequence": (str, list, tuple),
    "typing.Sequence": (str, list, tuple),
    "collections.abc.Mapping": dict,
    "typing.Mapping": dict,
    "numbers.Number": (int, float, complex),
    "builtins.type": (),
    "types.FunctionType": (),
}


def _is_subclass(objects: Objects, cls: Value, other: Value) -> Value:
    if isinstance(other, (tuple, list)):
        answers = [_is_subclass(objects, cls, o) for o in other]
        return True if True in answers else UNKNOWN if may_be_anything(answers) else False
    if not isinstance(cls, (ClassValue, ExternalValue)):
        return UNKNOWN
    found = objects.is_subclass(cls, other)
    return UNKNOWN if found is None else found


def _getattr(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    if len(args) < 2 or REST in args:
        return UNKNOWN
    owner, name, *default = args
    found: list[Value] = []
    for option in options_of(name):
        if isinstance(option, str):
            has = has_attribute(objects, owner, option)
            if has is not False:
                found.append(objects.get_attribute(owner, option, line))
            if has is not True:
                found += default
        else:
            found += [UNKNOWN, *default]
    return join(found)


def has_attribute(objects: Objects, owner: Value, name: str) -> bool | None:
    """Whether an object has an attribute, ``None`` when that is not known."""
    if owner.__class__ is Choice:
        answers = {has_attribute(objects, option, name) for option in owner.options}
        return answers.pop() if len(answers) == 1 else None
    if isinstance(owner, InstanceValue):
        if name in owner.fields:
            return True
        if isinstance(owner.cls, ClassValue):
            if objects.has_member(owner.cls, name):
                return True
            return None if name in _EVERY_MODULE_HAS or name in MODULE_METHODS else False
        return None
    if isinstance(owner, ClassValue):
        return True if objects.has_member(owner, name) else None if objects.external_bases(owner) else False
    if isinstance(owner, ModuleValue):
        return name in objects.machine.execute(owner.name).names or None
    if isinstance(owner, (FunctionValue, MethodValue, PartialValue)):
        return has_function_attribute(owner, name)
    if isinstance(owner, _PLAIN):
        return hasattr(owner, name)
    return None


_EVERY_MODULE_HAS = frozenset(
    "buffers forward half float named_buffers named_parameters parameters state_dict training type weight bias".split()
)


def _hasattr(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    if len(args) != 2 or not isinstance(args[1], str):
        return UNKNOWN
    found = has_attribute(objects, args[0], args[1])
    return UNKNOWN if found is None else found


def _setattr(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    if len(args) == 3 and REST not in args:
        owner, name, value = args
        for option in options_of(name):
            objects.set_attribute(owner, option if isinstance(option, str) else "", value, line)
    return None


def _is_callable(objects: Objects, value: Value) -> Value:
    if isinstance(value, (FunctionValue, MethodValue, ClassValue, PartialValue, MemberValue)):
        return True
    if isinstance(value, _PLAIN):
        return False
    return True if isinstance(value, ExternalValue) and truth_of(value) else UNKNOWN


def _type_of(objects: Objects, value: Value) -> Value:
    if isinstance(value, InstanceValue):
        return value.cls
    is_known = isinstance(value, _PLAIN) and value is not None
    return ExternalValue(f"builtins.{type(value).__name__}") if is_known else UNKNOWN


def _super(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    match args:
        case [ClassValue() as cls, owner]:
            return SuperValue(cls, owner)
    return UNKNOWN


def _map(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    if len(args) < 2 or REST in args:
        return UNKNOWN
    rows = [row for argument in args[1:] if (row := objects.iterate(argument, line)) is not None]
    if len(rows) < len(args) - 1:
        items = [objects.possible_item(argument, line) for argument in args[1:]]
        return [REST, attempt(objects.machine, args[0], items, {}, line)]
    return [attempt(objects.machine, args[0], list(each), {}, line) for each in zip(*rows, strict=False)]


def _filter(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    if len(args) != 2 or REST in args:
        return UNKNOWN
    items = objects.iterate(args[1], line)
    if items is None:
        item = objects.possible_item(args[1], line)
        attempt(objects.machine, args[0], [item], {}, line)
        return [REST, item]
    tests = [
        truth_of(item if args[0] is None else attempt(objects.machine, args[0], [item], {}, line)) for item in items
    ]
    if None in tests:
        return [REST, *[item for item, test in zip(items, tests, strict=True) if test is not False]]
    return [item for item, test in zip(items, tests, strict=True) if test]


def _next(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    return join([objects.possible_item(args[0], line), *args[1:]]) if args else UNKNOWN


def _partial(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    if not args or args[0] is REST:
        return UNKNOWN

    def bound(function: Value) -> Value:
        if isinstance(function, PartialValue):  # Python makes one of two as well
            given = {**function.keywords, **keywords}
            return PartialValue(function.function, (*function.args, *args[1:]), given)
        return PartialValue(function, tuple(args[1:]), keywords)

    return lifted(bound, args[0])


def _wraps(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    """``functools.wraps(function)``: Python makes a partial of ``update_wrapper`` as well."""
    objects.machine.state.record("functools.wraps", line)
    names = ("wrapped", "assigned", "updated")
    return PartialValue(_UPDATE_WRAPPER, (), {**dict(zip(names, args, strict=False)), **keywords})


def _update_wrapper(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    """What :func:`functools.update_wrapper` does, in its order; where it is open what it copies, any of it may be."""
    given: Keywords = {**keywords}
    given.update(zip(("wrapper", "wrapped", "assigned"), args, strict=False))
    wrapper, wrapped = given.get("wrapper", UNKNOWN), given.get("wrapped", UNKNOWN)
    assigned = given.get("assigned", WRAPPER_ASSIGNMENTS)
    is_open = REST in given or not is_data(assigned) or not isinstance(assigned, (tuple, list))
    for name in WRAPPER_ASSIGNMENTS if is_open or not isinstance(assigned, (tuple, list)) else assigned:
        if isinstance(name, str) and has_attribute(objects, wrapped, name) is not False:
            value = objects.get_attribute(wrapped, name, line)
            objects.set_attribute(wrapper, name, join([value, UNKNOWN]) if is_open else value, line)
    if isinstance(wrapped, (FunctionValue, PartialValue)):
        for key, value in (wrapped.attributes or {}).items():
            if not key.startswith("__"):
                objects.set_attribute(wrapper, key, value, line)
    objects.set_attribute(wrapper, "__wrapped__", wrapped, line)
    return wrapper


def _replace(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    if not args or not isinstance(args[0], InstanceValue):
        return UNKNOWN
    fields: Keywords = dict(args[0].fields.items())
    merge_into(fields, keywords)
    instance = InstanceValue(args[0].cls, {name: value for name, value in fields.items() if isinstance(name, str)})
    objects.run_post_init(instance, line)
    return instance


def _fields(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    names = objects.field_names(args[0]) if args else []
    return [InstanceValue(ExternalValue("dataclasses.Field"), {"name": name}) for name in names] or UNKNOWN


def _repeat(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    match args:
        case [value, int(times)] if 0 <= times < MAX_TIMES:
            return [value] * times
        case [value, _]:
            return [REST, value]
    return [REST, *args[:1]]


def _chain(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    result: list[Value] = []
    for argument in args:
        result += objects.listed(argument, line)
    return [REST, *[item for item in result if item is not REST]] if REST in result else result


def _reduce(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    if args:
        attempt(objects.machine, args[0], [UNKNOWN, possible_item(args[1]) if len(args) > 1 else UNKNOWN], {}, line)
    return UNKNOWN


def _dir(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    """A library is taken to have what is looked for in it."""
    return EVERYTHING if args and isinstance(args[0], ExternalValue) else UNKNOWN


def _unset(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    """Environment variables are taken to be unset."""
    return args[1] if len(args) > 1 else keywords.get("default")


def _asdict(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    return dict(args[0].fields.items()) if args and isinstance(args[0], InstanceValue) else UNKNOWN


def _field(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    return InstanceValue(ExternalValue("dataclasses.field"), {k: v for k, v in keywords.items() if isinstance(k, str)})


def _of_each(count: int, answer: Callable[..., Value]) -> _Handler:
    """What answers a call with so many arguments, for all that these may be."""

    def handle(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
        if len(args) != count or REST in args:
            return UNKNOWN
        return lifted(functools.partial(answer, objects), *args)

    return handle


def _returning(value: Value) -> _Handler:
    return lambda objects, args, keywords, line: value


_SPECIAL_BUILTINS: dict[str, _Handler] = {
    "isinstance": _of_each(2, _is_instance),
    "issubclass": _of_each(2, _is_subclass),
    "getattr": _getattr,
    "hasattr": _hasattr,
    "setattr": _setattr,
    "callable": _of_each(1, _is_callable),
    "type": _of_each(1, _type_of),
    "super": _super,
    "map": _map,
    "filter": _filter,
    "next": _next,
    "iter": lambda objects, args, keywords, line: args[0] if args else UNKNOWN,
    "print": _returning(None),
    **dict.fromkeys(("hash", "id", "object", "open", "repr", "vars"), _returning(UNKNOWN)),
}
_CALLS: dict[str, _Handler] = {
    **{f"builtins.{name}": handler for name, handler in _SPECIAL_BUILTINS.items()},
    "functools.partial": _partial,
    "functools.reduce": _reduce,
    "functools.update_wrapper": _update_wrapper,
    "functools.wraps": _wraps,
    "dataclasses.replace": _replace,
    "dataclasses.asdict": _asdict,
    "dataclasses.field": _field,
    "dataclasses.fields": _fields,
    "copy.copy": _of_each(1, lambda objects, value: shallow(value)),
    "copy.deepcopy": _of_each(1, lambda objects, value: copied(value)),
    "collections.OrderedDict": lambda objects, args, keywords, line: make_dict(args, keywords),
    "collections.deque": lambda objects, args, keywords, line: call_builtin("list", args, {}),
    "collections.defaultdict": lambda objects, args, keywords, line: {REST: UNKNOWN},
    "itertools.repeat": _repeat,
    "itertools.chain": _chain,
    "torch.linspace": linspace,
    "builtins.dir": _dir,
    **dict.fromkeys(("os.environ.get", "os.getenv"), _unset),
    **dict.fromkeys(
        ("torch.jit.is_scripting", "torch.jit.is_tracing", "torch.compiler.is_compiling"), _returning(False)
    ),
}
_UPDATE_WRAPPER = ExternalValue("functools.update_wrapper")
_HARMLESS = frozenset("logging warnings typing math".split())
"""Packages whose functions change none of their arguments."""
BUILTIN_NAMES = frozenset((*BUILTINS, *_SPECIAL_BUILTINS, *BUILTIN_CLASSES, "dir", "__import__"))
"""Names of builtins that mean something here."""
