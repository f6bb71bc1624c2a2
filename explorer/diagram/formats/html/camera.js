// What part of the picture is seen: moved by dragging and arrow keys, scaled by the wheel, + and -.

const whole = { width: Number(svg.getAttribute("width")), height: Number(svg.getAttribute("height")) };
const camera = { x: 0, y: 0, scale: 1 };
const STEP = 60;

function look() {
  const { clientWidth, clientHeight } = stage;
  const size = [clientWidth / camera.scale, clientHeight / camera.scale];
  svg.setAttribute("viewBox", `${camera.x} ${camera.y} ${size[0]} ${size[1]}`);
}

function lookAt([x, y]) {
  camera.x = x - stage.clientWidth / camera.scale / 2;
  camera.y = y - stage.clientHeight / camera.scale / 2;
  look();
}

/** All of the width at first, and all of the picture when asked for. */
function fit(all) {
  const wide = stage.clientWidth / whole.width;
  camera.scale = all ? Math.min(wide, stage.clientHeight / whole.height) : Math.min(wide, 1.25);
  camera.x = (whole.width - stage.clientWidth / camera.scale) / 2;
  camera.y = all ? (whole.height - stage.clientHeight / camera.scale) / 2 : 0;
  look();
}

function move(right, down) {
  camera.x += right / camera.scale;
  camera.y += down / camera.scale;
  look();
}

/** Scale, with one point of the stage left where it is: its middle unless another is named. */
function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const scale = Math.min(Math.max(camera.scale * factor, 0.05), 12);
  camera.x += x / camera.scale - x / scale;
  camera.y += y / camera.scale - y / scale;
  camera.scale = scale;
  look();
}

let grip = null;

stage.addEventListener("pointerdown", (event) => {
  if (event.button === 0) grip = { x: event.clientX, y: event.clientY, moved: false };
});
window.addEventListener("pointermove", (event) => {
  if (!grip) return;
  const [right, down] = [grip.x - event.clientX, grip.y - event.clientY];
  if (!grip.moved && Math.hypot(right, down) < 4) return;
  stage.classList.add("moving");
  move(right, down);
  grip = { x: event.clientX, y: event.clientY, moved: true };
});
window.addEventListener("pointerup", () => {
  stage.classList.remove("moving");
  setTimeout(() => (grip = null)); // after the click that ends a drag
});
stage.addEventListener(
  "wheel",
  (event) => {
    event.preventDefault();
    const place = stage.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - place.left, event.clientY - place.top);
  },
  { passive: false },
);
window.addEventListener("resize", look);
