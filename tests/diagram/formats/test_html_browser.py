"""What the HTML does in a real browser, where there is one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from explorer.graph import Graph

from ..browser import needs_browser, run
from ..samples import CONSTRUCTOR, CREATE_MODEL, FACTORY, RESNET, render

pytestmark = needs_browser

_ABOUT = """
const shown = part => part.style.display !== 'none';
const seen = id => shown(partById.get(id));
const press = (key, where = document.activeElement || document.body) =>
  where.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
const type = words => { search.value = words; search.dispatchEvent(new Event('input')); };
"""


def page_of(graph: Graph) -> str:
    return render(graph, "html", title="How create_model makes a resnet34").decode()


Try = Callable[[str], Any]


@pytest.fixture
def on_page(medium: Graph, tmp_path: Path) -> Try:
    """What a script finds that runs in the page of a picture."""
    return lambda script: run(page_of(medium), _ABOUT + script, tmp_path, "--window-size=1000,800")


def test_search_finds_nodes_and_shows_the_first(on_page: Try) -> None:
    found = on_page("""
        type('blocks');
        press('Enter', search);
        const found = {
          hits: hits.map(n => n.label),
          said: document.getElementById('found').textContent,
          marked: document.querySelectorAll('.node.hit').length,
          at: document.querySelector('.current').dataset.id,
          facts: facts.textContent,
        };
    """)
    assert set(found["hits"]) == {"make_blocks", "drop_blocks"}
    assert found["marked"] == 2
    assert found["said"] == "1 of 2"
    assert found["at"] == f"{RESNET}:{found['hits'][0]}"
    assert "resnet.py" in found["facts"]


def test_enter_goes_from_hit_to_hit_and_round(on_page: Try) -> None:
    first, second, third = on_page("""
        type('blocks');
        const found = [1, 2, 3].map(() => { press('Enter', search); return selected; });
    """)
    assert first != second
    assert third == first


def test_a_hit_in_a_folded_frame_unfolds_that_frame_alone(on_page: Try) -> None:
    found = on_page(f"""
        fold('{RESNET}');
        fold('{FACTORY}');
        const hid = !seen('{CONSTRUCTOR}');
        type('make_blocks');
        press('Enter', search);
        const found = [hid, seen('{CONSTRUCTOR}'), seen('{CREATE_MODEL}')];
    """)
    assert found == [True, True, False]


def test_a_frame_folds_to_one_box_and_back(on_page: Try, medium: Graph) -> None:
    found = on_page(f"""
        const state = () => ({{
          nodes: nodeParts.filter(shown).length,
          boxes: [...document.querySelectorAll('.folded')].map(p => [p.dataset.id, p.lastChild.textContent]),
          edges: edgeParts.filter(shown).length,
          rerouted: document.querySelectorAll('.rerouted').length,
        }});
        const before = state();
        const label = frameLabels.find(p => p.dataset.id === '{RESNET}');
        label.dispatchEvent(new MouseEvent('click', {{ bubbles: true, cancelable: true }}));
        const during = state();
        press('f');
        const found = {{ before, during, after: state() }};
    """)
    before, during = found["before"], found["during"]
    held = {node_id for node_id in medium.ids() if node_id.startswith(f"{RESNET}:")}
    ends = [(edge, edge.source in held, edge.target in held) for edge in medium.edges()]
    crossing = {(out or edge.source, into or edge.target, edge.kind) for edge, out, into in ends if out != into}
    assert during["boxes"] == [[RESNET, f"{len(held)} nodes"]]
    assert during["nodes"] == before["nodes"] - len(held)
    assert during["edges"] < before["edges"]
    assert during["rerouted"] == len(crossing)
    assert found["after"] == before


def test_all_frames_fold_and_unfold(on_page: Try) -> None:
    folded, frames, left = on_page("""
        const boxes = () => document.querySelectorAll('.folded').length;
        foldAll(true);
        const folded_ = boxes();
        foldAll(false);
        const found = [folded_, frameParts.length, boxes()];
    """)
    assert folded == frames
    assert left == 0


def test_enter_on_a_node_shows_its_facts_and_source(on_page: Try) -> None:
    found = on_page(f"""
        partById.get('{CONSTRUCTOR}').focus();
        press('Enter');
        const found = {{ text: facts.textContent, link: facts.querySelector('a').href, hidden: facts.hidden }};
    """)
    assert not found["hidden"]
    assert all(words in found["text"] for words in (CONSTRUCTOR, "make_blocks", "build_model_with_cfg"))
    assert found["link"].endswith("/timm/models/resnet.py#L484")


def test_keys_move_and_scale_the_picture(on_page: Try) -> None:
    found = on_page("""
        const at = () => svg.getAttribute('viewBox').split(' ').map(Number);
        stage.focus();
        const places = [at(), ...['ArrowRight', '+', '0'].map(key => { press(key); return at(); })];
        const found = { places, whole: [whole.width, whole.height] };
    """)
    start, moved, closer, everything = found["places"]
    assert moved[0] > start[0]
    assert closer[2] < moved[2]
    x, y, width, height = everything
    assert max(x, y) <= 0
    assert x + width >= found["whole"][0] - 1
    assert y + height >= found["whole"][1] - 1


def test_slash_goes_to_the_search(on_page: Try) -> None:
    assert on_page("press('/', document.body); const found = document.activeElement.id;") == "search"


def test_the_theme_can_be_changed(on_page: Try) -> None:
    grounds = on_page("""
        const ground = () => getComputedStyle(document.querySelector('.page')).fill;
        const change = () => { document.querySelector('[data-does=theme]').click(); return ground(); };
        const found = [change(), change()];
    """)
    assert sorted(grounds) == ["rgb(13, 17, 23)", "rgb(255, 255, 255)"]


def test_every_node_and_frame_is_reached_by_tab_and_named(on_page: Try) -> None:
    assert on_page("""
        const parts = [...nodeParts, ...frameLabels];
        const found = parts.every(p => p.tabIndex === 0 && p.getAttribute('role') && p.getAttribute('aria-label'));
    """)


def test_nothing_is_asked_of_the_network(on_page: Try) -> None:
    found = on_page("""
        foldAll(true);
        type('a');
        press('Enter', search);
        const asked = performance.getEntriesByType('resource').map(e => e.name);
        const found = { asked, policy: document.querySelector('meta[http-equiv]').content };
    """)
    assert found["asked"] == []
    assert found["policy"].startswith("default-src 'none'")


def test_names_of_every_kind_are_found(nasty: Graph, tmp_path: Path) -> None:
    script = """
        const missed = view.nodes.filter(n => { type(n.id); return !hits.includes(n); }).map(n => n.id);
        const found = [missed, nodeParts.length, view.nodes.length];
    """
    missed, parts, nodes = run(page_of(nasty), _ABOUT + script, tmp_path)
    assert missed == []
    assert parts == nodes
