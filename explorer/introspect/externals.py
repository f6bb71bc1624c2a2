"""What code outside timm does as far as values and calls go: Python's builtins, its library, torch's modules."""

import functools
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from explorer.introspect.operations import (
    has_rest,
    items_of,
    lifted,
    loosen,
    merge_into,
    possible_item,
    taint,
    truth_of,
)
from explorer.introspect.operators import EVERYTHING
from explorer.introspect.pure import BUILTINS, EXTERNALS, call_builtin, call_method, call_python
from explorer.introspect.values import (
    REST,
    UNKNOWN,
    Choice,
    ClassValue,
    ExternalValue,
    FunctionValue,
    GiveUp,
    InstanceValue,
    MemberValue,
    MethodValue,
    ModuleValue,
    OutOfSteps,
    PartialValue,
    SuperValue,
    Value,
    is_known,
    join,
    options_of,
)

if TYPE_CHECKING:
    from explorer.introspect.evaluate import Evaluator

_Call = Callable[["Evaluator", list[Value], dict[Any, Value], int], Value]

MODULE_CALL = "torch.nn.Module.__call__"
"""The foreign code between calling a module and its ``forward``."""

MODULE_METHODS = frozenset(
    (
        "__init__ add_module append apply children eval extend get_submodule insert items keys modules "
        "named_children named_modules pop register_module requires_grad_ split to tolist train values"
    ).split()
)
"""Methods of torch's modules that lead to other modules, and of its tensors that lead to plain numbers."""

_CONTAINERS = {"Sequential": list, "ModuleList": list, "ModuleDict": dict}
_MODULE = "torch.nn.Module"
_ROOTS = {"torch.nn.Module", "torch.nn.modules.Module", "builtins.object"}


@functools.cache
def external_id(dotted: str) -> str:
    """The node id of something external: ``torch.nn.Conv2d`` is ``torch.nn:Conv2d``, ``torch.Tensor.view`` is
    ``torch:Tensor.view``."""
    parts = dotted.split(".")
    first_class = next((i for i, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    cut = max(1, min(first_class, len(parts) - 1))
    return f"{'.'.join(parts[:cut])}:{'.'.join(parts[cut:])}" if len(parts) > 1 else dotted


def is_subclass(cls: ExternalValue, other: ExternalValue) -> bool | None:
    """Whether an external class is another or inherits from it, by their names alone; ``None`` when that is open."""
    if cls == other or other.name == "builtins.object":
        return True
    if other.name == _MODULE:
        return True if cls.name.startswith("torch.nn.") else None
    if cls.name == _MODULE or cls.name in _ROOTS:
        return False
    one, two = cls.name.rpartition(".")[2], other.name.rpartition(".")[2]
    if one == two:
        return True
    if two.startswith("_") or one.startswith("_") or not (cls.is_class and other.is_class):
        return None
    return False if cls.name.partition(".")[0] == other.name.partition(".")[0] else None


def defines_init(cls: ExternalValue) -> bool:
    """Whether an external base class certainly makes instances by itself, so that no later base's does."""
    return cls.name.startswith("torch.nn.") and cls.name != _MODULE


def call(
    evaluator: "Evaluator", function: ExternalValue, args: list[Value], keywords: dict[Any, Value], line: int
) -> Value:
    """Call something external.

    Raises:
        GiveUp: Python would raise.
    """
    name = function.name
    handler = _CALLS.get(name)
    if handler is not None:
        return handler(evaluator, args, keywords, line)
    root, _, rest = name.partition(".")
    if root == "builtins":
        if rest in BUILTINS:
            return _plain_builtin(evaluator, rest, args, keywords, line)
        return UNKNOWN
    if name in EXTERNALS:
        return call_python(EXTERNALS[name], args, keywords)
    evaluator.record(name, line)
    _hand_over(evaluator, name, [*args, *keywords.values()], line)
    if not function.is_class:
        if root not in _HARMLESS:
            taint([*args, *keywords.values()])
        return UNKNOWN
    instance = InstanceValue(function)
    if evaluator.uncertain:
        evaluator.young[id(instance)] = (instance, evaluator.uncertain)
    _fill(instance, args)
    return instance


def _hand_over(evaluator: "Evaluator", name: str, values: list[Value], line: int) -> None:
    """Foreign code may call the functions that it is given."""
    for value in values:
        for option in options_of(value):
            function = option.function if isinstance(option, PartialValue) else option
            if isinstance(function, (FunctionValue, MethodValue)):
                with evaluator.maybe():
                    _attempt(evaluator, option, [REST, UNKNOWN], {REST: UNKNOWN}, line, name)


def _attempt(
    evaluator: "Evaluator",
    function: Value,
    args: list[Value],
    keywords: dict[Any, Value],
    line: int,
    through: str | None = None,
) -> Value:
    """Call a function where one that Python would refuse to call is no matter."""
    try:
        return evaluator.call(function, args, keywords, line, through)
    except OutOfSteps:
        raise
    except GiveUp:
        return UNKNOWN


def _fill(instance: InstanceValue, args: list[Value]) -> None:
    """What a container of modules holds after its constructor."""
    kinds = {_CONTAINERS[n] for n in _container_names(instance) if n in _CONTAINERS}
    if not kinds:
        return
    names = _container_names(instance)
    given = args[0] if args else []
    if given.__class__ is Choice:
        given = next((o for o in given.options if isinstance(o, (list, tuple, dict))), [])
    if isinstance(given, InstanceValue) and "Sequential" not in names:
        given = given.items if given.items is not None else [REST, UNKNOWN]
    if "ModuleDict" in names:
        instance.items = dict(given) if isinstance(given, dict) else {}
    elif "ModuleList" in names:
        instance.items = _listed(given)
    elif isinstance(given, dict):
        instance.items = list(given.values())
        instance.fields = {k: v for k, v in given.items() if isinstance(k, str)}
    else:
        instance.items = list(args)
    instance.version += 1


def _listed(value: Value) -> list[Value]:
    items = items_of(value)
    return [REST, *options_of(possible_item(value))] if items is None else items


def _container_names(instance: InstanceValue) -> list[str]:
    cls = instance.cls
    if isinstance(cls, ExternalValue):
        return [cls.name.rpartition(".")[2]] if cls.name.startswith("torch.nn.") else []
    return [
        base.name.rpartition(".")[2]
        for base in (cls.mro or ())
        if isinstance(base, ExternalValue) and base.name.startswith("torch.nn.")
    ]


# torch's modules


def children(owner: InstanceValue) -> list[Value]:
    """The modules that a module holds directly."""
    held = [*owner.fields.values()]
    if owner.items is not None:
        held += owner.items.values() if isinstance(owner.items, dict) else owner.items
    found: dict[int, Value] = {}
    for value in held:
        for option in options_of(value):
            if isinstance(option, InstanceValue):
                found[id(option)] = option
    return list(found.values())


def descendants(owner: Value) -> list[Value]:
    """The modules below one, or below any of several: one of every class."""
    found: dict[Any, Value] = {}
    pending = [c for option in options_of(owner) if isinstance(option, InstanceValue) for c in children(option)]
    if owner.__class__ is Choice:
        pending += owner.options
    seen: set[int] = set()
    while pending:
        module = pending.pop()
        if id(module) in seen or not isinstance(module, InstanceValue):
            continue
        seen.add(id(module))
        found.setdefault(module.cls, module)
        pending += children(module)
    return list(found.values())


def call_member(
    evaluator: "Evaluator", function: MemberValue, args: list[Value], keywords: dict[Any, Value], line: int
) -> Value:
    """Call a method of Python's or torch's own.

    Raises:
        GiveUp: Python would raise.
    """
    owner, name = function.owner, function.name
    if not isinstance(owner, (InstanceValue, Choice)):
        return call_method(owner, name, args, keywords, evaluator.is_weak(owner))
    below = descendants(owner) if name in _TRAVERSALS else []
    match name:
        case "__init__" if isinstance(owner, InstanceValue):
            _hand_over(evaluator, _MODULE, [*args, *keywords.values()], line)
            _fill(owner, args)
            return None
        case "children":
            return [REST, *below]
        case "named_children":
            return [REST, (UNKNOWN, join(below))] if below else []
        case "modules":
            return [REST, *below, *options_of(owner)]
        case "named_modules":
            return [REST, (UNKNOWN, join([*below, *options_of(owner)]))]
        case "apply":
            for fn in args:
                _attempt(evaluator, fn, [join([*below, *options_of(owner)])], {}, line, f"{_MODULE}.apply")
            return owner
        case "get_submodule":
            return join([*below, UNKNOWN])
        case "tolist" | "split" if isinstance(owner, InstanceValue) and isinstance(owner.items, list):
            return _split(owner.items, args) if name == "split" else [*owner.items]
        case "eval" | "train" | "to" | "requires_grad_":
            return owner
    return _container_method(evaluator, owner, name, args) if isinstance(owner, InstanceValue) else UNKNOWN


def _split(items: list[Value], args: list[Value]) -> Value:
    """``tensor.split(sizes)`` along the only dimension."""
    sizes = args[0] if args else UNKNOWN
    if has_rest(items) or not is_known(sizes) or not isinstance(sizes, (int, list, tuple)):
        return [REST, InstanceValue(_TENSOR, items=[REST, UNKNOWN])]
    if isinstance(sizes, int):
        sizes = [sizes] * -(-len(items) // max(1, sizes))
    pending = iter(items)
    return [InstanceValue(_TENSOR, items=list(itertools.islice(pending, size))) for size in sizes]


_TENSOR = ExternalValue("torch.Tensor")
_TRAVERSALS = frozenset("apply children get_submodule modules named_children named_modules".split())


def _container_method(evaluator: "Evaluator", owner: InstanceValue, name: str, args: list[Value]) -> Value:
    items = owner.items
    match name, items, args:
        case (("add_module" | "register_module"), _, [key, module]):
            if isinstance(key, str):
                evaluator.set_attribute(owner, key, module)
            else:
                held = owner.fields.get("", UNKNOWN)
                owner.fields[""] = module if held is UNKNOWN else join([held, module])
                owner.version += 1
            if isinstance(items, list):
                items.append(module)
            elif isinstance(items, dict) and isinstance(key, str):
                items[key] = module
        case (("append" | "extend" | "insert"), list(), [*_, added]):
            new = [added] if name != "extend" else _listed(added)
            if evaluator.is_weak(owner):
                loosen(items, [item for item in new if item is not REST])
            elif name == "insert":
                items.insert(0, added)
            else:
                items += new
            owner.version += 1
            return owner
        case (("keys" | "values" | "items"), dict(), _):
            return call_method(items, name, [], {}, False)
        case "pop", (list() | dict()), _:
            return possible_item(items if isinstance(items, list) else list(items.values()))
    return UNKNOWN


# builtins


def _plain_builtin(
    evaluator: "Evaluator", name: str, args: list[Value], keywords: dict[Any, Value], line: int
) -> Value:
    """A builtin that only computes; instances among its arguments are iterated, and a key function is called."""
    key = keywords.get("key")
    if key is not None:
        _attempt(evaluator, key, [possible_item(args[0]) if args else UNKNOWN], {}, line)
        keywords = {k: v for k, v in keywords.items() if k != "key"}
        if name == "sorted" and args:
            items = items_of(args[0])
            return [REST, possible_item(args[0])] if items is None else items
        return possible_item(args[0]) if len(args) == 1 else join(args)
    if name == "len" and args and isinstance(args[0], InstanceValue):
        if evaluator.defines(args[0], "__len__"):
            return evaluator.call_special(args[0], "__len__", [], line)
        items = evaluator.iterate(args[0], line)
        return UNKNOWN if items is None else len(items)
    if name in ("list", "tuple", "enumerate", "zip", "reversed", "set", "sorted", "sum", "max", "min", "any", "all"):
        args = [_iterable(evaluator, a, line) for a in args]
    if REST in args:
        return UNKNOWN if name != "zip" else [REST, UNKNOWN]
    if name == "enumerate" and "start" in keywords:
        args, keywords = [*args, keywords["start"]], {}
    if name == "enumerate" and len(args) == 2:
        items = items_of(args[0])
        start = args[1]
        if items is None or not isinstance(start, int):
            return [REST, (UNKNOWN, possible_item(args[0]))]
        return list(enumerate(items, start))
    return call_builtin(name, args, keywords)


def _iterable(evaluator: "Evaluator", value: Value, line: int) -> Value:
    """What is iterated over, as plain data."""
    if isinstance(value, InstanceValue):
        items = evaluator.iterate(value, line)
        return [REST, evaluator.possible_item(value, line)] if items is None else items
    return value


def _isinstance(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    if len(args) != 2 or REST in args:
        return UNKNOWN
    return lifted(functools.partial(_is_instance, evaluator), *args)


def _is_instance(evaluator: "Evaluator", value: Value, cls: Value) -> Value:
    if isinstance(cls, (tuple, list)):
        if has_rest(cls):
            return UNKNOWN
        answers = [lifted(functools.partial(_is_instance, evaluator), value, c) for c in cls]
        return True if True in answers else UNKNOWN if any(a is not False for a in answers) else False
    if isinstance(value, InstanceValue):
        answer = evaluator.is_subclass(value.cls, cls)
        return UNKNOWN if answer is None else answer
    if isinstance(cls, ClassValue):
        return False if _is_plain(value) or isinstance(value, (FunctionValue, PartialValue, ClassValue)) else UNKNOWN
    if not isinstance(cls, ExternalValue):
        return UNKNOWN
    if _is_plain(value):
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


def _is_plain(value: Value) -> bool:
    return value is None or isinstance(
        value, (bool, int, float, str, bytes, complex, list, tuple, dict, set, frozenset)
    )


_PLAIN = (bool, int, float, str, bytes, complex, list, tuple, dict, set, frozenset)
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
    "functools.partial": (),
    "types.FunctionType": (),
}


def _issubclass(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    if len(args) != 2 or REST in args:
        return UNKNOWN

    def answer(cls: Value, other: Value) -> Value:
        if isinstance(other, (tuple, list)):
            answers = [answer(cls, o) for o in other]
            return True if True in answers else UNKNOWN if UNKNOWN in answers else False
        if not isinstance(cls, (ClassValue, ExternalValue)):
            return UNKNOWN
        found = evaluator.is_subclass(cls, other)
        return UNKNOWN if found is None else found

    return lifted(answer, *args)


def _getattr(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    if len(args) < 2 or REST in args:
        return UNKNOWN
    owner, name, *default = args
    found: list[Value] = []
    for option in options_of(name):
        if isinstance(option, str):
            has = has_attribute(evaluator, owner, option)
            if has is not False:
                found.append(evaluator.get_attribute(owner, option, line))
            if has is not True:
                found += default
        else:
            found += [UNKNOWN, *default]
    return join(found)


def has_attribute(evaluator: "Evaluator", owner: Value, name: str) -> bool | None:
    """Whether an object has an attribute, ``None`` when that is not known."""
    if owner.__class__ is Choice:
        answers = {has_attribute(evaluator, option, name) for option in owner.options}
        return answers.pop() if len(answers) == 1 else None
    if isinstance(owner, InstanceValue):
        if name in owner.fields:
            return True
        if isinstance(owner.cls, ClassValue):
            if evaluator.has_member(owner.cls, name):
                return True
            return None if name in _EVERY_MODULE_HAS or name in MODULE_METHODS else False
        return None
    if isinstance(owner, ClassValue):
        return True if evaluator.has_member(owner, name) else None if evaluator.external_bases(owner) else False
    if isinstance(owner, ModuleValue):
        return name in evaluator.execute(owner.name).names or None
    if isinstance(owner, (FunctionValue, MethodValue)):
        return name in ("__name__", "__module__", "__call__", "__qualname__", "__doc__")
    if isinstance(owner, PartialValue):
        return name in ("func", "args", "keywords", "__call__")
    if _is_plain(owner):
        return hasattr(owner, name)
    return None


_EVERY_MODULE_HAS = frozenset(
    "buffers forward half float named_buffers named_parameters parameters state_dict training type weight bias".split()
)


def _hasattr(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    if len(args) != 2 or not isinstance(args[1], str):
        return UNKNOWN
    found = has_attribute(evaluator, args[0], args[1])
    return UNKNOWN if found is None else found


def _setattr(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    if len(args) == 3 and REST not in args:
        owner, name, value = args
        for option in options_of(name):
            evaluator.set_attribute(owner, option if isinstance(option, str) else "", value, line)
    return None


def _callable(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    def answer(value: Value) -> Value:
        if isinstance(value, (FunctionValue, MethodValue, ClassValue, PartialValue, MemberValue)):
            return True
        return False if _is_plain(value) else True if truth_of(value) and isinstance(value, ExternalValue) else UNKNOWN

    return lifted(answer, *args) if len(args) == 1 else UNKNOWN


def _type(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    def answer(value: Value) -> Value:
        if isinstance(value, InstanceValue):
            return value.cls
        return ExternalValue(f"builtins.{type(value).__name__}") if _is_plain(value) and value is not None else UNKNOWN

    return lifted(answer, *args) if len(args) == 1 else UNKNOWN


def _super(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    match args:
        case [ClassValue() as cls, owner]:
            return SuperValue(cls, owner)
    return UNKNOWN


def _map(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    if len(args) < 2 or REST in args:
        return UNKNOWN
    rows = [_iterable(evaluator, a, line) for a in args[1:]]
    items = [items_of(row) for row in rows]
    if any(item is None for item in items):
        return [REST, _attempt(evaluator, args[0], [possible_item(row) for row in rows], {}, line)]
    return [
        _attempt(evaluator, args[0], list(each), {}, line)
        for each in zip(*[item or [] for item in items], strict=False)
    ]


def _filter(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    if len(args) != 2 or REST in args:
        return UNKNOWN
    row = _iterable(evaluator, args[1], line)
    items = items_of(row)
    if items is None:
        _attempt(evaluator, args[0], [possible_item(row)], {}, line)
        return [REST, possible_item(row)]
    tests = [truth_of(item if args[0] is None else _attempt(evaluator, args[0], [item], {}, line)) for item in items]
    if None in tests:
        return [REST, *[item for item, test in zip(items, tests, strict=True) if test is not False]]
    return [item for item, test in zip(items, tests, strict=True) if test]


def _next(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    if not args:
        return UNKNOWN
    found = evaluator.possible_item(args[0], line)
    return join([found, *args[1:]])


def _first(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    return args[0] if args else UNKNOWN


def _nothing(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    return None


def _unknown(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    return UNKNOWN


# the library


def _partial(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    if not args or args[0] is REST:
        return UNKNOWN

    def bound(function: Value) -> Value:
        if isinstance(function, PartialValue):  # Python makes one of two as well
            given = {**function.keywords, **keywords}
            return PartialValue(function.function, (*function.args, *args[1:]), given)
        return PartialValue(function, tuple(args[1:]), keywords)

    return lifted(bound, args[0])


def _replace(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    if not args or not isinstance(args[0], InstanceValue):
        return UNKNOWN
    fields: dict[Any, Value] = dict(args[0].fields)
    merge_into(fields, keywords)
    fields.pop(REST, None)
    instance = InstanceValue(args[0].cls, fields)
    evaluator.run_post_init(instance, line)
    return instance


def _asdict(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    return dict(args[0].fields) if args and isinstance(args[0], InstanceValue) else UNKNOWN


def _field(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    return InstanceValue(ExternalValue("dataclasses.field"), dict(keywords))


def _fields(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    names = evaluator.field_names(args[0]) if args else []
    return [InstanceValue(ExternalValue("dataclasses.Field"), {"name": name}) for name in names] or UNKNOWN


def _defaultdict(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    return {REST: UNKNOWN}


def _repeat(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    match args:
        case [value, int(times)] if 0 <= times < 1000:
            return [value] * times
        case [value, _]:
            return [REST, value]
    return [REST, *args[:1]]


def _chain(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    result: list[Value] = []
    for argument in args:
        result += _listed(_iterable(evaluator, argument, line))
    return [REST, *[item for item in result if item is not REST]] if REST in result else result


def _reduce(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    if args:
        _attempt(evaluator, args[0], [UNKNOWN, possible_item(args[1]) if len(args) > 1 else UNKNOWN], {}, line)
    return UNKNOWN


def _linspace(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    """The numbers that a schedule of drop rates starts from."""
    steps = args[2] if len(args) > 2 else keywords.get("steps", UNKNOWN)
    if not is_known([args[:2], steps]) or not isinstance(steps, int) or not 0 <= steps < 10_000 or len(args) < 2:
        return InstanceValue(_TENSOR, items=[REST, UNKNOWN])
    start, end = args[:2]
    values = [start + (end - start) * i / max(1, steps - 1) for i in range(steps)]
    return InstanceValue(_TENSOR, items=values)


def _dir(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    """A library is taken to have what is looked for in it."""
    return EVERYTHING if args and isinstance(args[0], ExternalValue) else UNKNOWN


def _unset(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    """Environment variables are taken to be unset."""
    return args[1] if len(args) > 1 else keywords.get("default")


def _false(evaluator: "Evaluator", args: list[Value], keywords: dict[Any, Value], line: int) -> Value:
    return False


_SPECIAL_BUILTINS: dict[str, _Call] = {
    "isinstance": _isinstance,
    "issubclass": _issubclass,
    "getattr": _getattr,
    "hasattr": _hasattr,
    "setattr": _setattr,
    "callable": _callable,
    "type": _type,
    "super": _super,
    "map": _map,
    "filter": _filter,
    "next": _next,
    "iter": _first,
    "print": _nothing,
    "id": _unknown,
    "vars": _unknown,
    "open": _unknown,
    "repr": _unknown,
    "hash": _unknown,
    "object": _unknown,
}
_CALLS: dict[str, _Call] = {
    **{f"builtins.{name}": handler for name, handler in _SPECIAL_BUILTINS.items()},
    "functools.partial": _partial,
    "functools.reduce": _reduce,
    "dataclasses.replace": _replace,
    "dataclasses.asdict": _asdict,
    "dataclasses.field": _field,
    "dataclasses.fields": _fields,
    "collections.defaultdict": _defaultdict,
    "itertools.repeat": _repeat,
    "itertools.chain": _chain,
    "torch.linspace": _linspace,
    "builtins.dir": _dir,
    "os.environ.get": _unset,
    "os.getenv": _unset,
    "torch.jit.is_scripting": _false,
    "torch.jit.is_tracing": _false,
    "torch.compiler.is_compiling": _false,
}
_HARMLESS = frozenset("logging warnings typing math".split())
BUILTIN_NAMES = frozenset((*BUILTINS, *_SPECIAL_BUILTINS, "property", "staticmethod", "classmethod", "bytes", "dir"))
"""Names of builtins that mean something here."""
