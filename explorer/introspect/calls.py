"""Which function calls which, as far as names alone tell, and which callables are handed over on the way.

Two rules, and no values are followed beyond them:

- the callee is a name that resolves to a function, a class (its ``__init__``) or an external symbol;
- a parameter that is called stands for the callables that a direct caller hands over, or for its default. These
  edges carry ``via``, the parameter; the calls that hand over carry ``binds``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from explorer.introspect.parse import CallSite, FunctionDefinition, Module
from explorer.introspect.resolve import Ref, RefKind, Resolver

_CALLABLE = (RefKind.CLASS, RefKind.FUNCTION, RefKind.EXTERNAL)
_Handed = dict[Ref, dict[str, set[Ref]]]


@dataclass(slots=True)
class Call:
    """One call of a function by another: lines in the caller's file, and what the edge's ``data`` holds."""

    caller: Ref
    callee: Ref
    lines: list[int]
    via: str | None = None
    stands_for: list[str] = field(default_factory=list)
    """What the parameter holds when this call happens: the callee itself, or classes whose ``__init__`` it is."""
    default: bool = False
    """Whether that is the parameter's default."""
    binds: dict[str, list[str]] = field(default_factory=dict)


def find_calls(modules: Mapping[str, Module], resolver: Resolver) -> Iterator[Call]:
    """Every plainly resolvable call in the modules; direct ones first, then those through parameters."""
    called_parameters: dict[Ref, dict[str, list[int]]] = {}
    handed: _Handed = {}
    for module in modules.values():
        for function in (*module.functions.values(), *module.further_parts):
            caller = Ref(RefKind.FUNCTION, module.name, function.qualname)
            for site in function.calls:
                for ref in resolver.alternatives(module, function, site.callee):
                    if ref.kind is RefKind.PARAMETER:
                        called_parameters.setdefault(caller, {}).setdefault(ref.name, []).append(site.line)
                    elif callee := resolver.callee(ref):
                        binds = _binds(resolver, module, function, site, ref, callee, handed)
                        yield Call(caller, callee, [site.line], binds=binds)
    for caller, parameters in called_parameters.items():
        yield from _through_parameters(resolver, modules[caller.module], caller, parameters, handed.get(caller, {}))


def _through_parameters(
    resolver: Resolver,
    module: Module,
    caller: Ref,
    parameters: dict[str, list[int]],
    handed: dict[str, set[Ref]],
) -> Iterator[Call]:
    defaults = module.functions[caller.name].defaults
    for parameter, lines in parameters.items():
        default = resolver.resolve(module, None, defaults[parameter]) if parameter in defaults else None
        targets = handed.get(parameter, set()) | ({default} if default and default.kind in _CALLABLE else set())
        for target in sorted(targets, key=lambda t: t.id):
            if callee := resolver.callee(target):
                yield Call(caller, callee, lines, parameter, [target.id], target == default)


def _binds(
    resolver: Resolver,
    module: Module,
    function: FunctionDefinition,
    site: CallSite,
    ref: Ref,
    callee: Ref,
    handed: _Handed,
) -> dict[str, list[str]]:
    """The callables this call hands to the callee's parameters, noted in ``handed`` as well."""
    definition = resolver.function(callee) if site.arguments else None
    if definition is None:
        return {}
    shift = _has_receiver(site, ref, definition, resolver, module, function)
    binds: dict[str, list[str]] = {}
    for key, paths in site.arguments.items():
        parameter = _parameter(definition, key, shift)
        if parameter is None:
            continue
        refs = [ref for path in paths for ref in resolver.alternatives(module, function, path)]
        targets = [t for t in dict.fromkeys(refs) if t.kind in _CALLABLE]
        if targets:
            binds[parameter] = [t.id for t in targets]
            handed.setdefault(callee, {}).setdefault(parameter, set()).update(targets)
    return binds


def _parameter(definition: FunctionDefinition, key: int | str, shift: int) -> str | None:
    """The parameter that an argument fills; ``None`` when it goes to ``*args`` or ``**kwargs``."""
    if isinstance(key, str):
        return key if key in definition.parameters else None
    return definition.positional[key + shift] if key + shift < len(definition.positional) else None


def _has_receiver(
    site: CallSite,
    ref: Ref,
    definition: FunctionDefinition,
    resolver: Resolver,
    module: Module,
    function: FunctionDefinition,
) -> bool:
    """Whether the callee's first parameter is filled by what stands before the dot, or by the new instance."""
    if ref.kind is not RefKind.FUNCTION:
        return True
    callee = site.callee
    aliases = function.scope.aliases.get(callee[0], []) if len(callee) == 1 else []
    if len(aliases) == 1:
        callee = aliases[0]
    if ("staticmethod",) in definition.decorators or len(callee) == 1:
        return False
    if ("classmethod",) in definition.decorators:
        return True
    owner = resolver.resolve(module, function, callee[:-1])
    return owner is not None and owner.kind in (RefKind.INSTANCE, RefKind.AFTER)
