from explorer.graph import Edge, EdgeKind, Graph, Node, NodeKind
from explorer.queries.slices import CROWD, called_by, callers_of, surroundings


def star(count: int) -> Graph:
    graph = Graph()
    graph.add_node(Node("timm.a", NodeKind.MODULE))
    for i in range(count):
        graph.add_node(Node(f"timm.b{i}", NodeKind.MODULE))
        graph.add_edge(Edge("timm.a", f"timm.b{i}", EdgeKind.IMPORTS))
    return graph


def around(graph: Graph, room: int = 40) -> tuple[int, list[int]]:
    found = surroundings(graph, "timm.a", [EdgeKind.IMPORTS], up=1, down=1, room=room, sort=lambda *_: "all")
    return len(found.nodes), [len(crowd.members) for crowd in found.crowds]


def test_a_few_neighbours_stand_on_their_own() -> None:
    assert around(star(CROWD)) == (CROWD + 1, [])


def test_many_of_one_sort_are_a_crowd() -> None:
    assert around(star(CROWD + 1)) == (1, [CROWD + 1])


def test_what_there_is_no_room_for_is_a_crowd() -> None:
    assert around(star(5), room=4) == (1, [5])


def calls(*pairs: tuple[str, str]) -> Graph:
    graph = Graph()
    for source, target in pairs:
        for name in (source, target):
            graph.add_node(Node(f"timm.m:{name}", NodeKind.FUNCTION))
        graph.add_edge(Edge(f"timm.m:{source}", f"timm.m:{target}", EdgeKind.CALLS))
    return graph


def test_calls_are_followed_as_many_steps_as_asked_for() -> None:
    graph = calls(("a", "b"), ("b", "c"), ("c", "d"))
    assert list(called_by(graph, "timm.m:a", 2).ids()) == ["timm.m:a", "timm.m:b", "timm.m:c"]


def test_a_crowd_of_calls_is_not_followed() -> None:
    graph = calls(*(("a", f"b{i}") for i in range(CROWD + 1)), ("b0", "c"))
    assert "timm.m:c" not in called_by(graph, "timm.m:a", 3)


def test_callers_come_level_by_level_each_once() -> None:
    graph = calls(("a", "c"), ("b", "c"), ("z", "a"), ("z", "c"), ("c", "z"))
    assert callers_of(graph, "timm.m:c", 2) == [["timm.m:a", "timm.m:b", "timm.m:z"]]
