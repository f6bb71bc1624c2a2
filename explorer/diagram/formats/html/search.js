// Nodes found by what is written in or behind them; Enter goes from one to the next.

const search = document.getElementById("search");
const found = document.getElementById("found");
let hits = [];
let at = -1;

function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = (node) => [node.label, node.id, ...(node.members || [])].join("\n").toLowerCase();
  hits = words.length ? view.nodes.filter((node) => words.every((word) => text(node).includes(word))) : [];
  hits.sort((one, other) => rank(one, words) - rank(other, words));
  at = -1;
  view.nodes.forEach((node, i) => nodeParts[i].classList.toggle("hit", hits.includes(node)));
  found.textContent = words.length ? `${hits.length} found` : "";
}

/** Names that begin with what is looked for come first. */
const rank = (node, words) => (node.label.toLowerCase().startsWith(words[0]) ? 0 : 1);

function next(step) {
  if (!hits.length) return;
  at = (at + step + hits.length) % hits.length;
  found.textContent = `${at + 1} of ${hits.length}`;
  select(hits[at].id, { focus: false });
}

search.addEventListener("input", find);
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") next(event.shiftKey ? -1 : 1);
  if (event.key === "Escape") {
    search.value = "";
    find();
    stage.focus();
  }
});
