from explorer.queries.call_tree import main_line_rows

from .conftest import DrawGraph

CALLS = """
    timm.m:create -> timm.m:entry
    timm.m:create -> timm.m:check
    timm.m:check -> timm.m:parse
    timm.m:entry -> timm.m:Net.__init__
    timm.m:Net.__init__ -> timm.m:Block.__init__
    timm.m:Net.__init__ -> timm.m:helper
"""


def rows(draw: DrawGraph, room: int, most: int = 3) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    graph = draw(CALLS)
    found = main_line_rows(graph, list(graph.ids()), lambda i: i.endswith("__init__"), room=room, most=most)
    short = {row.node: (row.beside, row.folded) for row in found}
    return {
        node.partition(":")[2]: tuple(tuple(i.partition(":")[2] for i in part) for part in parts)
        for node, parts in short.items()
    }


def test_the_line_leads_to_what_matters_and_the_rest_stands_beside_it(draw: DrawGraph) -> None:
    found = rows(draw, room=9)
    assert list(found) == ["create", "entry", "Net.__init__"]
    assert found["Net.__init__"] == (("Block.__init__", "helper"), ())


def test_what_leads_to_nothing_that_matters_is_folded_with_all_below_it(draw: DrawGraph) -> None:
    assert rows(draw, room=9)["create"] == ((), ("check", "parse"))


def test_no_function_is_lost_however_little_room_there_is(draw: DrawGraph) -> None:
    everything = set(draw(CALLS).ids())
    for room in range(1, 10):
        found = rows(draw, room)
        shown = [i for node, (beside, folded) in found.items() for i in (node, *beside, *folded)]
        assert sorted(f"timm.m:{i}" for i in shown) == sorted(everything)
        assert room < 2 or sum(1 + len(b) + bool(f) for b, f in found.values()) <= room
