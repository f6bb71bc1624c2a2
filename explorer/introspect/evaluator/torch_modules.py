"""What torch's modules, and the few tensors that hold plain numbers, do as far as values and calls go."""

import itertools

from explorer.introspect.evaluator.bounds import MAX_NUMBERS
from explorer.introspect.evaluator.interface import attempt, hand_over
from explorer.introspect.evaluator.objects import Objects
from explorer.introspect.evaluator.operations import copied, has_rest, loosen, possible_item
from explorer.introspect.evaluator.pure import MUTATORS, call_method
from explorer.introspect.evaluator.values import (
    MODULE,
    REST,
    UNKNOWN,
    Choice,
    ExternalValue,
    InstanceValue,
    Keywords,
    MemberValue,
    Unknown,
    Value,
    join,
    options_of,
)

_CONTAINERS = frozenset(("Sequential", "ModuleList", "ModuleDict"))


def fill(objects: Objects, instance: InstanceValue, args: list[Value], keywords: Keywords) -> None:
    """What one of torch's modules holds after its constructor: a container its items, any other what it is given."""
    names = _torch_bases(objects, instance)
    args = [*args, *keywords.values()]
    if _CONTAINERS.isdisjoint(names):
        if names - {"Module"}:
            given_modules = (o for arg in args for o in options_of(arg) if isinstance(o, InstanceValue))
            instance.fields |= {f"{at}": module for at, module in enumerate(given_modules)}
        return
    given = args[0] if args else []
    if given.__class__ is Choice:
        given = next((o for o in given.options if isinstance(o, (list, tuple, dict))), [])
    if isinstance(given, InstanceValue) and "Sequential" not in names:
        given = given.items if given.items is not None else [REST, UNKNOWN]
    if "ModuleDict" in names:
        instance.items = dict(given) if isinstance(given, dict) else {}
    elif "ModuleList" in names:
        instance.items = objects.listed(given, 0)
    elif isinstance(given, dict):
        instance.items = list(given.values())
        instance.fields = {k: v for k, v in given.items() if isinstance(k, str)}
    else:
        instance.items = list(args)
    instance.version += 1


def is_list(objects: Objects, owner: Value) -> bool:
    """Whether it is a list of modules, to which ``+=`` adds."""
    if not isinstance(owner, InstanceValue) or not isinstance(owner.items, list):
        return False
    return not _CONTAINERS.isdisjoint(_torch_bases(objects, owner))


def _torch_bases(objects: Objects, instance: InstanceValue) -> set[str]:
    names = (base.name for base in objects.external_bases(instance.cls))
    return {name.rpartition(".")[2] for name in names if name.startswith("torch.nn.")}


def children(owner: InstanceValue) -> list[Value]:
    """The modules that a module holds directly."""
    options = [option for value in (*owner.fields.values(), *owner.held()) for option in options_of(value)]
    return list({id(option): option for option in options if isinstance(option, InstanceValue)}.values())


def descendants(owner: Value) -> list[Value]:
    """The modules below one, or below any of several: one of every class."""
    found: Keywords = {}
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


def _direct(objects: Objects, owner: Value, below: list[Value]) -> list[Value]:
    """The children of a module; of any of several, or for a walk down a whole model, one of every class below.

    Such a walk learns no more from all modules of a class than from one, and would take as long as there are modules.
    """
    is_walk = objects.machine.state.calls_itself()
    return children(owner) if isinstance(owner, InstanceValue) and not is_walk else below


def _named_children(owner: InstanceValue) -> dict[Value, Value] | None:
    """The children of a module by name; ``None`` where it is not settled which there are."""
    items = owner.items
    pairs: list[tuple[Value, Value]] = list(items.items() if isinstance(items, dict) else enumerate(items or ()))
    named: dict[Value, Value] = {}
    for name, value in [*owner.fields.items(), *pairs]:
        are_modules = {isinstance(option, InstanceValue) for option in options_of(value)}
        if name is REST or value is REST or are_modules == {True, False}:
            return None
        if True in are_modules and not any(value is other for other in named.values()):
            named[str(name)] = value
    return named


def call_member(objects: Objects, function: MemberValue, args: list[Value], keywords: Keywords, line: int) -> Value:
    """Call a method of Python's or torch's own.

    Raises:
        GiveUp: Python would raise.
    """
    owner, name = function.owner, function.name
    if not isinstance(owner, (InstanceValue, Choice)):
        state = objects.machine.state
        if REST in args:
            args = [*args[: args.index(REST)], UNKNOWN]
        if name in MUTATORS and id(owner) in state.frozen:
            owner = copied(owner)
        return call_method(owner, name, args, keywords, state.is_weak(owner))
    below = descendants(owner) if name in _TRAVERSALS else []
    match name:
        case "__init__" if isinstance(owner, InstanceValue):
            hand_over(objects.machine, MODULE, [*args, *keywords.values()], line)
            fill(objects, owner, args, keywords)
            return None
        case "children":
            return [REST, *_direct(objects, owner, below)]
        case "named_children":
            found = _direct(objects, owner, below)
            named = _named_children(owner) if found is not below and isinstance(owner, InstanceValue) else None
            if named is not None:
                return list(named.items())
            return [REST, (UNKNOWN, join(found))] if found else []
        case "modules":
            return [REST, *below, *options_of(owner)]
        case "named_modules":
            return [REST, (UNKNOWN, join([*below, *options_of(owner)]))]
        case "apply":
            for fn in args:
                attempt(objects.machine, fn, [join([*below, *options_of(owner)])], {}, line, f"{MODULE}.apply")
            return owner
        case "get_submodule":
            return join([*below, UNKNOWN])
        case "tolist" | "split" if isinstance(owner, InstanceValue) and isinstance(owner.items, list):
            return _split(owner.items, args) if name == "split" else [*owner.items]
        case "eval" | "train" | "to" | "requires_grad_":
            return owner
    return _container_method(objects, owner, name, args) if isinstance(owner, InstanceValue) else UNKNOWN


def _split(items: list[Value], args: list[Value]) -> Value:
    """``tensor.split(sizes)`` along the only dimension."""
    sizes = args[0] if args else UNKNOWN
    if isinstance(sizes, int):
        sizes = [sizes] * -(-len(items) // max(1, sizes))
    lengths = [size for size in sizes if isinstance(size, int)] if isinstance(sizes, (list, tuple)) else []
    if has_rest(items) or not isinstance(sizes, (list, tuple)) or len(lengths) < len(sizes):
        parts: list[Value] = items if has_rest(items) else [REST, *items]
        return [REST, InstanceValue(_TENSOR, items=list(dict.fromkeys(parts)))]
    pending = iter(items)
    return [InstanceValue(_TENSOR, items=list(itertools.islice(pending, max(0, length)))) for length in lengths]


_TENSOR = ExternalValue("torch.Tensor")
_TRAVERSALS = frozenset("apply children get_submodule modules named_children named_modules".split())


def _container_method(objects: Objects, owner: InstanceValue, name: str, args: list[Value]) -> Value:
    items = owner.items
    match name, items, args:
        case (("add_module" | "register_module"), _, [key, module]):
            if isinstance(key, str):
                objects.set_attribute(owner, key, module)
            else:
                held = owner.fields.get("", UNKNOWN)
                owner.fields[""] = module if held.__class__ is Unknown else join([held, module])
                owner.version += 1
            if isinstance(items, list):
                items.append(module)
            elif isinstance(items, dict) and isinstance(key, str):
                items[key] = module
        case (("append" | "extend" | "insert"), list(), [*_, added]):
            new = [added] if name != "extend" else objects.listed(added, 0)
            if objects.machine.state.is_weak(owner):
                loosen(items, [item for item in new if item is not REST])
            elif name == "insert":
                items.insert(0, added)
            else:
                items += new
            owner.version += 1
            return owner
        case (("keys" | "values" | "items"), dict(), _):
            return call_method(items, name, [], {}, False)
        case "update", dict(), [added]:
            items.update(added if isinstance(added, dict) else {REST: UNKNOWN})
            owner.version += 1
        case "pop", (list() | dict()), _:
            return possible_item(owner.held())
    return UNKNOWN


def linspace(objects: Objects, args: list[Value], keywords: Keywords, line: int) -> Value:
    """The numbers that a schedule of drop rates starts from."""
    steps = args[2] if len(args) > 2 else keywords.get("steps", UNKNOWN)
    match args:
        case [(int() | float()) as start, (int() | float()) as end, *_]:
            if isinstance(steps, int) and 0 <= steps < MAX_NUMBERS:
                numbers: list[Value] = [start + (end - start) * i / max(1, steps - 1) for i in range(steps)]
                return InstanceValue(_TENSOR, items=numbers)
            if start == end:  # whatever their number, as where no path is dropped
                return InstanceValue(_TENSOR, items=[REST, float(start)])
    return InstanceValue(_TENSOR, items=[REST, UNKNOWN])
