"""Layouts of our own packing, with edges routed round the boxes by Graphviz's ``nop2``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.diagram.geometry import Geometry
from explorer.diagram.layout.graphviz_json import PT_PER_INCH, curve, point
from explorer.diagram.layout.packing import Packing, pack
from explorer.diagram.layout.stacking import stacked
from explorer.diagram.view import View


@dataclass(frozen=True, slots=True)
class Packed:
    """Everything within a width, and each frame within one of its own; or as the view's stack has it."""

    width_px: float
    frame_px: float
    by_stack: bool = False

    def request(self, view: View) -> str:
        """The view in DOT, on one line: boxes where they are to be, synthetic names, no text."""
        boxes = self._packing(view).nodes
        names = {node_id: f"n{i}" for i, node_id in enumerate(boxes)}
        nodes = (
            f'{names[node_id]} [pos="{box.center[0]:g},{-box.center[1]:g}", '
            f"width={box.width / PT_PER_INCH:.4f}, height={box.height / PT_PER_INCH:.4f}];"
            for node_id, box in boxes.items()
        )
        edges = (f"{names[e.source]} -> {names[e.target]} [id=e{i}];" for i, e in enumerate(view.edges))
        return " ".join(
            (
                'digraph view { graph [layout=nop2, splines=true, esep="+7"];',
                'node [shape=box, fixedsize=true, label=""]; edge [arrowsize=0.9];',
                *nodes,
                *edges,
                "}",
            )
        )

    def geometry(self, answer: Mapping[str, Any], view: View) -> Geometry:
        """The packing with Graphviz's edges.

        Raises:
            KeyError, ValueError, IndexError: it is no layout of this view.
        """
        packing = self._packing(view)
        if not view.nodes:
            return Geometry(0.0, 0.0, {}, {}, ())
        first = next(iter(packing.nodes.values())).center
        there = point(next(o for o in answer["objects"] if o["name"] == "n0")["pos"], 0.0)
        shift = first[0] - there[0], first[1] - there[1]
        edges = {e["id"]: e for e in answer.get("edges", ())}
        curves = tuple(curve(edges[f"e{i}"], 0.0).moved(*shift) for i in range(len(view.edges)))
        return Geometry(packing.width, packing.height, packing.nodes, packing.frames, curves)

    def _packing(self, view: View) -> Packing:
        if view.stack and self.by_stack:
            return stacked(view, view.stack)
        return pack(view, self.width_px, self.frame_px)
