// Frames folded to one box: their members are hidden, and edges lead to the box instead, one for each kind.

const folded = new Set();
const standIns = new Map();
let added = [];

/** The outermost folded frame around a frame or in its place. */
const hiddenBy = (id) => framesAround(id).filter((frame) => folded.has(frame)).pop() || null;

/** The part that stands for a node: its own, or the box of a folded frame. */
function partFor(nodeId) {
  const frame = hiddenBy(nodeById.get(nodeId).group);
  return frame ? standIns.get(frame) : partById.get(nodeId);
}

function fold(id, wanted = !folded.has(id)) {
  if (!groupById.has(id)) return;
  folded[wanted ? "add" : "delete"](id);
  redraw();
  const next = wanted ? standIns.get(hiddenBy(id)) : frameLabels[groups.indexOf(groupById.get(id))];
  if (next) next.focus({ preventScroll: true });
}

function foldAll(wanted) {
  for (const group of groups) if (!wanted || !group.parent) folded[wanted ? "add" : "delete"](group.id);
  redraw();
}

/** Make a node visible: unfold what it is in. */
function unfoldAround(nodeId) {
  const around = framesAround(nodeById.get(nodeId).group).filter((frame) => folded.delete(frame));
  if (around.length) redraw();
}

function redraw() {
  for (const part of added) part.remove();
  added = [];
  standIns.clear();
  view.nodes.forEach((node, i) => show(nodeParts[i], !hiddenBy(node.group)));
  groups.forEach((group, i) => {
    const isOpen = !hiddenBy(group.id);
    show(frameParts[i], isOpen);
    show(frameLabels[i], isOpen);
    if (folded.has(group.id) && !hiddenBy(group.parent)) standIns.set(group.id, standIn(group, frameParts[i]));
  });
  redrawEdges();
}

function standIn(group, frame) {
  show(frame, true);
  const { x, width, middle } = boxOf(frame);
  show(frame, false);
  const held = nodesIn(group.id);
  const count = `${held} ${held === 1 ? "node" : "nodes"}`;
  const box = shape("g", { class: "node folded", "data-id": group.id, ...asButton(`${group.label}, ${count}, folded`) });
  const y = middle[1] - 23;
  box.append(
    shape("title", {}, `${group.tooltip || group.label}\n${count}`),
    shape("rect", { x, y, width, height: 46, rx: 2 }),
    shape("text", { x: middle[0], y: y + 19, "font-size": 11, "font-weight": 600 }, frameWords(group, frame)),
    shape("text", { x: middle[0], y: y + 35, "font-size": 10.5 }, count),
  );
  return add(box, null);
}

/** The frame's label as it is drawn, elided where it is long. */
const frameWords = (group, frame) => frameLabels[frameParts.indexOf(frame)].querySelector("text").textContent;

const asButton = (label) => ({ tabindex: 0, role: "button", "aria-label": label });

function add(part, before) {
  drawing.insertBefore(part, before);
  added.push(part);
  return part;
}

function redrawEdges() {
  const drawn = new Set();
  view.edges.forEach((edge, i) => {
    const [from, to] = [partFor(edge.source), partFor(edge.target)];
    const isItself = from === partById.get(edge.source) && to === partById.get(edge.target);
    show(edgeParts[i], isItself);
    const key = [from.dataset.id, to.dataset.id, edge.kind].join("\n");
    if (isItself || from === to || drawn.has(key)) return;
    drawn.add(key);
    add(straightEdge(edgeParts[i], boxOf(from), boxOf(to)), nodeParts[0]);
  });
  for (const label of edgeLabels) {
    const { source, target } = label.dataset;
    show(label, partFor(source) === partById.get(source) && partFor(target) === partById.get(target));
  }
}

/** A straight arrow between two boxes that looks as another edge does. */
function straightEdge(like, from, to) {
  const [start, tip] = [border(from, to.middle), border(to, from.middle)];
  const length = Math.hypot(tip[0] - start[0], tip[1] - start[1]) || 1;
  const along = [(tip[0] - start[0]) / length, (tip[1] - start[1]) / length];
  const base = [tip[0] - along[0] * 9, tip[1] - along[1] * 9];
  const sides = [1, -1].map((side) => [base[0] - along[1] * 4 * side, base[1] + along[0] * 4 * side]);
  const [line, head] = like.querySelectorAll("path");
  const made = shape("g", { class: `${like.getAttribute("class")} rerouted` });
  made.append(line.cloneNode());
  made.lastChild.setAttribute("d", `M${start}L${head ? base : tip}`);
  if (head) {
    made.append(head.cloneNode());
    made.lastChild.setAttribute("d", `M${sides[0]}L${tip}L${sides[1]}${head.getAttribute("d").endsWith("Z") ? "Z" : ""}`);
  }
  return made;
}

/** Where the line from a box's middle to a point leaves the box. */
function border(box, [x, y]) {
  const [right, down] = [x - box.middle[0], y - box.middle[1]];
  const part = Math.min(box.width / 2 / (Math.abs(right) || 1e-9), box.height / 2 / (Math.abs(down) || 1e-9), 1);
  return [box.middle[0] + right * part, box.middle[1] + down * part];
}
