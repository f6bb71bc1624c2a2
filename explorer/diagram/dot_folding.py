"""Somebody's own drawing that has more than a picture shows, folded: clusters first, then nodes with what is near."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from explorer.diagram.style import SUBLABEL_CELLS, Flow, Look, elide
from explorer.diagram.view import Group, View, ViewEdge, ViewNode, counted
from explorer.diagram.views.view_builder import first_few, named
from explorer.graph import EdgeKind, Evidence

_ARROWS_A_BOX = 10
"""A picture with more arrows than this for each box is a blot."""

_LEAST_ARROWS = 300
"""So many arrows are drawn one by one, however few boxes they are between."""

_MOST_FRAMES = 60
"""Frames in frames cost room even where little is in them."""

_LEAST_BOXES = 5
_FEWER = 0.7
_NAME_CELLS = 60
_MOST_NAMES = 401
"""As many as a tooltip lists, and one more so that it says there are."""
_TOLD_EDGES = 5

Arrow = tuple[int, int, EdgeKind | Flow]


def folded(view: View, boxes: int) -> View:
    """The view in at most so many boxes, and in fewer where too many arrows would join them.

    A frame that does not fit becomes one box. Where that is not enough, nodes with the same neighbours are put
    together, then each with its neighbours, the smallest first. A note says what was folded. The same view gives the
    same folding.
    """
    if len(view.nodes) <= boxes and len(view.edges) <= _most_arrows(boxes) and len(view.groups) <= _MOST_FRAMES:
        return view
    bags = _Bags(view, boxes)
    while len(arrows := bags.arrows()) > _most_arrows(boxes) and boxes > _LEAST_BOXES:
        boxes = max(int(min(boxes, len(bags.members)) * _FEWER), _LEAST_BOXES)
        if bags.open_frames:  # others may be closed then
            bags = _Bags(view, boxes)
        else:
            bags.shrink(boxes)
    return _view_of(bags, arrows)


def _most_arrows(boxes: int) -> int:
    return max(_ARROWS_A_BOX * boxes, _LEAST_ARROWS)


class _Bags:
    """Which nodes stand together in one box.

    Attributes:
        members: the nodes of each bag, by its number.
        frames: the frame that a bag stands for, where it is one.
        places: the frame that a bag stands in.
    """

    def __init__(self, view: View, boxes: int) -> None:
        self.whole = view
        self.open_frames = _open_frames(view, boxes)
        self.members: dict[int, list[ViewNode]] = {}
        self.frames: dict[int, Group] = {}
        self.places: dict[int, str | None] = {}
        self._near: dict[int, Counter[int]] = {}
        self._fill()
        self.shrink(boxes)

    def shrink(self, boxes: int) -> None:
        """Unite bags until there are at most so many."""
        self._unite_alike(boxes)
        while len(self.members) > boxes and self._unite_neighbours(boxes):
            self._unite_alike(boxes)
        self._unite_rest(boxes)

    def bag_of(self) -> dict[str, int]:
        """The bag of each node."""
        return {node.id: number for number, nodes in self.members.items() for node in nodes}

    def arrows(self) -> dict[Arrow, list[ViewEdge]]:
        """What joins the bags, and what each of these arrows stands for; within a bag there is none."""
        bag_of = self.bag_of()
        found: dict[Arrow, list[ViewEdge]] = {}
        for edge in self.whole.edges:
            one, other = bag_of[edge.source], bag_of[edge.target]
            if one == other and len(self.members[one]) > 1:
                continue
            if edge.kind is Flow.JOINS:
                one, other = sorted((one, other))
            found.setdefault((one, other, edge.kind), []).append(edge)
        return found

    def _fill(self) -> None:
        """A bag for each node that stands in the open, and for each frame that is closed."""
        closed: dict[str, int] = {}
        tops = _closed_frames(self.whole, self.open_frames)
        groups = {group.id: group for group in self.whole.groups}
        for node in self.whole.nodes:
            top = tops.get(node.group or "")
            number = len(self.members) if top is None else closed.setdefault(top, len(self.members))
            if number not in self.members:
                self.members[number] = []
                self.places[number] = node.group if top is None else groups[top].parent
                if top is not None:
                    self.frames[number] = groups[top]
            self.members[number].append(node)
        self._near = {number: Counter() for number in self.members}
        for one, other, _ in (arrows := self.arrows()):
            if one != other:
                times = len(arrows[one, other, _])
                self._near[one][other] += times
                self._near[other][one] += times

    def _unite_alike(self, boxes: int) -> None:
        """Put those into one bag that stand in one frame and have the same neighbours, the largest class first."""
        alike: dict[tuple[str | None, frozenset[int]], list[int]] = {}
        for number, near in self._near.items():
            alike.setdefault((self.places[number], frozenset(near)), []).append(number)
        for numbers in sorted(alike.values(), key=len, reverse=True):
            too_many = len(self.members) - boxes
            if too_many <= 0:
                return
            if len(numbers) > 1:
                self._unite(numbers[-(too_many + 1) :])

    def _unite_neighbours(self, boxes: int) -> bool:
        """One round: each bag, the smallest first, with the least of its neighbours; whether any found one."""
        taken: set[int] = set()
        before = len(self.members)
        for number in sorted(self._near, key=lambda n: (len(self.members[n]), len(self._near[n]), n)):
            if len(self.members) <= boxes:
                break
            if number in taken or number not in self.members:
                continue
            beside = [n for n in self._near[number] if self.places[n] == self.places[number]]
            if beside:
                # Bags grow evenly where those that were joined in this round are left to the last.
                other = min(beside, key=lambda n: (n in taken, len(self.members[n]), -self._near[number][n], n))
                self._unite([other, number])
                taken.add(other)
        return len(self.members) < before

    def _unite_rest(self, boxes: int) -> None:
        """Where nothing is joined any more, the smallest bags become one."""
        too_many = len(self.members) - boxes
        if too_many > 0:
            self._unite(sorted(self.members, key=lambda n: (len(self.members[n]), n))[: too_many + 1])

    def _unite(self, numbers: Sequence[int]) -> None:
        first, *others = numbers
        self.frames.pop(first, None)
        for other in others:
            self.members[first] += self.members.pop(other)
            self.frames.pop(other, None)
            for neighbour, times in self._near.pop(other).items():
                del self._near[neighbour][other]
                if neighbour != first:
                    self._near[neighbour][first] += times
                    self._near[first][neighbour] += times


def _open_frames(view: View, boxes: int) -> set[str]:
    """The frames that can be drawn as frames within so many boxes, outer ones first."""
    top_frames, top_nodes = view.contents[None]
    room = boxes - len(top_frames) - len(top_nodes)
    waiting = deque(top_frames)
    found: set[str] = set()
    while waiting:
        group = waiting.popleft()
        frames, nodes = view.contents[group.id]
        more = len(frames) + len(nodes) - 1
        if more <= room and len(found) < _MOST_FRAMES:
            room -= more
            found.add(group.id)
            waiting.extend(frames)
    return found


def _closed_frames(view: View, open_frames: set[str]) -> dict[str, str | None]:
    """The outermost closed frame that each frame is, or is in; ``None`` where all are open."""
    tops: dict[str, str | None] = {}
    for group in view.groups:
        around = tops[group.parent] if group.parent is not None else None
        tops[group.id] = around if around is not None else None if group.id in open_frames else group.id
    return tops


def _view_of(bags: _Bags, arrows: Mapping[Arrow, Sequence[ViewEdge]]) -> View:
    """The bags as boxes, with what joins them."""
    whole = bags.whole
    degrees = Counter(end for edge in whole.edges for end in (edge.source, edge.target))
    boxes = {number: _box(bags, number, degrees) for number in bags.members}
    holds: Counter[str] = Counter()
    parents = {group.id: group.parent for group in whole.groups}
    for number, nodes in bags.members.items():
        for frame in _around(bags.places[number], parents):
            holds[frame] += len(nodes)
    told = (
        f"{counted(len(whole.nodes), 'node')} and {counted(len(whole.edges), 'edge')} are folded into "
        f"{counted(len(boxes), 'box', 'boxes')}; --nodes N shows more, .json has all."
    )
    return replace(
        whole,
        nodes=tuple(boxes.values()),
        edges=tuple(_arrow(boxes[a].id, boxes[b].id, kind, edges) for (a, b, kind), edges in arrows.items()),
        groups=tuple(replace(g, holds=holds[g.id]) for g in whole.groups if g.id in bags.open_frames and holds[g.id]),
        notes=(*whole.notes, told),
    )


def _around(frame: str | None, parents: Mapping[str, str | None]) -> Iterator[str]:
    while frame is not None:
        yield frame
        frame = parents[frame]


def _box(bags: _Bags, number: int, degrees: Mapping[str, int]) -> ViewNode:
    nodes, frame, place = bags.members[number], bags.frames.get(number), bags.places[number]
    if len(nodes) == 1 and frame is None:
        return nodes[0]
    # What most edges meet in comes first: it says best what the others are around.
    chief = max(nodes, key=lambda node: degrees[node.id])
    others = [node for node in nodes if node is not chief]
    names = [elide(node.label, _NAME_CELLS) for node in (chief, *others[:_MOST_NAMES])]
    count = counted(len(nodes), "node")
    label = frame.label if frame else f"{names[0]} +{len(others):,}"
    words = count if frame else f"{count}: {first_few(names[1:4], SUBLABEL_CELLS - len(count) - 3)}"
    tooltip = "\n".join((label, count, *named(names)))
    members = tuple(node.id for node in nodes)
    return ViewNode(f"folded:{chief.id}", Look.GROUP, label, words, tooltip, group=place, members=members)


def _arrow(source: str, target: str, kind: EdgeKind | Flow, edges: Sequence[ViewEdge]) -> ViewEdge:
    if len(edges) == 1:
        return replace(edges[0], source=source, target=target)
    more = [f"and {len(edges) - _TOLD_EDGES:,} more"] if len(edges) > _TOLD_EDGES else []
    tooltip = "\n".join((counted(len(edges), "edge"), *(edge.tooltip for edge in edges[:_TOLD_EDGES]), *more))
    evidence = tuple(known for known in Evidence if any(known in edge.evidence for edge in edges))
    # No label: dot takes a label for a box to be drawn round, and these are many.
    return ViewEdge(source, target, kind, "", evidence, tooltip)
