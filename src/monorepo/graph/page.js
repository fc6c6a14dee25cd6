"use strict";

// More packages than this are drawn as one node for each area, until somebody opens it.
const MOST = 60;
// For more edges than this, straight lines and a rougher layout: curves take minutes.
const MANY = 200;
const QUICK = { splines: "line", nslimit: 1, nslimit1: 1, mclimit: 0.3 };
const LANGUAGES = { py: "Python", js: "JavaScript" };
const SHAPES = { shared: "box", services: "box3d", apps: "note" };

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const packages = new Map(data.packages.map((one) => [one.path, one]));
const areaOf = (one) => `${one.kind}/${one.language}`;
const areas = Map.groupBy(data.packages, areaOf);
const needs = Map.groupBy(data.arrows, (arrow) => arrow.source);
const neededBy = Map.groupBy(data.arrows, (arrow) => arrow.target);

const state = {
  hidden: new Set(),
  collapsed: new Set(data.packages.length > MOST ? areas.keys() : []),
  selected: "",
};
let viz = null;
// What is drawn: the packages of each node, the ends of each edge, and the part that is in sight.
let nodes = new Map();
let edges = [];
let box = { x: 0, y: 0, w: 1, h: 1 };
let whole = box;

/** Make an element: texts are text, whatever is in them. */
function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on") || key === "className" || key === "type") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const isDrawn = (arrow) => $("inner").checked || !arrow.inner;

/** The packages that arrows lead to from one, in one direction, itself included. */
function reached(path, arrows, end) {
  const found = new Set();
  const todo = [path];
  while (todo.length) {
    const next = todo.pop();
    if (found.has(next)) continue;
    found.add(next);
    for (const arrow of arrows.get(next) ?? []) if (isDrawn(arrow)) todo.push(arrow[end]);
  }
  return found;
}

function around(path) {
  const found = reached(path, needs, "target");
  for (const one of reached(path, neededBy, "source")) found.add(one);
  return found;
}

function chosen() {
  const near = $("related").checked && state.selected ? around(state.selected) : null;
  return data.packages.filter(
    (one) =>
      !state.hidden.has(one.language) &&
      !state.hidden.has(one.kind) &&
      !($("affected").checked && !one.affected.length) &&
      !(near && !near.has(one.path)),
  );
}

// Graphviz reads escapes in a label.
const label = (text) => text.replaceAll("\\", "\\\\");

/** What Graphviz draws: no text of it is parsed. */
function plan(shown) {
  const alone = $("related").checked && state.selected;
  const collapsed = (one) => state.collapsed.has(areaOf(one)) && !alone;
  const subgraphs = [];
  const free = [];
  const place = new Map();
  nodes = new Map();
  for (const [area, inside] of Map.groupBy(shown, areaOf)) {
    const members = [];
    const add = (name, text, classes, shape, drawn) => {
      const id = `n${nodes.size}`;
      const affected = drawn.some((one) => one.affected.length) ? " affected" : "";
      for (const one of drawn) place.set(one.path, id);
      nodes.set(id, { name, drawn });
      const attributes = { id, label: label(text), class: `${classes}${affected}`, shape };
      return { name: id, attributes };
    };
    if (collapsed(inside[0])) {
      const { language } = inside[0];
      free.push(add(area, `${area}\n${inside.length} packages`, language, "folder", inside));
      continue;
    }
    for (const one of inside) {
      const text = one.path.slice(one.path.lastIndexOf("/") + 1);
      members.push(add(one.path, text, one.language, SHAPES[one.kind], [one]));
    }
    const name = `cluster_${subgraphs.length}`;
    subgraphs.push({ name, graphAttributes: { label: area }, nodes: members });
  }
  const drawn = new Map();
  for (const arrow of data.arrows) {
    const tail = place.get(arrow.source);
    const head = place.get(arrow.target);
    if (!tail || !head || tail === head || !isDrawn(arrow)) continue;
    const key = `${tail} ${head}`;
    const edge = drawn.get(key) ?? { tail, head, texts: [], inner: true };
    edge.texts.push([arrow.asked, arrow.declared].filter(Boolean).join(" "));
    edge.inner &&= arrow.inner;
    drawn.set(key, edge);
  }
  edges = [...drawn.values()];
  const few = edges.length <= MOST;
  return {
    directed: true,
    graphAttributes: {
      rankdir: "LR",
      fontname: "Helvetica",
      bgcolor: "none",
      ranksep: "0.6",
      ...(edges.length > MANY ? QUICK : {}),
    },
    nodeAttributes: { fontname: "Helvetica", style: "filled", height: "0.35" },
    edgeAttributes: { fontname: "Helvetica", fontsize: 10, arrowsize: 0.7 },
    nodes: free,
    subgraphs,
    edges: edges.map((edge, number) => {
      const one = nodes.get(edge.tail).drawn.length === 1 && nodes.get(edge.head).drawn.length === 1;
      const text = few && one ? edge.texts.filter(Boolean).join("\n") : "";
      const attributes = { id: `e${number}`, label: label(text) };
      if (edge.inner) attributes.style = "dashed";
      return { tail: edge.tail, head: edge.head, attributes };
    }),
  };
}

async function library() {
  const bytes = Uint8Array.from(atob($("library").textContent), (one) => one.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(unpacked).text();
  document.head.append(script);
  return globalThis.Viz.instance();
}

async function draw() {
  const shown = chosen();
  list(shown);
  const graph = $("graph");
  $("status").textContent = "Drawing …";
  // The browser shows that before Graphviz takes its time.
  await new Promise((done) => setTimeout(done));
  try {
    viz ??= await library();
    const svg = viz.renderSVGElement(plan(shown));
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    const { x, y, width, height } = svg.viewBox.baseVal;
    whole = { x, y, w: width, h: height };
    graph.replaceChildren(svg);
    for (const [id, node] of nodes) named(graph.querySelector(`#${id}`), node);
    for (const title of svg.querySelectorAll(".edge title, .graph > title")) title.remove();
    svg.setAttribute("role", "group");
    fit();
    const of = shown.length === data.packages.length ? "" : ` of ${data.packages.length}`;
    const noun = data.packages.length === 1 ? "package" : "packages";
    $("status").textContent = `${shown.length}${of} ${noun}`;
  } catch (error) {
    graph.replaceChildren();
    $("status").textContent = `The graph cannot be drawn here (${error}); the list has it all.`;
  }
  mark();
  graph.dataset.drawn = String(Number(graph.dataset.drawn ?? 0) + 1);
}

function named(group, node) {
  const [first] = node.drawn;
  const open = node.drawn.length > 1 || node.name !== first.path;
  const text = open ? `${node.name}: ${node.drawn.length} packages` : node.name;
  group.querySelector("title").textContent = text;
  group.setAttribute("tabindex", "0");
  group.setAttribute("role", "button");
  group.setAttribute("aria-label", text);
  const choose = () => (open ? toggle(node.name) : select(node.name));
  group.addEventListener("click", () => dragged || choose());
  group.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose();
    }
  });
}

/** Show what is selected, and what is around it. */
function mark() {
  const graph = $("graph");
  const near = state.selected ? around(state.selected) : new Set();
  graph.classList.toggle("chosen", state.selected !== "");
  const close = new Set();
  for (const [id, node] of nodes) {
    const is = node.drawn.some((one) => near.has(one.path));
    if (is) close.add(id);
    const group = graph.querySelector(`#${id}`);
    group?.classList.toggle("near", is);
    group?.classList.toggle("selected", node.drawn.some((one) => one.path === state.selected));
  }
  edges.forEach((edge, number) => {
    const is = close.has(edge.tail) && close.has(edge.head);
    graph.querySelector(`#e${number}`)?.classList.toggle("near", is);
  });
  for (const button of $("list").querySelectorAll("li button"))
    button.setAttribute("aria-pressed", String(button.dataset.path === state.selected));
  $("related").disabled = state.selected === "";
  details();
}

async function select(path) {
  const one = packages.get(path);
  const opens = one && state.collapsed.delete(areaOf(one));
  state.selected = path;
  if (!path) $("related").checked = false;
  if (opens || isRelated()) await draw();
  else mark();
  const entry = [...nodes].find(([, node]) => node.name === path);
  if (entry) show($("graph").querySelector(`#${entry[0]}`));
}

let wasRelated = false;
/** Whether what is drawn depends on the selection, or did. */
function isRelated() {
  const was = wasRelated;
  wasRelated = $("related").checked;
  return was || wasRelated;
}

function toggle(area) {
  if (!state.collapsed.delete(area)) state.collapsed.add(area);
  return draw();
}

function list(shown) {
  const query = $("search").value.trim().toLowerCase();
  const found = shown.filter((one) =>
    [one.path, one.name, one.import].some((text) => text.toLowerCase().includes(query)),
  );
  const parts = [];
  for (const [area, inside] of Map.groupBy(found, areaOf)) {
    const open = !state.collapsed.has(area);
    const text = `${open ? "▾" : "▸"} ${area} (${inside.length})`;
    const onclick = () => toggle(area);
    const title = open ? "Draw as one node" : "Draw each package";
    const button = element("button", { type: "button", "aria-expanded": open, title, onclick }, text);
    const items = inside.map((one) => {
      const name = one.path.slice(one.path.lastIndexOf("/") + 1);
      const made = element("button", { type: "button", title: one.path, onclick: () => select(one.path) }, name);
      made.dataset.path = one.path;
      return element("li", { className: one.affected.length ? "changed" : "" }, made);
    });
    parts.push(element("h3", { className: "area" }, button), element("ul", {}, ...items));
  }
  $("list").replaceChildren(...parts, found.length ? "" : element("p", {}, "No package matches."));
}

function rows(title, arrows, end) {
  if (!arrows.length) return [element("h3", {}, `${title}: nothing`)];
  const items = arrows.map((arrow) => {
    const text = end === "target" ? arrow.target + arrow.asked : arrow.source;
    const how = end === "target" ? arrow.declared : [arrow.declared, arrow.asked].filter(Boolean).join(" ");
    const button = element("button", { type: "button", onclick: () => select(arrow[end]) }, text);
    if (how) button.append(element("small", {}, ` ${how}`));
    return element("li", {}, button);
  });
  return [element("h3", {}, `${title} (${arrows.length})`), element("ul", {}, ...items)];
}

function details() {
  const one = packages.get(state.selected);
  if (!one) {
    const problems = data.problems.map((text) => element("li", { className: "changed" }, text));
    const left = problems.length ? [element("h3", {}, "Not drawn"), element("ul", {}, ...problems)] : [];
    const hint = data.packages.length ? "Select a package." : "There are no packages yet.";
    const base = data.base === null ? "" : affectedText();
    $("details").replaceChildren(element("p", { className: "faint" }, hint), base, ...left);
    return;
  }
  const facts = {
    name: one.name,
    version: one.version,
    language: LANGUAGES[one.language],
    kind: one.kind,
    extras: one.extras.join(", "),
    groups: one.groups.join(", "),
  };
  const entries = Object.entries(facts).filter(([, value]) => value);
  const table = entries.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]);
  const down = reached(one.path, needs, "target").size - 1;
  const up = reached(one.path, neededBy, "source").size - 1;
  const parts = [element("h2", {}, one.path), element("dl", {}, ...table)];
  if (one.affected.length)
    parts.push(element("h3", {}, "Affected"), element("p", { className: "changed" }, one.affected.join(" ← ")));
  parts.push(...rows("Needs", needs.get(one.path) ?? [], "target"));
  parts.push(...rows("Is needed by", neededBy.get(one.path) ?? [], "source"));
  parts.push(element("p", { className: "faint" }, `In all, it needs ${down} and is needed by ${up}.`));
  $("details").replaceChildren(...parts);
}

function affectedText() {
  const count = data.packages.filter((one) => one.affected.length).length;
  return element("p", { className: "changed" }, `${count} affected since ${data.base}.`);
}

function look(next) {
  box = next;
  $("graph").querySelector("svg")?.setAttribute("viewBox", `${box.x} ${box.y} ${box.w} ${box.h}`);
}

/** Show all of it, small graphs not larger than they are. */
function fit() {
  const { clientWidth, clientHeight } = $("graph");
  const w = Math.max(whole.w, clientWidth * 0.75);
  const h = Math.max(whole.h, clientHeight * 0.75);
  look({ x: whole.x - (w - whole.w) / 2, y: whole.y - (h - whole.h) / 2, w, h });
}

function scale() {
  const { clientWidth, clientHeight } = $("graph");
  return Math.max(box.w / clientWidth, box.h / clientHeight);
}

/** Zoom, with one point of the graph staying where it is. */
function zoom(factor, x = box.x + box.w / 2, y = box.y + box.h / 2) {
  const w = Math.min(Math.max(box.w * factor, 40), whole.w * 8 + 4000);
  const by = w / box.w;
  look({ x: x - (x - box.x) * by, y: y - (y - box.y) * by, w, h: box.h * by });
}

function pan(x, y) {
  look({ ...box, x: box.x + x, y: box.y + y });
}

/** Bring a node into sight, large enough to be read; where it is already, nothing moves. */
function show(group) {
  const svg = $("graph").querySelector("svg");
  const outer = $("graph").getBoundingClientRect();
  const inner = group.getBoundingClientRect();
  const inside = inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top;
  if (inside && inner.bottom <= outer.bottom && scale() <= 1.5) return;
  const at = group.getBBox();
  const center = new DOMPoint(at.x + at.width / 2, at.y + at.height / 2)
    .matrixTransform(group.getScreenCTM())
    .matrixTransform(svg.getScreenCTM().inverse());
  if (scale() > 1.5) zoom(1.2 / scale());
  look({ ...box, x: center.x - box.w / 2, y: center.y - box.h / 2 });
}

function point(event) {
  const matrix = $("graph").querySelector("svg")?.getScreenCTM();
  return matrix && new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
}

// Whether the pointer has moved since it went down: that is no click.
let dragged = false;
function listen() {
  const graph = $("graph");
  let last = null;
  graph.addEventListener("pointerdown", (event) => {
    last = event;
    dragged = false;
  });
  window.addEventListener("pointermove", (event) => {
    if (!last || !event.buttons) return;
    const x = last.clientX - event.clientX;
    const y = last.clientY - event.clientY;
    if (!dragged && Math.hypot(x, y) < 4) return;
    dragged = true;
    pan(x * scale(), y * scale());
    last = event;
  });
  window.addEventListener("pointerup", () => (last = null));
  graph.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const at = point(event);
      if (at) zoom(1.002 ** event.deltaY, at.x, at.y);
    },
    { passive: false },
  );
  graph.addEventListener("click", (event) => {
    if (!dragged && !event.target.closest(".node")) select("");
  });
  const keys = {
    ArrowLeft: () => pan(-box.w / 10, 0),
    ArrowRight: () => pan(box.w / 10, 0),
    ArrowUp: () => pan(0, -box.h / 10),
    ArrowDown: () => pan(0, box.h / 10),
    "+": () => zoom(0.8),
    "-": () => zoom(1.25),
    0: fit,
    Escape: () => select(""),
  };
  graph.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target === $("search")) return;
    event.preventDefault();
    $("search").focus();
  });
  $("search").addEventListener("input", () => {
    list(chosen());
    mark();
  });
  $("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") $("list").querySelector("li button")?.click();
  });
  for (const id of ["inner", "affected"]) $(id).addEventListener("change", draw);
  $("related").addEventListener("change", () => select(state.selected));
  $("closer").addEventListener("click", () => zoom(0.8));
  $("further").addEventListener("click", () => zoom(1.25));
  $("fit").addEventListener("click", fit);
}

function filters(id, values, names = {}) {
  for (const value of values) {
    const input = element("input", { type: "checkbox", checked: "" });
    input.addEventListener("change", () => {
      if (!state.hidden.delete(value)) state.hidden.add(value);
      draw();
    });
    $(id).append(element("label", {}, input, ` ${names[value] ?? value}`));
  }
  $(id).hidden = values.size < 2;
}

document.title = data.project ? `${data.project}: package graph` : document.title;
document.querySelector("h1").textContent = document.title;
filters("languages", new Set(data.packages.map((one) => one.language)), LANGUAGES);
filters("kinds", new Set(data.packages.map((one) => one.kind)));
$("changed").hidden = data.base === null;
listen();
draw().then(() => data.focus && select(data.focus));
