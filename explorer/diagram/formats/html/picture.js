// The view as data, and the parts of the drawing that show it.

const view = JSON.parse(document.getElementById("view").textContent);
const stage = document.getElementById("stage");
const svg = stage.querySelector("svg");
const drawing = svg.querySelector(".drawing");

const nodeParts = [...drawing.querySelectorAll(".node")];
const edgeParts = [...drawing.querySelectorAll(".edge")];
const edgeLabels = [...drawing.querySelectorAll(".edge-label")];
const frameParts = [...drawing.querySelectorAll(".group")];
const frameLabels = [...drawing.querySelectorAll(".group-label")];

const groups = view.graph.groups || [];
const nodeById = new Map(view.nodes.map((node) => [node.id, node]));
const partById = new Map(view.nodes.map((node, i) => [node.id, nodeParts[i]]));
const groupById = new Map(groups.map((group) => [group.id, group]));

/** The frame a frame is in. */
const parentOf = (id) => groupById.get(id).parent || null;

/** A frame and all that it is in, the innermost first. */
function framesAround(id) {
  const found = [];
  for (let frame = id || null; frame; frame = parentOf(frame)) found.push(frame);
  return found;
}

/** How many nodes a frame holds, in the frames in it too. */
const nodesIn = (id) => view.nodes.filter((node) => framesAround(node.group).includes(id)).length;

function shape(tag, attributes, words) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (words !== undefined) made.textContent = words;
  return made;
}

/** The place of a part in the drawing: that of its rectangle. */
function boxOf(part) {
  const { x, y, width, height } = part.querySelector("rect").getBBox();
  return { x, y, width, height, middle: [x + width / 2, y + height / 2] };
}

function show(part, wanted) {
  part.style.display = wanted ? "" : "none";
}
