"""timm's model registry as importing timm would fill it, read from source.

The rules are those of ``timm.models._registry`` (``register_model``, ``generate_default_cfgs``,
``register_model_deprecations``): stand-ins for these three run while the evaluator executes timm's modules, in
Python's own import order.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from explorer.introspect.evaluator.bounds import GiveUp
from explorer.introspect.evaluator.function_attributes import unwrapped
from explorer.introspect.evaluator.machine import DECLINED, Evaluator
from explorer.introspect.evaluator.operations import truth_of
from explorer.introspect.evaluator.values import (
    REST,
    UNKNOWN,
    ClassValue,
    FunctionValue,
    InstanceValue,
    Keywords,
    MethodValue,
    PartialValue,
    StandIn,
    Unknown,
    Value,
    as_json,
    options_of,
)
from explorer.introspect.reading.parse import Module
from explorer.queries.node_data import WeightsData
from explorer.underway import tell

_REGISTRY = "timm.models._registry"
_PRETRAINED = "timm.models._pretrained"
_WEIGHT_SOURCES = ("url", "file", "hf_hub_id")


@dataclass(slots=True)
class Architecture:
    """A registered model: its entrypoint, its family and its weights, the default first."""

    name: str
    family: str
    module: str
    entrypoint: str
    """``module:qualname`` of the function; of the one inside, where it is wrapped."""
    line: int = 0
    """Where it stands in its module; 0 where that is not known."""
    weights: list[WeightsData] = field(default_factory=list)
    weights_known: bool = True
    """False when the module's ``default_cfgs`` could not be read from source."""

    @property
    def pretrained(self) -> bool:
        """Whether the default weights exist, as timm's ``is_model_pretrained`` says."""
        return bool(self.weights) and self.weights[0].has_weights


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A deprecated name and what it maps to: an architecture, one with a tag, or nothing."""

    name: str
    family: str
    module: str
    replaced_by: str | None


@dataclass(slots=True)
class Registry:
    """All registered names, in the order of registration."""

    architectures: dict[str, Architecture] = field(default_factory=dict)
    deprecations: dict[str, Deprecation] = field(default_factory=dict)


@dataclass(slots=True)
class _DefaultCfg(StandIn):
    """timm's ``DefaultCfg``: tags with the default first, cfgs by tag."""

    tags: deque[str] = field(default_factory=deque)
    cfgs: dict[str, InstanceValue] = field(default_factory=dict)
    is_pretrained: bool = False
    is_known: bool = True
    """False when it is not known which of the cfgs have weights, and so which tag is the default."""


_ENTRYPOINTS = (FunctionValue, MethodValue, PartialValue, ClassValue)
"""What timm registers: all that has a name and a module."""


@dataclass(frozen=True, slots=True)
class _DefinedAt:
    """Where an entrypoint is defined."""

    module: str
    qualname: str
    line: int

    @classmethod
    def of(cls, function: Value) -> "_DefinedAt":
        while isinstance(function, (MethodValue, PartialValue)):
            function = function.function
        if isinstance(function, (FunctionValue, ClassValue)):
            return cls(function.module, function.qualname, function.node.lineno)
        return cls("", "", 0)


def read_registry(
    modules: Mapping[str, Module], roots: tuple[str, ...] = ("timm",), beside: tuple[Path, ...] = ()
) -> tuple[Registry, Evaluator]:
    """Execute everything that importing ``roots`` imports; what was registered, and the evaluator that did it.

    Args:
        modules: parsed, by dotted name.
        roots: timm and the packages beside it.
        beside: folders of which modules may be imported too, without being read.
    """
    reader = _RegistryReader(modules, roots)
    reader.evaluator.state.beside = beside
    for root in roots:
        if root in modules:
            reader.evaluator.execute(root)
    return reader.registry, reader.evaluator


class _RegistryReader:
    """timm's registry while its modules are executed: the stand-ins for the functions that fill it."""

    def __init__(self, modules: Mapping[str, Module], roots: tuple[str, ...]) -> None:
        self.registry = Registry()
        self.evaluator = Evaluator(
            modules,
            {
                f"{_REGISTRY}:register_model": self._register_model,
                f"{_REGISTRY}:generate_default_cfgs": self._generate_default_cfgs,
                f"{_REGISTRY}:register_model_deprecations": self._register_deprecations,
            },
            *roots,
        )

    def _register_model(self, args: list[Value], keywords: Keywords) -> Value:
        function = args[0] if args else keywords.get("fn", UNKNOWN)
        state = self.evaluator.state
        for option in options_of(function):
            if not isinstance(option, _ENTRYPOINTS):
                state.cannot_tell(state.module, state.line, "what is registered is not known")
                continue
            for name in options_of(self._name_of(option)):
                if not isinstance(name, str):
                    state.cannot_tell(state.module, state.line, "the name that is registered is not known")
                    continue
                self._register(name, option)
                if state.uncertain or function is not option:
                    line = _DefinedAt.of(unwrapped(option)).line or state.line
                    state.cannot_tell(state.module, line, f"whether {name} is registered is not known")
        return function

    def _name_of(self, function: Value) -> Value:
        """The name that timm registers a function by.

        Raises:
            GiveUp: it has none, so that timm fails on it.
        """
        try:
            return self.evaluator.objects.get_attribute(function, "__name__")
        except GiveUp:
            state = self.evaluator.state
            state.cannot_tell(state.module, state.line, "timm cannot register a partial, which has no __name__")
            raise

    def _register(self, name: str, function: Value) -> None:
        """Register what timm calls a function by this name, in the module that it says it is from."""
        inner = unwrapped(function)
        home = self.evaluator.objects.get_attribute(function, "__module__")
        place = _DefinedAt.of(inner)
        module = home if isinstance(home, str) else place.module
        environment = self.evaluator.environments.get(module)
        names = environment.names if environment else {}
        # timm adds the name to the module's `__all__`, and `from .resnet import *` then brings it along.
        _append_to_all(names, name)
        tell("finding what is registered", len(self.registry.architectures) + 1, things="models")
        self._forget(name)  # a name stands for what was registered last, be it a model or deprecated
        architecture = Architecture(name, _family(module), module, f"{place.module}:{place.qualname}", place.line)
        if isinstance(inner, FunctionValue):
            self.evaluator.state.entrypoints.add(inner.node)
        default_cfgs = names.get("default_cfgs", {})
        if isinstance(default_cfgs, dict) and name in default_cfgs:
            architecture.weights_known = self._add_weights(architecture, default_cfgs[name])
        elif not isinstance(default_cfgs, dict) or REST in default_cfgs:
            architecture.weights_known = False
        self.registry.architectures[name] = architecture
        self._fill("_model_entrypoints", name, function)
        self._fill("_model_to_module", name, architecture.family)

    def _fill(self, table: str, key: str, value: Value) -> None:
        """Add to a table of timm's registry, where this timm has it."""
        environment = self.evaluator.environments.get(_REGISTRY)
        entries = environment.names.get(table) if environment else None
        if isinstance(entries, dict):
            entries[key] = value

    def _add_weights(self, architecture: Architecture, default: Value) -> bool:
        if isinstance(default, dict):
            default = _DefaultCfg(deque([""]), {"": self._pretrained_cfg(default)}, is_known=REST not in default)
        if not isinstance(default, _DefaultCfg):
            return False
        for i, tag in enumerate(default.tags):
            given = default.cfgs[tag]
            fields = {**given.fields, "architecture": architecture.name, "tag": tag or None}
            cfg = InstanceValue(given.cls, fields)
            for name in ([architecture.name] if i == 0 else []) + ([f"{architecture.name}.{tag}"] if tag else []):
                self._fill("_model_pretrained_cfgs", name, cfg)
            architecture.weights.append(_weights(architecture.name, tag, default.cfgs[tag].fields))
        self._fill("_model_default_cfgs", architecture.name, UNKNOWN)
        return default.is_known

    def _generate_default_cfgs(self, args: list[Value], keywords: Keywords) -> Value:
        cfgs = args[0] if args else keywords.get("cfgs", UNKNOWN)
        if not isinstance(cfgs, dict):
            return UNKNOWN
        found: dict[str, _DefaultCfg] = {}
        default_set: set[str] = set()
        for key, value in cfgs.items():
            if not isinstance(key, str):
                continue  # what follows from names that are not known is in REST
            record = self._pretrained_cfg(value)
            weighted = _has_weights(record.fields)
            model, _, tag = key.partition(".")
            # timm's own rule, line by line: a tag with a star, or weights without a tag, are the default.
            priority = (weighted and not tag) or (tag.endswith("*") and model not in default_set)
            tag = tag.strip("*")
            default = found.setdefault(model, _DefaultCfg())
            default.is_known = default.is_known and weighted is not None
            if priority:
                default.tags.appendleft(tag)
                default_set.add(model)
            elif weighted and not default.is_pretrained:
                default.tags.appendleft(tag)
            else:
                default.tags.append(tag)
            default.is_pretrained = default.is_pretrained or bool(weighted)
            default.cfgs[tag] = record
        out: dict[Value, Value] = dict(found.items())
        return {**out, REST: UNKNOWN} if REST in cfgs else out

    def _pretrained_cfg(self, value: Value) -> InstanceValue:
        """``PretrainedCfg(**value)``; every field is unknown when the value is.

        Raises:
            GiveUp: this timm has no such class that can be read.
        """
        if isinstance(value, InstanceValue):
            return value
        cls = self.evaluator.attribute(_PRETRAINED, "PretrainedCfg")
        if not isinstance(cls, ClassValue):
            raise GiveUp
        fields: Keywords = value if isinstance(value, dict) else {REST: UNKNOWN}
        record = self.evaluator.call(cls, [], fields)
        if not isinstance(record, InstanceValue):
            raise GiveUp
        return record

    def _register_deprecations(self, args: list[Value], keywords: Keywords) -> Value:
        given: Keywords = {**keywords}
        given.update(zip(("module_name", "deprecation_map"), args, strict=False))
        module, mapping = given.get("module_name"), given.get("deprecation_map")
        if not isinstance(module, str) or not isinstance(mapping, dict):
            return DECLINED
        environment = self.evaluator.environments.get(module)
        for name, current in mapping.items():
            if isinstance(name, str) and current.__class__ is not Unknown:
                self._forget(name)
                if environment:
                    _append_to_all(environment.names, name)
                replaced_by = current if isinstance(current, str) else None
                self.registry.deprecations[name] = Deprecation(name, _family(module), module, replaced_by or None)
        return DECLINED

    def _forget(self, name: str) -> None:
        self.registry.architectures.pop(name, None)
        self.registry.deprecations.pop(name, None)


def _family(module: str) -> str:
    return module.rpartition(".")[2]


def _append_to_all(names: dict[str, Value], name: str) -> None:
    public = names.setdefault("__all__", [])
    if isinstance(public, list) and name not in public:
        public.append(name)


def _has_weights(fields: Mapping[str, Value]) -> bool | None:
    """Whether any weight source is set, ``None`` when that is not known."""
    truths = [truth_of(fields.get(source)) for source in _WEIGHT_SOURCES]
    return True if True in truths else None if None in truths else False


def _weights(architecture: str, tag: str, fields: Mapping[str, Value]) -> WeightsData:
    values = {**fields, "architecture": architecture, "tag": tag or None}
    # So cfgs say "below timm/ on the hub, by my own name"; timm completes it when it registers the model.
    if values.get("hf_hub_id") == "timm/":
        values["hf_hub_id"] = f"timm/{architecture}.{tag}" if tag else f"timm/{architecture}"
    data = {name: as_json(value) for name, value in values.items()}
    cfg = {name: value for name, value in data.items() if value is not UNKNOWN}
    unknown = tuple(name for name in data if name not in cfg)
    return WeightsData(architecture, tag, bool(_has_weights(values)), cfg, unknown)
