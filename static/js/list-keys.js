// j and k go through the rows of a list, Enter opens (the row's own link), x chooses, Shift+J and Shift+K choose while they
// go, a chooses all or none, Escape none, z takes the last of these back, b goes to the bar that appears for what is chosen.
import { heard } from "./keys.js";
import { say, words } from "./say.js";

const rows = () => [...document.querySelectorAll("[data-keys] > .row-item")];
const boxOf = (row) => row?.querySelector(".row-select input");

document.addEventListener("keydown", (event) => {
  if (!heard(event)) return;
  const list = rows();
  const held = list.findIndex((row) => row.contains(document.activeElement));
  const from = held >= 0 ? held : list.findIndex((row) => row.classList.contains("is-here"));
  const press = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (list.length && press?.(list, from, event)) event.preventDefault();
});

// Each answers whether the key was for it.
const KEYS = {
  j: (list, from, event) => step(list, from, Math.min(list.length - 1, from + 1), event.shiftKey),
  k: (list, from, event) => step(list, from, Math.max(0, from - 1), event.shiftKey),
  x: (list, from) => toggle(boxOf(list[from])),
  a: () => boxes().length && chooseAll(),
  z: () => before && choose(before),
  b: () => bar?.hidden === false && focusOn(bar.querySelector("button:not([type=button])")),
  Enter: (list, from, event) => event.target.matches(".row-select input") && open(list[from]),
  Escape: (list, from, event) => {
    if (event.target.closest("details.menu")) return false;
    if (bar?.contains(event.target)) return go(list[Math.max(0, from)]);
    return chosen().size > 0 && choose(new Set());
  },
};

function step(list, from, to, choosing) {
  if (choosing) for (const row of [list[from], list[to]]) mark(boxOf(row), true);
  return go(list[to]);
}

function mark(box, wanted) {
  if (!box || box.checked === wanted) return;
  box.checked = wanted;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

function toggle(box) {
  box?.click();
  return Boolean(box);
}

function focusOn(node) {
  node?.focus();
  return true;
}

function go(row) {
  row.querySelector(".row-subject").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  return true;
}

// Enter on a box would send the form of the bar, which nobody who looks at a row means.
function open(row) {
  row.querySelector(".row-subject").click();
  return true;
}

document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("[data-keys] > .row-item");
  if (!row) return;
  for (const other of document.querySelectorAll(".row-item.is-here")) other.classList.remove("is-here");
  row.classList.add("is-here");
});

// The bar ----------------------------------------------------------------------------------------------------

const bar = document.getElementById("bulk");
const boxes = () => [...document.querySelectorAll(".row-select input")];
const chosen = () => new Set(boxes().filter((box) => box.checked).map((box) => box.value));
let before = null; // what was chosen before the last choice of many

function choose(values) {
  before = chosen();
  for (const box of boxes()) box.checked = values.has(box.value);
  say(count() || words("unchosen"));
  return true;
}

function chooseAll() {
  const some = boxes().some((box) => !box.checked);
  return choose(new Set(some ? boxes().map((box) => box.value) : []));
}

function count() {
  const n = chosen().size;
  const text = words("chosen", { n });
  const box = bar.querySelector("[data-bulk-count]");
  const appears = bar.hidden && n > 0;
  bar.hidden = n === 0;
  if (appears) document.querySelector(".row-item.is-here")?.scrollIntoView({ block: "nearest" });
  if (box) box.textContent = text;
  return n ? text : "";
}

// With Shift, from the box that was pressed before to this one.
let anchor = null;
document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.(".row-select input")) return;
  const all = boxes();
  const [from, to] = [all.indexOf(anchor), all.indexOf(box)].sort((a, b) => a - b);
  if (event.shiftKey && from >= 0) for (const one of all.slice(from, to + 1)) mark(one, box.checked);
  anchor = box;
});

if (bar?.classList.contains("bulk-bar")) {
  count();
  document.addEventListener("change", (event) => {
    if (event.target.matches(".row-select input")) say(count() || words("unchosen"));
  });
  document.addEventListener("live-region-changed", count);
  for (const button of bar.querySelectorAll("[data-bulk-all]")) {
    button.hidden = false;
    button.addEventListener("click", chooseAll);
  }
}
