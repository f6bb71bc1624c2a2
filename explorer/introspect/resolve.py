"""What a name written in timm's source means: a module, class or function of timm, or something outside it.

Only what is plain from names: scopes, imports, re-exports, ``self.method``, ``super().method``. No value is followed.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from explorer.introspect.parse import (
    SUPER,
    ClassDefinition,
    Definition,
    FunctionDefinition,
    Import,
    Module,
    Path,
    Scope,
)


class RefKind(Enum):
    """What a name turned out to be."""

    MODULE = auto()
    CLASS = auto()
    FUNCTION = auto()
    EXTERNAL = auto()
    INSTANCE = auto()
    """``self``: an instance of a class of timm, or of a subclass."""
    AFTER = auto()
    """``super()``: what follows a class in the method resolution order."""
    PARAMETER = auto()
    """A parameter of the function itself."""


@dataclass(frozen=True, slots=True)
class Ref:
    """``name`` is a qualname, a parameter's name, or empty for modules; external names are split as node ids are."""

    kind: RefKind
    module: str
    name: str = ""

    @property
    def id(self) -> str:
        """The node id."""
        return f"{self.module}:{self.name}" if self.name else self.module


class Resolver:
    """Looks names up over all parsed modules."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._modules = modules
        self._roots = {name.partition(".")[0] for name in modules}
        self._mros: dict[Ref, tuple[Ref, ...]] = {}
        self._busy: set[tuple[str, str]] = set()

    def resolve(self, module: Module, function: FunctionDefinition | None, path: Path) -> Ref | None:
        """What a dotted expression means inside a function (or at the top of the module), if that is plain."""
        refs = self.alternatives(module, function, path)
        return refs[0] if len(refs) == 1 else None

    def alternatives(self, module: Module, function: FunctionDefinition | None, path: Path) -> list[Ref]:
        """Everything a dotted expression may mean: several things for a name assigned in several places."""
        refs = self._root(module, function, path[0])
        for attribute in path[1:]:
            refs = [found for ref in refs if (found := self._attribute(ref, attribute))]
        return refs if len(refs) < 2 else list(dict.fromkeys(refs))

    def definition(self, ref: Ref) -> Definition | None:
        """The definition behind a class or function reference."""
        module = self._modules.get(ref.module)
        if module is None:
            return None
        return module.functions.get(ref.name) or module.classes.get(ref.name)

    def function(self, ref: Ref) -> FunctionDefinition | None:
        """The function behind a reference; for a class its ``__init__``, inherited or own."""
        target = self.callee(ref)
        if target is None or target.kind is not RefKind.FUNCTION:
            return None
        return self._modules[target.module].functions.get(target.name)

    def callee(self, ref: Ref) -> Ref | None:
        """What runs when the reference is called: ``__init__`` makes an instance, ``__call__`` is one's own."""
        if ref.kind is RefKind.CLASS:
            return self.method(ref, "__init__")
        if ref.kind is RefKind.INSTANCE:
            return self.method(Ref(RefKind.CLASS, ref.module, ref.name), "__call__")
        return ref if ref.kind in (RefKind.FUNCTION, RefKind.EXTERNAL) else None

    def bases(self, cls: Ref) -> list[Ref]:
        """Direct bases that are known: classes of timm or external ones."""
        definition = self._modules[cls.module].classes[cls.name]
        scope = _enclosing_function(definition)
        refs = (self.resolve(self._modules[cls.module], scope, base) for base in definition.bases)
        return [ref for ref in refs if ref and ref != cls and ref.kind in (RefKind.CLASS, RefKind.EXTERNAL)]

    def mro(self, cls: Ref) -> tuple[Ref, ...]:
        """The method resolution order over known bases (C3; base order where C3 has no answer)."""
        done = self._mros.get(cls)
        if done is None:
            self._mros[cls] = (cls,)  # a class that is its own ancestor ends here
            bases = self.bases(cls) if cls.kind is RefKind.CLASS else []
            done = self._mros[cls] = (cls, *_c3([list(self.mro(base)) for base in bases] + [bases]))
        return done

    def method(self, cls: Ref, name: str, *, after: bool = False) -> Ref | None:
        """The function a class's attribute is, searched along its MRO (past the class itself with ``after``)."""
        for ref in self.mro(cls)[after:]:
            if ref.kind is RefKind.CLASS:
                qualname = self._modules[ref.module].classes[ref.name].methods.get(name)
                if qualname:
                    return Ref(RefKind.FUNCTION, ref.module, qualname)
        return None

    def _nested_class(self, cls: Ref, name: str) -> Ref | None:
        for ref in self.mro(cls):
            if ref.kind is RefKind.CLASS and f"{ref.name}.{name}" in self._modules[ref.module].classes:
                return Ref(RefKind.CLASS, ref.module, f"{ref.name}.{name}")
        return None

    def _root(self, module: Module, function: FunctionDefinition | None, name: str) -> list[Ref]:
        owner: Definition | None = function
        while owner is not None:
            if isinstance(owner, FunctionDefinition):
                cls = owner.parent if isinstance(owner.parent, ClassDefinition) else None
                if name == SUPER:
                    if cls:
                        return [Ref(RefKind.AFTER, module.name, cls.qualname)]
                elif name in owner.parameters:
                    if cls and owner.positional[:1] == [name] and ("staticmethod",) not in owner.decorators:
                        kind = RefKind.CLASS if ("classmethod",) in owner.decorators else RefKind.INSTANCE
                        return [Ref(kind, module.name, cls.qualname)]
                    return [Ref(RefKind.PARAMETER, "", name)] if owner is function else []
                else:
                    refs = self._in_scope(module, owner, owner.scope, name)
                    if refs is not None:
                        return refs
            owner = owner.parent
        return [] if name == SUPER else self._in_scope(module, None, module.scope, name) or []

    def _in_scope(
        self, module: Module, function: FunctionDefinition | None, scope: Scope, name: str
    ) -> list[Ref] | None:
        """What the scope binds the name to (nothing plain: an empty list), ``None`` when it does not bind it."""
        if name in scope.definitions:
            qualname = scope.definitions[name]
            kind = RefKind.CLASS if qualname in module.classes else RefKind.FUNCTION
            return [Ref(kind, module.name, qualname)]
        if name in scope.imports:
            ref = self._imported(scope.imports[name])
            return [ref] if ref else []
        if name in scope.stores:
            return []
        if name in scope.aliases:
            return self._aliased(module, function, scope, name)
        for star in reversed(scope.stars):
            if self._is_public(star, name) and (ref := self._imported(Import(star, name), starred=True)):
                return [ref]
        return None

    def _is_public(self, module: str, name: str) -> bool:
        """Whether ``from module import *`` brings the name."""
        exports = self._modules[module].exports if module in self._modules else None
        return not name.startswith("_") if exports is None else name in exports

    def _aliased(self, module: Module, function: FunctionDefinition | None, scope: Scope, name: str) -> list[Ref]:
        key = (f"{module.name}:{function.qualname if function else ''}", name)
        if key in self._busy:
            return []
        self._busy.add(key)
        try:
            return [ref for path in scope.aliases[name] for ref in self.alternatives(module, function, path)]
        finally:
            self._busy.discard(key)

    def _imported(self, binding: Import, *, starred: bool = False) -> Ref | None:
        if binding.module.partition(".")[0] not in self._roots:
            if starred:
                return None
            return _external(f"{binding.module}.{binding.attribute}" if binding.attribute else binding.module)
        if binding.module not in self._modules:
            return None
        ref = Ref(RefKind.MODULE, binding.module)
        return self._attribute(ref, binding.attribute) if binding.attribute else ref

    def _attribute(self, owner: Ref, name: str) -> Ref | None:
        match owner.kind:
            case RefKind.MODULE:
                return self._member(owner.module, name)
            case RefKind.EXTERNAL:
                return _external(f"{owner.module}.{owner.name}.{name}" if owner.name else f"{owner.module}.{name}")
            case RefKind.CLASS | RefKind.INSTANCE:
                cls = Ref(RefKind.CLASS, owner.module, owner.name)
                return self.method(cls, name) or self._nested_class(cls, name)
            case RefKind.AFTER:
                return self.method(Ref(RefKind.CLASS, owner.module, owner.name), name, after=True)
        return None

    def _member(self, module: str, name: str) -> Ref | None:
        key = (module, name)
        if key in self._busy:
            return None
        self._busy.add(key)
        try:
            refs = self._in_scope(self._modules[module], None, self._modules[module].scope, name)
        finally:
            self._busy.discard(key)
        if refs is None and f"{module}.{name}" in self._modules:
            return Ref(RefKind.MODULE, f"{module}.{name}")
        return refs[0] if refs else None


def _enclosing_function(definition: Definition) -> FunctionDefinition | None:
    owner = definition.parent
    while owner is not None and not isinstance(owner, FunctionDefinition):
        owner = owner.parent
    return owner


@functools.cache
def _external(dotted: str) -> Ref:
    """``torch.nn.Conv2d`` -> ``torch.nn:Conv2d``; ``torch.Tensor.view`` -> ``torch:Tensor.view``."""
    parts = dotted.split(".")
    first_class = next((i for i, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    cut = max(1, min(first_class, len(parts) - 1))
    return Ref(RefKind.EXTERNAL, ".".join(parts[:cut]), ".".join(parts[cut:]))


def _c3(sequences: list[list[Ref]]) -> list[Ref]:
    """C3 linearisation (Barrett et al. 1996), as Python merges the orders of the bases."""
    merged: list[Ref] = []
    pending = [list(s) for s in sequences if s]
    while pending:
        tails = {ref for s in pending for ref in s[1:]}
        head = next((s[0] for s in pending if s[0] not in tails), pending[0][0])
        merged.append(head)
        pending = [rest for s in pending if (rest := [ref for ref in s if ref != head])]
    return merged
