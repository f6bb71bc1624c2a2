"""The view ``overview``: timm on one whiteboard."""

from explorer.diagram.style.colours import Flow
from explorer.diagram.view import Stack, View, counted
from explorer.diagram.views import overview_data as data
from explorer.diagram.views import overview_models as models
from explorer.diagram.views.view_builder import Sheet
from explorer.graph import Graph, NodeKind
from explorer.queries.families import families_of
from explorer.queries.slices import MAX_NODES

_YOURS = "frame:yours"


def overview(graph: Graph, *, nodes: int = MAX_NODES) -> View:
    """timm's factories, registry, families, layers and readers, and the arrows that matter.

    Args:
        graph: the whole graph.
        nodes: boxes at the most: fewer layers and readers are shown on their own where there is no room.
    """
    sheet = Sheet(graph)
    _factories(sheet)
    models.add(sheet)
    data.add(sheet)
    data.add_the_rest(sheet)
    most = max((nodes - len(sheet.nodes)) // 2, 1)
    layers = models.add_layers(sheet, min(most, models.MOST_USED))
    readers = data.add_readers(sheet, most)
    sheet.join(data.CREATE_DATASET, data.CREATE_LOADER, Flow.LEADS)
    found = counted(sum(1 for _ in graph.ids(NodeKind.MODEL)), "architecture")
    found = f"{found} in {counted(len(families_of(graph)), 'family', 'families')}"
    return sheet.view("timm on one whiteboard", found, stack=_whiteboard(sheet, layers, readers))


def _factories(sheet: Sheet) -> None:
    frame = sheet.frame(_YOURS, "what you call", about="The four factories.")
    sheet.source(models.CREATE_MODEL, words="a name → a model", frame=frame)
    sheet.source(data.CREATE_DATASET, words="a name → images", frame=frame)
    sheet.source(data.CREATE_LOADER, words="images → batches", frame=frame)
    sheet.source(data.CREATE_TRANSFORM, words="an image → a tensor", frame=frame)


def _whiteboard(sheet: Sheet, layers: tuple[str, ...], readers: tuple[str, ...]) -> Stack:
    factories = (models.CREATE_MODEL, data.CREATE_DATASET, data.CREATE_LOADER, data.CREATE_TRANSFORM)
    yours = Stack(factories, frame=_YOURS, wide=True)
    below = Stack((models.arranged(layers), data.arranged(sheet, readers)), align="start", gap_px=24.0)
    return Stack((yours, below), down=True, gap_px=36.0)
