"""What the boxes and frames of a pass say: names, settings, sizes."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from explorer.diagram.style.text_metrics import GROUP_LABEL_CELLS, SUBLABEL_CELLS, cells
from explorer.diagram.view import counted
from explorer.diagram.views.boxes import named
from explorer.diagram.views.segments import Pass, Unit
from explorer.protocol.flow import FlowLevel, FlowModule
from explorer.report.wording import dimensions, short

Shape = tuple[int, ...]

_HOLDERS = ("Sequential", "ModuleList", "ModuleDict")
"""Classes that do nothing but hold others."""

_SIGNS = {"add": "+", "sub": "−", "mul": "×", "div": "÷"}


def shape(value: Shape) -> str:
    """A shape without its batch of one."""
    return dimensions(value, 1) or "1"


class Words:
    """The words for the units of one pass."""

    def __init__(self, passed: Pass) -> None:
        self._passed = passed
        self._levels: dict[str, list[FlowLevel]] = {}
        for level in passed.flow.levels:
            self._levels.setdefault(level.module, []).append(level)
        ran: Counter[int] = Counter()
        self._turn: list[int] = []
        for call in passed.flow.calls:
            ran[call.module] += 1
            self._turn.append(ran[call.module])

    # names

    def id_of(self, unit: Unit) -> str:
        """A readable id: ``layer:layer1.0.conv1``, ``group:layer2.1–3``, ``operator:layer1.0.add#9``."""
        if unit.operator is not None:
            return f"operator:{self._path_of_operator(unit.operator)}#{unit.operator}"
        turn = self._turn[unit.calls[0]] if unit.calls else 1
        kind = "group" if unit.parts or not unit.calls else "layer"
        return f"{kind}:{self.place(unit)}" + (f"@{turn}" if turn > 1 else "")

    def place(self, unit: Unit) -> str:
        """The path of what a unit stands for: ``layer1.0``, ``layer1.0–2`` of several, ``conv1 · bn1`` of a chain."""
        if unit.operator is not None and not unit.calls:
            return self._path_of_operator(unit.operator)
        if unit.is_chain:
            return _joined([self._path(call) for call in unit.calls])
        if unit.calls:
            return self._path(unit.calls[0])
        runs = unit.repeats or (unit.parts,)
        return _span(self.place(runs[0][0]).partition(" · ")[0], self._end(runs[-1][-1]))

    def _end(self, unit: Unit) -> str:
        """The path of the last of what a unit stands for."""
        return self._path(unit.calls[-1]) if unit.is_chain else self.place(unit)

    def _path(self, call: int) -> str:
        module = self._passed.module(call)
        return module.path or module.class_name

    def _path_of_operator(self, index: int) -> str:
        operator = self._passed.flow.operators[index]
        path = self._passed.module(operator.call).path
        return f"{path}.{operator.name}" if path else operator.name

    def label(self, unit: Unit, frames: Sequence[Unit]) -> str:
        """What a unit is called in its frames, the outermost first: its path from the innermost that tells enough."""
        if unit.operator is not None:
            name = self._passed.flow.operators[unit.operator].name
            return _SIGNS.get(name, name)
        place = self.place(unit)
        for frame in reversed(frames):
            inner = place.removeprefix(f"{self._base(frame)}.")
            if not inner[:1].isdigit():
                return inner
        return place

    def _base(self, frame: Unit) -> str:
        """The path that everything in a frame begins with."""
        if frame.repeats and len(frame.repeats[0]) == 1:
            return self._base(frame.repeats[0][0])
        return self._passed.module(frame.calls[-1]).path if frame.calls else ""

    # what it is

    def kinds(self, unit: Unit) -> str:
        """The class of what a unit stands for, ``""`` where it only holds others; of several all of them."""
        if unit.repeats:
            kinds = Counter(filter(None, (self.kinds(inner) for inner in unit.repeats[0])))
            words = [kind if number == 1 else f"{number} {kind}" for kind, number in kinds.items()]
            return " + ".join(words[:3]) + (" …" if len(words) > 3 else "")
        if unit.operator is not None:
            return self._passed.flow.operators[unit.operator].name
        if unit.is_chain:
            return self._passed.module(self.telling_call(unit)).class_name
        classes = [self._passed.module(call).class_name for call in unit.calls]
        return next((name for name in reversed(classes) if name not in _HOLDERS), "")

    def is_bare(self, unit: Unit) -> bool:
        """Whether a unit does nothing but hold others, and stands for nothing in the model."""
        return bool(unit.calls) and unit.times == 1 and not self.kinds(unit) and not self.level(unit)

    def times(self, unit: Unit) -> str:
        """``×3 BasicBlock, separate weights`` for what repeats; empty for what runs once."""
        if unit.times == 1:
            return ""
        weights = self._weights_of(unit)
        return ", ".join(filter(None, (self._times_what(unit), weights)))

    def _times_what(self, unit: Unit) -> str:
        first = unit.repeats[0]
        of = self.kinds(unit) or self._passed.module(first[0].calls[-1]).class_name
        return f"×{unit.times} {of}" if len(first) == 1 else f"×{unit.times} ({of})"

    def _weights_of(self, unit: Unit) -> str:
        """Whether repeats have weights of their own; empty where there are none."""
        first, *others = ([m for m in self._modules(repeat) if m.own_params] for repeat in unit.repeats)
        if not first:
            return ""
        known = {module.path for module in first}
        again = [module for turn in others for module in turn]
        shared = [module for module in again if module.path in known or module.shared_with]
        if not shared:
            return "separate weights"
        return "shared weights" if len(shared) == len(again) else "some weights shared"

    def _modules(self, units: Sequence[Unit]) -> list[FlowModule]:
        return [self._passed.module(call) for unit in units for call in self._passed.calls_in(unit)]

    def level(self, unit: Unit) -> str:
        """``stage 2 · /8`` where a unit gives a level of ``feature_info``; empty elsewhere."""
        calls = [*unit.calls, *(call for repeat in unit.repeats for inner in repeat for call in inner.calls)]
        paths = dict.fromkeys(self._passed.module(call).path for call in calls)
        found = sorted(level for path in paths for level in self._levels.get(path, ()))
        if not found:
            return ""
        numbers = [level.stage for level in found]
        strides = " ".join(f"/{stride}" for stride in sorted({level.reduction for level in found}))
        stage = f"stage {numbers[0]}" if len(numbers) == 1 else f"stages {numbers[0]}–{numbers[-1]}"
        return f"{stage} · {strides}"

    def setting(self, unit: Unit) -> str:
        """The second line of a box: its class and setting, or what it holds and the level it gives."""
        if unit.operator is not None:
            return self._setting_of_operator(unit)
        if unit.parts or unit.repeats or not unit.calls:
            return self._setting_of_group(unit)
        call = self.telling_call(unit)
        module = self._passed.module(call)
        is_shared = self._turn[unit.calls[0]] > 1 or module.shared_with
        words = " ".join(filter(None, (self.kinds(unit) or module.class_name, module.about)))
        return f"{words}, shared weights" if is_shared and module.params else words

    def _setting_of_group(self, unit: Unit) -> str:
        what, level = (self.times(unit) or self._held(unit)), self.level(unit)
        short_form = self._times_what(unit) if unit.repeats else what
        return _fitting(SUBLABEL_CELLS, f"{what} · {level}" if level else what, what, short_form)

    def heading(self, unit: Unit, frames: Sequence[Unit]) -> str:
        """What a frame says: its name, the level it gives, how often it runs and what it is."""
        name, level, what = self.label(unit, frames), self.level(unit), self.times(unit) or self.kinds(unit)
        forms = ((name, level, what), (name, level.replace(" · ", " "), what), (name, what))
        return _fitting(GROUP_LABEL_CELLS, *(" · ".join(dict.fromkeys(filter(None, form))) for form in forms))

    def _setting_of_operator(self, unit: Unit) -> str:
        """The module an operator is alone in, or the weights it brings in."""
        if unit.calls:
            return self.place(unit)
        weights = self._passed.flow.operators[unit.operator or 0].weights
        return ", ".join(map(_short_name, weights))

    def _held(self, unit: Unit) -> str:
        """The class of a unit and how many layers it holds; of what only holds others what those are."""
        kind = self.kinds(unit)
        if kind:
            return f"{kind}, {counted(self._layers_in(unit), 'layer')}"
        parts: Counter[str] = Counter()
        for part in unit.parts:
            parts[self.kinds(part)] += part.times
        if len(parts) > 2 or "" in parts:
            return counted(self._layers_in(unit), "layer")
        return " + ".join(f"{number} {name}" for name, number in parts.items())

    def _layers_in(self, unit: Unit) -> int:
        """Layers and operators in a unit, every repeat counted."""
        inner = sum(self._layers_in(part) for part in unit.parts) or 1
        return inner * unit.times

    def telling_call(self, unit: Unit) -> int:
        """The call whose setting says most: the unit's own, or else the first in it with MACs."""
        own = unit.calls[0] if unit.is_chain else unit.calls[-1]
        if self._passed.module(own).about:
            return own
        operators = self._passed.flow.operators[unit.first : unit.stop]
        inner = (operator.call for operator in operators if operator.macs)
        return next((call for call in inner if self._passed.module(call).about), own)

    # tooltips

    def tooltip(self, unit: Unit, members: Sequence[str]) -> str:
        """Everything there is to say: path, class, shapes, parameters, MACs, the modules it stands for."""
        return "\n".join(filter(None, self._lines(unit, members)))

    def _lines(self, unit: Unit, members: Sequence[str]) -> Iterator[str]:
        yield self.place(unit)
        about = self._passed.module(self.telling_call(unit)).about if unit.calls and not unit.parts else ""
        yield self.times(unit) or " ".join(filter(None, (self.kinds(unit), about)))
        yield self.level(unit)
        yield self._shapes(unit)
        yield self._costs(unit)
        if len(members) > 1:
            yield f"{len(members)} modules:"
            yield from named(members)

    def _shapes(self, unit: Unit) -> str:
        if unit.operator is not None:
            operator = self._passed.flow.operators[unit.operator]
            return _change([tensor.shape for tensor in operator.inputs], operator.outputs)
        first, last = self._first_call(unit), self._last_call(unit)
        if first is None or last is None:
            return ""
        taken, given = self._passed.flow.calls[first].inputs, self._passed.flow.calls[last].outputs
        return _change([tensor.shape for tensor in taken], [tensor.shape for tensor in given])

    def _first_call(self, unit: Unit) -> int | None:
        """The call that takes what the unit takes."""
        if unit.calls:
            return unit.calls[0]
        return self._first_call((unit.repeats or (unit.parts,))[0][0]) if unit.parts or unit.repeats else None

    def _last_call(self, unit: Unit) -> int | None:
        """The call that gives what the unit gives."""
        if unit.calls:
            return unit.calls[-1 if unit.is_chain else 0]
        return self._last_call((unit.repeats or (unit.parts,))[-1][-1]) if unit.parts or unit.repeats else None

    def _costs(self, unit: Unit) -> str:
        macs, params = self._passed.macs(unit), self.params(unit)
        words = [f"{short(params)} parameters" if params else "", f"{short(macs)} MACs" if macs else ""]
        return " · ".join(filter(None, words))

    def params(self, unit: Unit) -> int:
        """The parameters of a unit's modules, each module once."""
        modules = {self._passed.flow.calls[call].module for call in self._passed.calls_in(unit)}
        rows = self._passed.flow.modules
        return sum(rows[index].own_params for index in modules if not rows[index].shared_with)

    def members(self, calls: Collection[int]) -> tuple[str, ...]:
        """The paths of the modules called, in the order they run; the model's is its class."""
        return tuple(dict.fromkeys(map(self._path, sorted(calls))))

    def source(self, unit: Unit) -> str:
        """The id of the class of what a unit stands for, or ``""``."""
        if unit.repeats and len(unit.repeats[0]) == 1:
            return self.source(unit.repeats[0][0])
        if not unit.calls:
            return ""
        if unit.is_chain:
            return self._passed.module(self.telling_call(unit)).source
        modules = [self._passed.module(call) for call in unit.calls]
        telling = [module for module in modules if module.class_name not in _HOLDERS] or modules
        return telling[-1].source


def _fitting(cells_at_most: int, *forms: str) -> str:
    """The first of several ways to say a thing that fits, or else the last."""
    return next((form for form in forms if cells(form) <= cells_at_most), forms[-1])


def _short_name(weight: str) -> str:
    """``qkv.weight``: a parameter's name with that of its module, unless this is a number."""
    holder, _, name = weight.rpartition(".")
    module = holder.rpartition(".")[2]
    return f"{module}.{name}" if module and not module.isdigit() else name


def _joined(paths: Sequence[str]) -> str:
    """``layer1.0.conv1 · bn1``: paths that begin alike, the beginning said once."""
    base = paths[0].rpartition(".")[0]
    rest = (path.removeprefix(f"{base}.") if base else path for path in paths[1:])
    return " · ".join((paths[0], *rest))


def _span(first: str, last: str) -> str:
    """``layer1.0–2`` for ``layer1.0`` and ``layer1.2``."""
    head, _, _ = first.rpartition(".")
    tail, _, end = last.rpartition(".")
    if first == last:
        return first
    return f"{first}–{end}" if head == tail else f"{first} – {last}"


def _change(taken: Sequence[Shape], given: Sequence[Shape]) -> str:
    before, after = (", ".join(map(shape, shapes)) for shapes in (taken, given))
    return f"{before or 'nothing'} → {after or 'nothing'}"
