// What is known of a node, beside the picture.

const facts = document.getElementById("facts");
let selected = null;

function element(tag, words, attributes = {}) {
  const made = document.createElement(tag);
  if (words) made.textContent = words;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Go to a node: unfold it, bring it to the middle, show its facts. */
function select(nodeId, { focus = true } = {}) {
  const node = nodeById.get(nodeId);
  unfoldAround(nodeId);
  markCurrent(nodeId);
  const part = partById.get(nodeId);
  showFacts(node);
  centre(part);
  if (focus) part.focus({ preventScroll: true });
}

function markCurrent(nodeId) {
  if (selected) partById.get(selected).classList.remove("current");
  selected = nodeId;
  if (selected) partById.get(selected).classList.add("current");
}

/** Bring a part to the middle of the stage, when it is not well within it. */
function centre(part) {
  const [box, around] = [part.getBoundingClientRect(), stage.getBoundingClientRect()];
  const isSeen = box.left > around.left && box.right < around.right && box.top > around.top && box.bottom < around.bottom;
  if (isSeen) return;
  const place = drawing.transform.baseVal.consolidate().matrix;
  const { middle } = boxOf(part);
  lookAt([middle[0] + place.e, middle[1] + place.f]);
}

function showFacts(node) {
  const close = element("button", "Close", { type: "button", class: "close" });
  close.addEventListener("click", hideFacts);
  const said = (node.tooltip || "").split("\n").filter((line) => line && line !== node.id);
  const lines = [node.sublabel, ...said].filter(Boolean);
  facts.replaceChildren(close, element("h2", node.label), element("p", `${node.kind} · ${node.id}`));
  facts.append(...lines.map((line) => element("p", line)));
  if (node.href) {
    const link = element("a", "Source", { href: node.href, target: "_blank", rel: "noopener noreferrer" });
    facts.append(element("p"));
    facts.lastChild.append(link);
  }
  addNeighbours("Leads to", view.edges.filter((edge) => edge.source === node.id), "target");
  addNeighbours("Reached from", view.edges.filter((edge) => edge.target === node.id), "source");
  if (node.members) facts.append(element("h3", "Stands for"), element("p", node.members.join("\n")));
  facts.hidden = false;
  look();
}

function addNeighbours(title, edges, end) {
  if (!edges.length) return;
  const list = element("ul");
  for (const edge of edges) {
    const item = element("li");
    const words = [nodeById.get(edge[end]).label, edge.kind, edge.label].filter(Boolean).join(" · ");
    const button = element("button", words, { type: "button" });
    button.addEventListener("click", () => select(edge[end]));
    item.append(button);
    list.append(item);
  }
  facts.append(element("h3", title), list);
}

function hideFacts() {
  facts.hidden = true;
  look();
  if (selected) partById.get(selected).focus({ preventScroll: true });
  markCurrent(null);
}
