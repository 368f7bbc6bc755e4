"use strict";
// The map: the paper's, moved with a finger or with buttons.

const SVG = "http://www.w3.org/2000/svg";

function shape(name, facts, ...inside) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(facts)) made.setAttribute(key, String(value));
  made.append(...inside);
  return made;
}

const MM_A_POINT = 25.4 / 72;

function drawLabel(label) {
  const [text, x, y, angle, size, strong] = label;
  return shape("text", {
    transform: `translate(${x} ${y}) rotate(${angle})`, "font-size": size * MM_A_POINT,
    class: strong ? "name end" : "name",
  }, text);
}

// Order numbers that a chip stands for: "7", or "3–6".
function ordersOf(text) {
  const [first, last = first] = text.split("–").map(Number);
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}

function drawChip(chip, look, choose) {
  const [text, x, y, width, form, role] = chip;
  const high = 3.9;
  const orders = ordersOf(text);
  const box = shape("rect", {
    x: x - width / 2, y: y - high / 2, width, height: high, rx: form === "odd" ? high / 2 : 0.3,
  });
  const start = role === "start" || role === "both";
  const group = shape("g", {
    class: ["chip", start && "start", role === "end" && "last", look.done(orders) && "done",
      orders.includes(look.order) && "here"].filter(Boolean).join(" "),
  }, box, shape("text", { x, y, "font-size": 3.1 }, text));
  group.addEventListener("click", () =>
    choose(orders.find((order) => !look.done([order])) ?? orders[0]));
  return group;
}

// The map with the stop in hand ringed. `look`: {order, done(orders)}; `choose(order)` on a touch.
function drawMap(map, stops, look, choose) {
  const parsed = new DOMParser().parseFromString(map.shapes, "image/svg+xml").documentElement;
  const svg = shape("svg", { role: "img", "aria-label": map.about });
  svg.append(...Array.from(document.importNode(parsed, true).childNodes));
  svg.append(...map.labels.map(drawLabel));
  const here = stops.find((stop) => stop.order === look.order);
  svg.append(...map.chips.map((chip) => drawChip(chip, look, choose)));
  if (here) svg.append(shape("circle", { cx: here.x, cy: here.y, r: 4.2, class: "ring" }));
  return svg;
}

// Let a map be moved: one finger drags, two zoom; gives what the buttons do.
function movable(svg, width, height, at) {
  const view = { x: 0, y: 0, width };
  const ratio = () => (svg.clientHeight || 1) / (svg.clientWidth || 1);
  const show = () => {
    view.width = Math.min(Math.max(view.width, width / 12), width * 1.4);
    const tall = view.width * ratio();
    view.x = Math.min(Math.max(view.x, -view.width / 2), width - view.width / 2);
    view.y = Math.min(Math.max(view.y, -tall / 2), height - tall / 2);
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${tall}`);
  };
  const zoom = (factor, px = svg.clientWidth / 2, py = svg.clientHeight / 2) => {
    const before = view.width;
    const wide = Math.min(Math.max(before * factor, width / 12), width * 1.4);
    view.x += (px / svg.clientWidth) * (before - wide);
    view.y += (py / svg.clientWidth) * (before - wide);
    view.width = wide;
    show();
  };
  const whole = () => {
    view.width = Math.max(width, height / ratio());
    view.x = (width - view.width) / 2;
    view.y = (height - view.width * ratio()) / 2;
    show();
  };
  const near = () => {
    if (!at) return whole();
    view.width = width / 2.5;
    view.x = at.x - view.width / 2;
    view.y = at.y - (view.width * ratio()) / 2;
    return show();
  };
  follow(svg, view, show, zoom);
  return { zoom, whole, near };
}

function follow(svg, view, show, zoom) {
  const fingers = new Map();
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };
  svg.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
  });
  svg.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const now = { x: event.offsetX, y: event.offsetY };
    if (fingers.size === 1) {
      view.x -= ((now.x - finger.x) / svg.clientWidth) * view.width;
      view.y -= ((now.y - finger.y) / svg.clientWidth) * view.width;
      fingers.set(event.pointerId, now);
      show();
    } else if (fingers.size === 2) {
      const before = spread();
      fingers.set(event.pointerId, now);
      const [a, b] = [...fingers.values()];
      if (spread() > 10) zoom(before / spread(), (a.x + b.x) / 2, (a.y + b.y) / 2);
    }
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
    svg.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX, event.offsetY);
  }, { passive: false });
}
