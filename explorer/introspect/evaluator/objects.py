"""Classes and instances: attributes as Python looks them up, and what calling, iterating and indexing them runs."""

import ast
from collections.abc import Callable
from typing import Final

from explorer.introspect.evaluator.bounds import GiveUp
from explorer.introspect.evaluator.function_attributes import function_attribute, set_function_attribute
from explorer.introspect.evaluator.interface import Machine
from explorer.introspect.evaluator.operations import (
    copied,
    is_hashable,
    item_of,
    items_of,
    loosen,
    possible_item,
    taint,
)
from explorer.introspect.evaluator.pure import METHODS
from explorer.introspect.evaluator.values import (
    ATOMS,
    MODULE,
    REST,
    UNKNOWN,
    Choice,
    ClassValue,
    DescriptorValue,
    Environment,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    Keywords,
    MemberValue,
    MethodValue,
    ModuleValue,
    Names,
    PartialValue,
    StandIn,
    SuperValue,
    Value,
    is_known,
    join,
    options_of,
    unknown_from,
)

MODULE_CALL = f"{MODULE}.__call__"
"""The foreign code between calling a module and its ``forward``."""
MODULE_METHODS = frozenset(
    (
        "__init__ add_module append apply children eval extend get_submodule insert items keys modules "
        "named_children named_modules pop register_module requires_grad_ split to tolist train update values"
    ).split()
)
"""Methods of torch's modules that lead to other modules, and of its tensors that lead to plain numbers."""

_NAMED_TUPLE = ExternalValue("typing.NamedTuple")
_DATACLASS = ExternalValue("dataclasses.dataclass")
_FIELD = ExternalValue("dataclasses.field")


MISSING: Final = StandIn()
"""What is found where no class of the packages has an attribute: no value of the source, as any can be one's."""


class Objects:
    """The part of the evaluator that knows classes and instances.

    Args:
        machine: calls what attributes, operators and constructors run.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.known_here: Callable[[str], Value | None] = lambda name: None
        """What something external is on this machine; the machine knows."""
        self._state = machine.state
        self._dataclasses: dict[ClassValue, Names | None] = {}
        self._members: dict[tuple[ClassValue, str], Value] = {}
        self.instances: dict[ClassValue, dict[int, InstanceValue]] = {}
        """Instances made so far, those made in the same way once."""

    def forget(self) -> None:
        """Let go of every class and instance."""
        for cls in self.instances:
            if cls.namespace:
                cls.namespace.clear()
        self._dataclasses.clear()
        self._members.clear()
        self.instances.clear()

    # classes

    def namespace(self, cls: ClassValue) -> Names:
        """The names a class's body binds."""
        if cls.namespace is None:
            environment = Environment({}, cls.closure)
            cls.namespace = environment.names  # the body may ask for what it has bound so far
            self.machine.run_class_body(cls, environment)
            cls.namespace = environment.names
        return cls.namespace

    def bases(self, cls: ClassValue) -> list[ClassValue | ExternalValue]:
        """Direct bases, as far as they are known."""
        found: list[ClassValue | ExternalValue] = []
        for node in cls.node.bases:
            options = options_of(self.machine.value_in(cls, node))
            known = [base for base in options if isinstance(base, (ClassValue, ExternalValue)) and base is not cls]
            found += known[:1]
        return found

    def mro(self, cls: ClassValue) -> tuple[ClassValue | ExternalValue, ...]:
        """The method resolution order (C3; base order where C3 has no answer), external bases without theirs."""
        if cls.mro is None:
            cls.mro = (cls,)  # a class that is its own ancestor ends here
            bases = self.bases(cls)
            orders: list[list[ClassValue | ExternalValue]] = [
                [*self.mro(base)] if isinstance(base, ClassValue) else [base] for base in bases
            ]
            cls.mro = (cls, *_c3([*orders, bases]))
        return cls.mro

    def member(self, cls: ClassValue, name: str) -> Value:
        """What a class's attribute is, along its MRO, unbound; ``MISSING`` when no class of the packages has it."""
        key = (cls, name)
        if key not in self._members:
            self._members[key] = self._member_after(self.mro(cls), name)
        return self._members[key]

    def has_member(self, cls: ClassValue, name: str) -> bool:
        """Whether a class of the packages defines the attribute."""
        return self.member(cls, name) is not MISSING

    def _member_after(self, order: tuple[ClassValue | ExternalValue, ...], name: str) -> Value:
        for cls in order:
            if isinstance(cls, ClassValue):
                namespace = self.namespace(cls)
                if name in namespace:
                    return namespace[name]
            elif name == "__init__" and cls.defines_init():
                break
        return MISSING

    def external_bases(self, cls: ClassValue | ExternalValue) -> list[ExternalValue]:
        """The external classes among a class's ancestors."""
        if isinstance(cls, ExternalValue):
            return [cls]
        return [base for base in self.mro(cls) if isinstance(base, ExternalValue)]

    def is_subclass(self, cls: ClassValue | ExternalValue, other: Value) -> bool | None:
        """Whether one class is another or inherits from it, ``None`` when that is not known."""
        if isinstance(other, ClassValue):
            return isinstance(cls, ClassValue) and other in self.mro(cls)
        if not isinstance(other, ExternalValue):
            return None
        answers = [base.inherits(other) for base in self.external_bases(cls)]
        return True if True in answers else None if None in answers else False

    # attributes

    def get_attribute(self, owner: Value, name: str, line: int = 0) -> Value:
        """``owner.name``; running a property counts as a call."""
        if name in METHODS.get(owner.__class__, ()):
            return MemberValue(owner, name)
        if owner.__class__ is InstanceValue:
            return self._instance_attribute(owner, name, line)
        if owner.__class__ is ExternalValue:
            if name == "__name__":
                return owner.name.rpartition(".")[2]
            return self.external(f"{owner.name}.{name}")
        if owner.__class__ is ModuleValue:
            return self._module_attribute(owner.name, name)
        if owner.__class__ is ClassValue:
            return self._class_attribute(owner, name)
        if owner.__class__ is SuperValue:
            return self._super_attribute(owner, name, line)
        if owner.__class__ is Choice:
            return self._attribute_of_any(owner, name, line)
        if isinstance(owner, (FunctionValue, MethodValue, PartialValue)):
            return function_attribute(owner, name)
        if owner.__class__ is DescriptorValue and name in ("setter", "deleter", "getter"):
            return ExternalValue("builtins.property")
        if isinstance(owner, tuple) and name in getattr(owner, "_fields", ()):
            field: Value = getattr(owner, name)
            return field
        return unknown_from(owner)

    def external(self, name: str) -> Value:
        """Something outside the packages by its dotted name; for source of the user's own, what it is here."""
        known = self.known_here(name) if self._state.is_own else None
        return ExternalValue(name) if known is None else known

    def _module_attribute(self, module: str, name: str) -> Value:
        names = self.machine.execute(module).names
        if name in names:
            return names[name]
        submodule = f"{module}.{name}"
        return ModuleValue(submodule) if submodule in self.machine.environments else UNKNOWN

    def _attribute_of_any(self, owner: Choice, name: str, line: int) -> Value:
        if (
            name in MODULE_METHODS
            and all(o.__class__ is InstanceValue for o in owner.options)
            and not any(isinstance(self.get_attribute(o, name, line), MethodValue) for o in owner.options)
        ):
            return MemberValue(owner, name)
        return join(self.get_attribute(option, name, line) for option in owner.options)

    def _instance_attribute(self, owner: InstanceValue, name: str, line: int) -> Value:
        fields = owner.fields
        cls = owner.cls
        if cls.__class__ is ClassValue:
            found = self.member(cls, name)
            if found is not MISSING and (name not in fields or found.__class__ is DescriptorValue):
                return self._bound(found, owner, cls, line)
        if name in fields:
            return fields[name]
        if name == "__class__":
            return cls
        if name == "__dataclass_fields__":
            return dict.fromkeys(self.field_names(owner), UNKNOWN)
        if name in MODULE_METHODS and self.external_bases(cls):
            return MemberValue(owner, name)
        if owner.items is not None and isinstance(owner.items, dict) and name in owner.items:
            return owner.items[name]
        return self.call_special(owner, "__getattr__", [name], line)

    def _bound(self, found: Value, owner: Value, cls: ClassValue, line: int) -> Value:
        if found.__class__ is FunctionValue:
            return MethodValue(found, owner)
        if found.__class__ is DescriptorValue:
            if found.kind == "property":
                return self.machine.call(found.function, [owner], {}, line)
            if found.kind == "classmethod" and isinstance(found.function, FunctionValue):
                return MethodValue(found.function, cls)
            return found.function
        if found.__class__ is Choice:
            return join(self._bound(option, owner, cls, line) for option in found.options)
        return found

    def _class_attribute(self, cls: ClassValue, name: str) -> Value:
        if name == "__name__":
            return cls.qualname.rpartition(".")[2]
        if name == "__module__":
            return cls.module
        if name == "__dataclass_fields__":
            return dict.fromkeys(self.field_names(cls), UNKNOWN)
        found = self.member(cls, name)
        if found is MISSING:
            bases = self.external_bases(cls)
            return ExternalValue(f"{bases[0].name}.{name}") if bases else UNKNOWN
        if found.__class__ is not DescriptorValue:
            return found
        if found.kind == "classmethod" and isinstance(found.function, FunctionValue):
            return MethodValue(found.function, cls)
        return found.function

    def _super_attribute(self, owner: SuperValue, name: str, line: int) -> Value:
        instance = owner.owner
        cls = instance.cls if isinstance(instance, InstanceValue) else instance
        order = self.mro(cls) if isinstance(cls, ClassValue) else self.mro(owner.cls)
        if owner.cls not in order:
            order = self.mro(owner.cls)
        order = order[order.index(owner.cls) + 1 :]
        found = self._member_after(order, name)
        if found is not MISSING:
            return self._bound(found, instance, owner.cls, line)
        return MemberValue(instance, name) if isinstance(instance, InstanceValue) else UNKNOWN

    def set_attribute(self, owner: Value, name: str, value: Value, line: int = 0) -> None:
        """``owner.name = value``; a property's setter runs."""
        if owner.__class__ is Choice:
            with self._state.maybe():
                for option in owner.options:
                    self.set_attribute(option, name, value, line)
        elif owner.__class__ is InstanceValue and (setter := self._setter(owner, name)):
            self.machine.call(setter, [owner, value], {}, line)
        elif id(owner) in self._state.frozen:
            return
        elif isinstance(owner, (FunctionValue, PartialValue)) and owner not in self._state.settled:
            set_function_attribute(owner, name, value, self._state.uncertain > 0)
        elif owner.__class__ is InstanceValue:
            fields = owner.fields
            if name in fields:
                if fields[name] is value:
                    return
                if self._state.is_weak(owner):
                    value = join([fields[name], value])
            fields[name] = value
            owner.version += 1
        elif owner.__class__ is ModuleValue and not self._state.frozen:
            self.machine.execute(owner.name).names[name] = value

    def _setter(self, owner: InstanceValue, name: str) -> Value:
        if name in owner.fields or owner.cls.__class__ is not ClassValue:
            return None
        found = self.member(owner.cls, name)
        return found.setter if found.__class__ is DescriptorValue else None

    # instances

    def construct(
        self, cls: ClassValue, args: list[Value], keywords: Keywords, line: int, through: str | None = None
    ) -> Value:
        """Make an instance, or give the one that was made in the same way before."""
        instance = self._constructed(cls, args, keywords, line, through)
        if isinstance(instance, InstanceValue):
            self.instances.setdefault(cls, {})[id(instance)] = instance
        return instance

    def _constructed(
        self, cls: ClassValue, args: list[Value], keywords: Keywords, line: int, through: str | None
    ) -> Value:
        machine = self.machine
        instance = self._state.fresh(InstanceValue(cls))
        new = self.member(cls, "__new__")
        if isinstance(new, FunctionValue):
            machine.call_function(new, [cls, *args], keywords, line, through)
        init = self.member(cls, "__init__")
        if isinstance(init, FunctionValue):
            return machine.call_function(init, [instance, *args], keywords, line, through, instance)
        fields = self._dataclass_fields(cls)
        if fields is not None:
            return self._filled(instance, fields, args, keywords, line)
        if any(base.name.partition(".")[0] == "enum" for base in self.external_bases(cls)):
            return args[0] if args else UNKNOWN
        machine.call(MemberValue(instance, "__init__"), args, keywords, line)
        return instance

    def _filled(
        self,
        instance: InstanceValue,
        fields: Names,
        args: list[Value],
        keywords: Keywords,
        line: int,
    ) -> InstanceValue:
        """An instance of a dataclass.

        Raises:
            GiveUp: Python would raise.
        """
        if len(args) > len(fields):
            raise GiveUp
        given: Keywords = {**dict(zip(fields, args, strict=False)), **keywords}
        if REST in given:
            del given[REST]
            fields = dict.fromkeys(fields, UNKNOWN)
        if not given.keys() <= fields.keys():
            raise GiveUp
        instance.fields = {
            name: given[name] if name in given else value if value.__class__ in ATOMS else self._default(value, line)
            for name, value in fields.items()
        }
        self.run_post_init(instance, line)
        return instance

    def run_post_init(self, instance: InstanceValue, line: int) -> None:
        """What a dataclass does after its fields are set."""
        cls = instance.cls
        after = self.member(cls, "__post_init__") if isinstance(cls, ClassValue) else None
        if isinstance(after, FunctionValue):
            self.machine.call(MethodValue(after, instance), [], {}, line, "dataclasses.dataclass")

    def _default(self, value: Value, line: int) -> Value:
        if isinstance(value, InstanceValue) and value.cls is _FIELD:
            if "default_factory" in value.fields:
                factory = value.fields["default_factory"]
                return self.machine.call(factory, [], {}, line, "dataclasses.dataclass")
            return value.fields.get("default", UNKNOWN)
        return copied(value)

    def field_names(self, owner: Value) -> list[str]:
        """The fields of a dataclass or an instance of one; none of anything else."""
        cls = owner.cls if isinstance(owner, InstanceValue) else owner
        return list(self._dataclass_fields(cls) or ()) if isinstance(cls, ClassValue) else []

    def _dataclass_fields(self, cls: ClassValue) -> Names | None:
        """Field defaults in order, inherited ones first; a field without a default is unknown.

        ``None`` for what is no dataclass.
        """
        if cls in self._dataclasses:
            return self._dataclasses[cls]
        called = [d.func if isinstance(d, ast.Call) else d for d in cls.node.decorator_list]
        decorators = [self.machine.value_in(cls, node) for node in called]
        fields: Names | None = None
        inherited = [self._dataclass_fields(base) for base in self.mro(cls)[1:] if isinstance(base, ClassValue)]
        if _DATACLASS in decorators or _NAMED_TUPLE in self.bases(cls):
            fields = {}
            for base in reversed(inherited):
                fields |= base or {}
            names = self.namespace(cls)
            for s in cls.node.body:
                if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name):
                    fields[s.target.id] = names.get(s.target.id, UNKNOWN) if s.value else UNKNOWN
        else:
            fields = next((base for base in inherited if base is not None), None)
        self._dataclasses[cls] = fields
        return fields

    def _is_tuple(self, cls: ClassValue | ExternalValue) -> bool:
        return isinstance(cls, ClassValue) and _NAMED_TUPLE in self.external_bases(cls)

    def call_instance(
        self, owner: InstanceValue, args: list[Value], keywords: Keywords, line: int, through: str | None
    ) -> Value:
        """Call an instance: its ``__call__``, or through torch's the ``forward`` of a module."""
        if isinstance(owner.cls, ClassValue):
            for name, by in (("__call__", through), ("forward", MODULE_CALL)):
                method = self.member(owner.cls, name)
                if method is not MISSING:
                    return self.machine.call(self._bound(method, owner, owner.cls, line), args, keywords, line, by)
        result: Value = UNKNOWN
        for item in owner.held():
            if item is not REST:
                result = self.machine.call(item, [UNKNOWN], {}, line, MODULE_CALL)
        return result

    def defines(self, owner: InstanceValue, name: str) -> bool:
        """Whether a class of the packages defines a method for the instances that this one is of."""
        return isinstance(owner.cls, ClassValue) and isinstance(self.member(owner.cls, name), FunctionValue)

    def call_special(self, owner: Value, name: str, args: list[Value], line: int) -> Value:
        """Call a special method where the packages define it."""
        for option in options_of(owner):
            if isinstance(option, InstanceValue) and isinstance(option.cls, ClassValue):
                method = self.member(option.cls, name)
                if isinstance(method, FunctionValue):
                    return self.machine.call_function(method, [option, *args], {}, line)
        return UNKNOWN

    def iterate(self, owner: Value, line: int) -> list[Value] | None:
        """What iterating over a value gives, ``None`` when that is not known."""
        if not isinstance(owner, InstanceValue):
            return items_of(owner)
        if owner.items is not None:
            return items_of(owner.items)
        if self._is_tuple(owner.cls):
            return list(owner.fields.values())
        iterator = self.call_special(owner, "__iter__", [], line)
        return self.iterate(iterator, line) if iterator is not owner else None

    def listed(self, owner: Value, line: int) -> list[Value]:
        """What iterating over a value gives, :data:`REST` before what may be among it where that is not known."""
        items = self.iterate(owner, line)
        return [REST, *options_of(self.possible_item(owner, line))] if items is None else items

    def possible_item(self, owner: Value, line: int) -> Value:
        """What any one item may be, where :meth:`iterate` does not know how many there are."""
        found: list[Value] = []
        for option in options_of(owner):
            if isinstance(option, InstanceValue):
                items = self.iterate(option, line)
                found += items if items is not None else [self._next_of(option, line)]
            else:
                found.append(possible_item(option))
        return join(found)

    def _next_of(self, owner: InstanceValue, line: int) -> Value:
        """What the iterator of an instance may give next."""
        if owner.items is not None:
            return possible_item(owner.items)
        iterator = self.call_special(owner, "__iter__", [], line)
        if isinstance(iterator, InstanceValue):
            return self.call_special(iterator, "__next__", [], line)
        return possible_item(iterator)

    def get_item(self, owner: Value, key: Value, line: int) -> Value:
        """``owner[key]``; a generic class is itself, ``sys.modules`` holds the modules read.

        Raises:
            GiveUp: there is no such item.
        """
        if owner.__class__ is Choice and any(isinstance(option, InstanceValue) for option in owner.options):
            return join(self.get_item(option, key, line) for option in owner.options)
        if owner.__class__ is ExternalValue:
            if owner.name == "sys.modules" and isinstance(key, str) and key in self.machine.environments:
                return ModuleValue(key)
            return owner if owner.is_class else UNKNOWN
        if owner.__class__ is ClassValue:
            return owner
        if owner.__class__ is not InstanceValue:
            return item_of(owner, key)
        if self.defines(owner, "__getitem__"):
            return self.call_special(owner, "__getitem__", [key], line)
        if self._is_tuple(owner.cls):
            return item_of(tuple(owner.fields.values()), key)
        if owner.items is None:
            return UNKNOWN
        found = item_of(owner.items, key)
        return InstanceValue(owner.cls, items=found) if isinstance(key, slice) and isinstance(found, list) else found

    def set_item(self, owner: Value, key: Value, value: Value, line: int) -> None:
        """``owner[key] = value``."""
        if owner.__class__ is Choice:
            for option in owner.options:
                self.set_item(option, key, join([value, UNKNOWN]), line)
        elif isinstance(owner, InstanceValue):
            self.call_special(owner, "__setitem__", [key, value], line)
            match owner.items, key:
                case dict() as named, str():
                    named[key] = value
                case list() as items, int() if -len(items) <= key < len(items):
                    items[key] = value
            owner.version += 1
        elif id(owner) in self._state.frozen:
            return
        elif isinstance(owner, dict):
            self._set_dict_item(owner, key, value)
        elif isinstance(owner, list):
            if isinstance(key, int) and -len(owner) <= key < len(owner) and REST not in owner:
                owner[key] = join([value, owner[key]]) if self._state.is_weak(owner) else value
            else:
                loosen(owner, [value])
        else:
            taint([owner])

    def _set_dict_item(self, owner: Keywords, key: Value, value: Value) -> None:
        if not (is_known(key) and is_hashable(key)):
            taint([owner])
            owner[REST] = join([UNKNOWN, value])
        elif self._state.is_weak(owner):
            owner[key] = join([value, owner.get(key, UNKNOWN)])
        else:
            owner[key] = value

    def delete_item(self, owner: Value, key: Value, line: int) -> None:
        """``del owner[key]``."""
        self.call_special(owner, "__delitem__", [key], line)
        if isinstance(owner, dict) and is_hashable(key) and key in owner and not self._state.is_weak(owner):
            del owner[key]
        else:
            taint([owner])


def _c3(sequences: list[list[ClassValue | ExternalValue]]) -> list[ClassValue | ExternalValue]:
    """C3 linearisation (Barrett et al. 1996), as Python merges the orders of the bases."""
    merged: list[ClassValue | ExternalValue] = []
    pending = [list(s) for s in sequences if s]
    while pending:
        tails = {cls for s in pending for cls in s[1:]}
        head = next((s[0] for s in pending if s[0] not in tails), pending[0][0])
        merged.append(head)
        pending = [rest for s in pending if (rest := [cls for cls in s if cls is not head])]
    return merged
