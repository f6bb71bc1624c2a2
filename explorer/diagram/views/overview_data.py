"""The data's half of the whiteboard: from a dataset's name to its reader, from images to batches of tensors."""

from collections import Counter

from explorer.diagram.view import Stack, counted
from explorer.diagram.views.boxes import first_few
from explorer.diagram.views.view_builder import Sheet
from explorer.graph import EdgeKind, Graph, NodeKind
from explorer.queries.composition import class_made_by

CREATE_DATASET = "timm.data.dataset_factory:create_dataset"
CREATE_LOADER = "timm.data.loader:create_loader"
CREATE_TRANSFORM = "timm.data.transforms_factory:create_transform"

_CREATE_READER = "timm.data.readers.reader_factory:create_reader"
_RANDOM, _STREAM = "timm.data.dataset:ImageDataset", "timm.data.dataset:IterableImageDataset"
_PREFETCH = "timm.data.loader:PrefetchLoader"
_PIPELINES, _TORCHVISION, _MORE_READERS = "group:pipelines", "group:torchvision", "group:readers"
_FRAMES = "frame:loading", "frame:datasets", "frame:readers"
_REST = "frame:rest"
_SHOWN = {"timm.models", "timm.layers", "timm.data"}


def add(sheet: Sheet) -> None:
    """Boxes and arrows below the three factories of data, without the readers."""
    loading, datasets, readers = _FRAMES
    frame = sheet.frame(loading, "batches", of="timm.data.loader")
    sheet.source(_PREFETCH, words="on to the device", frame=frame)
    pipelines = _made_by(sheet.graph, CREATE_TRANSFORM)
    sheet.fold(
        _PIPELINES,
        counted(len(pipelines), "pipeline"),
        pipelines,
        words="training, evaluation",
        frame=frame,
        kind=NodeKind.FUNCTION,
    )
    sheet.call(CREATE_LOADER, _PREFETCH)
    sheet.call(CREATE_LOADER, CREATE_TRANSFORM)
    sheet.join(CREATE_TRANSFORM, _PIPELINES, EdgeKind.CALLS)
    frame = sheet.frame(datasets, "datasets", of="timm.data.dataset")
    sheet.source(_RANDOM, words="by index", frame=frame)
    sheet.source(_STREAM, words="a stream", frame=frame)
    found = _external(sheet.graph, CREATE_DATASET, "torchvision.datasets")
    words = f"{counted(len(found), 'class', 'classes')}, for torch/…"
    sheet.fold(_TORCHVISION, "torchvision.datasets", found, words=words, frame=frame, kind=NodeKind.EXTERNAL)
    sheet.join(CREATE_DATASET, _TORCHVISION, EdgeKind.CALLS)
    frame = sheet.frame(readers, "readers", of="timm.data.readers")
    sheet.source(_CREATE_READER, words="by the name's prefix", frame=frame)
    for dataset in (_RANDOM, _STREAM):
        sheet.call(CREATE_DATASET, dataset)
        sheet.call(dataset, _CREATE_READER)


def add_readers(sheet: Sheet, most: int) -> tuple[str, ...]:
    """The readers, as many as there is room for on their own; their ids."""
    made = (class_made_by(edge.target) for edge in sheet.graph.out_edges(_CREATE_READER, EdgeKind.CALLS))
    readers = [name for name in made if name and name in sheet.graph and name.startswith("timm")]
    shown, rest = (readers, []) if len(readers) <= most else (readers[: most - 1], readers[most - 1 :])
    for reader in shown:
        source = reader.partition(":")[0].rpartition(".")[2].removeprefix("reader_").replace("_", " ")
        sheet.source(reader, words=source, frame="frame:readers")
        sheet.call(_CREATE_READER, reader)
    names = [reader.partition(":")[2] for reader in rest]
    sheet.fold(_MORE_READERS, f"{len(rest)} more", names, words=first_few(names, 24), frame="frame:readers")
    sheet.join(_CREATE_READER, _MORE_READERS, EdgeKind.CALLS)
    return (*shown, _MORE_READERS)


def add_the_rest(sheet: Sheet) -> None:
    """timm's other packages, each with the number of its classes."""
    graph = sheet.graph
    frame = sheet.frame(_REST, "to train with", of="timm")
    classes = Counter((node.module or "").rpartition(".")[0] for node in graph.nodes(NodeKind.CLASS))
    packages = [package for package in classes if package.count(".") == 1 and package not in _SHOWN]
    for package in sorted(packages):
        if package.startswith("timm."):
            sheet.source(package, words=counted(classes[package], "class", "classes"), frame=frame)


def arranged(sheet: Sheet, readers: tuple[str, ...]) -> Stack:
    """How the boxes stand; ``readers`` are those that stand on their own, and the rest."""
    loading, datasets, frame = _FRAMES
    rest = tuple(box.id for box in sheet.nodes.values() if box.group == _REST)
    also = tuple(Stack(rest[i : i + 2]) for i in range(0, len(rest), 2))
    rows = tuple(Stack(readers[i : i + 2], gap_px=20.0) for i in range(0, len(readers), 2))
    return Stack(
        (
            Stack((_PREFETCH, _PIPELINES), frame=loading, wide=True),
            Stack((Stack((_RANDOM, _STREAM), gap_px=20.0), _TORCHVISION), down=True, frame=datasets, wide=True),
            Stack((_CREATE_READER, *rows), down=True, frame=frame, wide=True, gap_px=26.0),
            Stack(also, down=True, frame=_REST, wide=True, gap_px=16.0),
        ),
        down=True,
        gap_px=32.0,
    )


def _made_by(graph: Graph, function: str) -> list[str]:
    """What a function of timm's calls or makes within timm, by name."""
    called = (graph.node(edge.target) for edge in graph.out_edges(function, EdgeKind.CALLS))
    return [node.name.removesuffix(".__init__") for node in called if node.kind is NodeKind.FUNCTION]


def _external(graph: Graph, function: str, module: str) -> list[str]:
    called = (edge.target for edge in graph.out_edges(function, EdgeKind.CALLS))
    return sorted({i.partition(":")[2] for i in called if i.partition(":")[0] == module})
