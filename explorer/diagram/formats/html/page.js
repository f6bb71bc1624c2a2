// Keys, buttons and clicks.

const root = document.documentElement;
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
const themeButton = document.querySelector('[data-does="theme"]');

function theme(isDark) {
  root.dataset.theme = isDark ? "dark" : "light";
  themeButton.setAttribute("aria-pressed", String(isDark));
}

const buttons = {
  "zoom-in": () => zoom(1.25),
  "zoom-out": () => zoom(0.8),
  fit: () => fit(true),
  "fold-all": () => foldAll(true),
  "unfold-all": () => foldAll(false),
  theme: () => theme(root.dataset.theme !== "dark"),
};

const keys = {
  "/": () => search.focus(),
  "+": buttons["zoom-in"],
  "=": buttons["zoom-in"],
  "-": buttons["zoom-out"],
  0: buttons.fit,
  ArrowLeft: () => move(-STEP, 0),
  ArrowRight: () => move(STEP, 0),
  ArrowUp: () => move(0, -STEP),
  ArrowDown: () => move(0, STEP),
  Escape: () => facts.hidden || hideFacts(),
  f: () => foldHere(document.activeElement),
};

/** Fold the frame that a part belongs to, or unfold what is folded there. */
function foldHere(part) {
  const id = part && part.dataset ? part.dataset.id : undefined;
  if (id === undefined) return;
  if (part.classList.contains("folded") || part.classList.contains("group-label")) fold(id);
  else if (nodeById.has(id) && nodeById.get(id).group) fold(nodeById.get(id).group, true);
}

/** What a click or Enter on a part does. */
function activate(part) {
  if (part.classList.contains("folded") || part.classList.contains("group-label")) fold(part.dataset.id);
  else select(part.dataset.id);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-does]");
  if (button) buttons[button.dataset.does]();
  const part = event.target.closest(".node, .group-label");
  if (!part || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (!(grip && grip.moved)) activate(part);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === search) return;
  const part = event.target.closest(".node, .group-label");
  if (part && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    activate(part);
  } else if (keys[event.key] && !event.target.closest("#facts")) {
    event.preventDefault();
    keys[event.key]();
  } else if (event.key === "Escape") {
    keys.Escape();
  }
});

nodeParts.forEach((part, i) => {
  for (const [name, value] of Object.entries(asButton(view.nodes[i].label))) part.setAttribute(name, value);
});
frameLabels.forEach((part, i) => {
  for (const [name, value] of Object.entries(asButton(`${groups[i].label}, frame`))) part.setAttribute(name, value);
});
for (const link of drawing.querySelectorAll("a")) {
  link.setAttribute("tabindex", "-1");
  link.setAttribute("rel", "noopener noreferrer");
}

prefersDark.addEventListener("change", (event) => theme(event.matches));
theme(prefersDark.matches);
fit(false);
