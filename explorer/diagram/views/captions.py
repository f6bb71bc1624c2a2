"""What the boxes and frames of a pass say: names, settings, sizes."""

from collections import Counter
from collections.abc import Collection, Sequence

from explorer.diagram.style import GROUP_LABEL_CELLS, SUBLABEL_CELLS, cells
from explorer.diagram.view import counted
from explorer.diagram.views.scalar_words import differing
from explorer.diagram.views.segments import ForwardPass, Segment
from explorer.diagram.views.view_builder import named
from explorer.report.wording import dimensions, places, short

Shape = tuple[int, ...]

# A stage that is a Sequential is called by what is in it: "Sequential" tells nothing.
_HOLDERS = ("Sequential", "ModuleList", "ModuleDict")
"""Classes that do nothing but hold others."""

_SIGNS = {"add": "+", "sub": "−", "mul": "×", "div": "÷"}


def shape(value: Shape) -> str:
    """A shape without its batch of one."""
    return dimensions(value, 1) or "1"


class Captions:
    """The words for the segments of one pass."""

    def __init__(self, passed: ForwardPass) -> None:
        self._passed = passed
        # A module that runs again has the same path: its later boxes need ids of their own, and share its weights.
        ran: Counter[int] = Counter()
        self._turn: list[int] = []
        for call in passed.flow.calls:
            ran[call.module] += 1
            self._turn.append(ran[call.module])

    # names

    def id_of(self, segment: Segment) -> str:
        """A readable id: ``layer:layer1.0.conv1``, ``group:layer2.1–3``, ``operator:layer1.0.add#9``."""
        if segment.operator is not None:
            return f"operator:{self._path_of_operator(segment.operator)}#{segment.operator}"
        turn = self._turn[segment.calls[0]] if segment.calls else 1
        kind = "group" if segment.parts or not segment.calls else "layer"
        return f"{kind}:{self.place(segment)}" + (f"@{turn}" if turn > 1 else "")

    def place(self, segment: Segment) -> str:
        """The path of what it stands for: ``layer1.0``, ``layer1.0–2`` of several, ``conv1 · bn1`` of a chain."""
        if segment.operator is not None and not segment.calls:
            return self._path_of_operator(segment.operator)
        if segment.is_chain:
            return _joined([self._path(call) for call in segment.calls])
        if segment.calls:
            return self._path(segment.calls[0])
        held = [part for run in segment.repeats or (segment.parts,) for part in run]
        end = self._path(held[-1].calls[-1]) if held[-1].is_chain else self.place(held[-1])
        first = self.place(held[0]).partition(" · ")[0]
        return self._apart(held, first.rpartition(".")[0]) or _span(first, end)

    def _apart(self, held: Sequence[Segment], base: str) -> str:
        """Numbered places with others between, each named: from the first to the last would be more than these."""
        if any(not part.calls and part.operator is None for part in held):
            return ""
        paths = [self._path(call) for part in held for call in (part.calls if part.is_chain else part.calls[:1])]
        names = [path.removeprefix(f"{base}.") for path in paths]
        said = places(names)
        has_gaps = ", " in said and all(name[-1:].isdecimal() for name in names)
        return ".".join(filter(None, (base, said))) if has_gaps else ""

    def _path(self, call: int) -> str:
        module = self._passed.module(call)
        return module.path or module.class_name

    def _path_of_operator(self, index: int) -> str:
        operator = self._passed.flow.operators[index]
        path = self._passed.module(operator.call).path
        return f"{path}.{operator.name}" if path else operator.name

    def label(self, segment: Segment, frames: Sequence[Segment]) -> str:
        """What a segment is called in its frames, outermost first: its path from the innermost that tells enough."""
        if segment.operator is not None:
            name = self._passed.flow.operators[segment.operator].name
            return _SIGNS.get(name, name)
        place = self.place(segment)
        for frame in reversed(frames):
            inner = place.removeprefix(f"{self._base(frame)}.")
            if not inner[:1].isdigit():
                return inner
        return place

    def _base(self, frame: Segment) -> str:
        """The path that everything in a frame begins with."""
        if frame.repeats and len(frame.repeats[0]) == 1:
            return self._base(frame.repeats[0][0])
        return self._passed.module(frame.calls[-1]).path if frame.calls else ""

    # what it is

    def kinds(self, segment: Segment) -> str:
        """The class of what a segment stands for, ``""`` where it only holds others; of several all of them."""
        if segment.repeats:
            kinds = Counter(filter(None, (self.kinds(inner) for inner in segment.repeats[0])))
            words = [kind if number == 1 else f"{number} {kind}" for kind, number in kinds.items()]
            return " + ".join(words[:3]) + (" …" if len(words) > 3 else "")
        if segment.operator is not None:
            return self._passed.flow.operators[segment.operator].name
        if segment.is_chain:
            return self._passed.module(self.telling_call(segment)).class_name
        classes = [self._passed.module(call).class_name for call in segment.calls]
        return next((name for name in reversed(classes) if name not in _HOLDERS), "")

    def is_bare(self, segment: Segment) -> bool:
        """Whether a segment does nothing but hold others, and stands for nothing in the model."""
        return bool(segment.calls) and segment.times == 1 and not self.kinds(segment) and not self.level(segment)

    def times(self, segment: Segment) -> str:
        """``×3 BasicBlock, separate weights, beta 0.98…0.83`` for what repeats; empty for what runs once."""
        if segment.times == 1:
            return ""
        said = (self._times_what(segment), self._weights_of(segment), *differing(self._passed, segment))
        return ", ".join(filter(None, said))

    def _times_in_few_words(self, segment: Segment) -> list[str]:
        """The same in ever fewer words, that something differs always among them."""
        differs = differing(self._passed, segment)
        counted_in = f"{len(differs)} settings differ" if len(differs) > 1 else "a setting differs"
        what = self._times_what(segment)
        forms = ((what, *differs), (what, counted_in), (f"×{segment.times}", counted_in)) if differs else ((what,),)
        return [self.times(segment), *(", ".join(form) for form in forms)]

    def _times_what(self, segment: Segment) -> str:
        first = segment.repeats[0]
        of = self.kinds(segment) or self._passed.module(first[0].calls[-1]).class_name
        side = "" if segment.is_chained else " in parallel"
        return f"×{segment.times} {of}{side}" if len(first) == 1 else f"×{segment.times} ({of}){side}"

    def _weights_of(self, segment: Segment) -> str:
        """Whether repeats have weights of their own; empty where there are none."""
        runs = ([call for part in repeat for call in self._passed.calls_in(part)] for repeat in segment.repeats)
        first, *others = ([m for m in map(self._passed.module, calls) if m.own_params] for calls in runs)
        if not first:
            return ""
        known = {module.path for module in first}
        again = [module for turn in others for module in turn]
        shared = [module for module in again if module.path in known or module.shared_with]
        if not shared:
            return "separate weights"
        return "shared weights" if len(shared) == len(again) else "some weights shared"

    def level(self, segment: Segment) -> str:
        """``stage 2 · /8`` where a segment gives a level of ``feature_info``; empty elsewhere."""
        calls = [*segment.calls, *(call for repeat in segment.repeats for inner in repeat for call in inner.calls)]
        paths = {self._passed.module(call).path for call in calls}
        found = sorted(level for level in self._passed.flow.levels if level.module in paths)
        if not found:
            return ""
        numbers = [level.stage for level in found]
        strides = " ".join(f"/{stride}" for stride in sorted({level.reduction for level in found}))
        stage = f"stage {numbers[0]}" if len(numbers) == 1 else f"stages {numbers[0]}–{numbers[-1]}"
        return f"{stage} · {strides}"

    def setting(self, segment: Segment) -> str:
        """The second line of a box: its class and setting, or what it holds and the level it gives."""
        if segment.operator is not None:
            # The module that an operator is alone in, or the weights it brings in.
            weights = self._passed.flow.operators[segment.operator].weights
            return self.place(segment) if segment.calls else ", ".join(map(_short_name, weights))
        if segment.parts or segment.repeats or not segment.calls:
            return self._setting_of_group(segment)
        module = self._passed.module(self.telling_call(segment))
        is_shared = self._turn[segment.calls[0]] > 1 or module.shared_with
        words = " ".join(filter(None, (self.kinds(segment) or module.class_name, module.about)))
        return f"{words}, shared weights" if is_shared and module.params else words

    def _setting_of_group(self, segment: Segment) -> str:
        forms = self._times_in_few_words(segment) if segment.repeats else [self._held(segment)]
        level = self.level(segment)
        return _fitting(SUBLABEL_CELLS, *([f"{forms[0]} · {level}"] if level else ()), *forms)

    def heading(self, segment: Segment, frames: Sequence[Segment]) -> str:
        """What a frame says: its name, the level it gives, how often it runs and what it is."""
        name, level = self.label(segment, frames), self.level(segment)
        what, *fewer = self._times_in_few_words(segment) if segment.repeats else [self.kinds(segment)]
        forms = (
            (name, level, what),
            (name, level.replace(" · ", " "), what),
            *((name, words) for words in (what, *fewer)),
        )
        return _fitting(GROUP_LABEL_CELLS, *(" · ".join(dict.fromkeys(filter(None, form))) for form in forms))

    def _held(self, segment: Segment) -> str:
        """The class of a segment and how many layers it holds; of what only holds others what those are."""
        kind = self.kinds(segment)
        if kind:
            return f"{kind}, {counted(self._layers_in(segment), 'layer')}"
        parts: Counter[str] = Counter()
        for part in segment.parts:
            parts[self.kinds(part)] += part.times
        if len(parts) > 2 or "" in parts:
            return counted(self._layers_in(segment), "layer")
        return " + ".join(f"{number} {name}" for name, number in parts.items())

    def _layers_in(self, segment: Segment) -> int:
        """Layers and operators in a segment, every repeat counted."""
        inner = sum(self._layers_in(part) for part in segment.parts) or 1
        return inner * segment.times

    def telling_call(self, segment: Segment) -> int:
        """The call whose setting says most: the segment's own, or else the first in it with MACs."""
        own = segment.calls[0] if segment.is_chain else segment.calls[-1]
        if self._passed.module(own).about:
            return own
        operators = self._passed.flow.operators[segment.first : segment.stop]
        inner = (operator.call for operator in operators if operator.macs)
        return next((call for call in inner if self._passed.module(call).about), own)

    # tooltips

    def tooltip(self, segment: Segment, members: Sequence[str]) -> str:
        """Everything there is to say: path, class, shapes, parameters, MACs, the modules it stands for."""
        about = self._passed.module(self.telling_call(segment)).about if segment.calls and not segment.parts else ""
        what = self.times(segment) or " ".join(filter(None, (self.kinds(segment), about)))
        lines = [self.place(segment), what, self.level(segment), self._shapes(segment), self._costs(segment)]
        if len(members) > 1:
            lines += [f"{len(members)} modules:", *named(members)]
        return "\n".join(filter(None, lines))

    def _shapes(self, segment: Segment) -> str:
        if segment.operator is not None:
            operator = self._passed.flow.operators[segment.operator]
            return _change([tensor.shape for tensor in operator.inputs], operator.outputs)
        first, last = self._outer_call(segment, 0), self._outer_call(segment, -1)
        if first is None or last is None:
            return ""
        taken, given = self._passed.flow.calls[first].inputs, self._passed.flow.calls[last].outputs
        return _change([tensor.shape for tensor in taken], [tensor.shape for tensor in given])

    def _outer_call(self, segment: Segment, end: int) -> int | None:
        """The call that takes what the segment takes (``end`` is 0), or that gives what it gives (-1)."""
        if segment.calls:
            return segment.calls[end if segment.is_chain else 0]
        parts = (segment.repeats or (segment.parts,))[end]
        return self._outer_call(parts[end], end) if parts else None

    def _costs(self, segment: Segment) -> str:
        macs, params = self._passed.macs(segment), self.params(segment)
        words = [f"{short(params)} parameters" if params else "", f"{short(macs)} MACs" if macs else ""]
        return " · ".join(filter(None, words))

    def params(self, segment: Segment) -> int:
        """The parameters of a segment's modules, each module once."""
        modules = {self._passed.flow.calls[call].module for call in self._passed.calls_in(segment)}
        rows = self._passed.flow.modules
        return sum(rows[index].own_params for index in modules if not rows[index].shared_with)

    def members(self, calls: Collection[int]) -> tuple[str, ...]:
        """The paths of the modules called, in the order they run; the model's is its class."""
        return tuple(dict.fromkeys(map(self._path, sorted(calls))))

    def source(self, segment: Segment) -> str:
        """The id of the class of what a segment stands for, or ``""``."""
        if segment.repeats and len(segment.repeats[0]) == 1:
            return self.source(segment.repeats[0][0])
        if segment.is_chain:
            return self._passed.module(self.telling_call(segment)).source
        modules = [self._passed.module(call) for call in segment.calls]
        telling = [module for module in modules if module.class_name not in _HOLDERS] or modules
        return telling[-1].source if telling else ""


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
