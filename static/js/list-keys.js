// j and k go through the rows of a list, Enter opens (the row's own link), x chooses, a chooses all or none, b goes to the
// bar that appears for what is chosen.
// One-letter keys can be switched off in the person's menu (WCAG 2.1.4).
import { say, words } from "./say.js";

const OFF = "keys-off";
const store = {
  get off() {
    try { return localStorage.getItem(OFF) === "1"; } catch { return false; }
  },
  set off(value) {
    try { localStorage.setItem(OFF, value ? "1" : "0"); } catch { /* stays on for this page */ }
  },
};

const rows = () => [...document.querySelectorAll("[data-keys] > .row-item")];
const busyTyping = (node) => node.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], dialog[open]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || store.off || busyTyping(event.target)) return;
  if (document.querySelector("dialog[open]:modal")) return;
  const list = rows();
  const here = list.findIndex((row) => row.contains(document.activeElement));
  const from = here >= 0 ? here : list.findIndex((row) => row.classList.contains("is-here"));
  if (event.key === "j" || event.key === "k") {
    const to = event.key === "j" ? Math.min(list.length - 1, from + 1) : Math.max(0, from - 1);
    go(list[to]);
    event.preventDefault();
  } else if (event.key === "x" && from >= 0) {
    const box = list[from].querySelector(".row-select input");
    if (box) {
      box.click();
      event.preventDefault();
    }
  } else if (event.key === "a" && boxes().length) {
    chooseAll();
    event.preventDefault();
  } else if (event.key === "b" && bar?.hidden === false) {
    bar.querySelector("button:not([type=button])")?.focus();
    event.preventDefault();
  }
});

function go(row) {
  if (!row) return;
  row.querySelector(".row-subject").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
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

function chooseAll() {
  const wanted = boxes().some((box) => !box.checked);
  for (const box of boxes()) box.checked = wanted;
  say(count());
}

function count() {
  const chosen = document.querySelectorAll(".row-select input:checked").length;
  const text = words("chosen", { n: chosen });
  const box = bar.querySelector("[data-bulk-count]");
  bar.hidden = chosen === 0;
  if (box) box.textContent = text;
  return chosen ? text : "";
}

if (bar?.classList.contains("bulk-bar")) {
  count();
  document.addEventListener("change", (event) => event.target.matches(".row-select input") && say(count()));
  document.addEventListener("live-region-changed", count);
  for (const button of bar.querySelectorAll("[data-bulk-all]")) {
    button.hidden = false;
    button.addEventListener("click", chooseAll);
  }
}

// The switch -------------------------------------------------------------------------------------------------

for (const button of document.querySelectorAll("[data-keys-switch]")) {
  const show = () => { button.setAttribute("aria-pressed", String(!store.off)); };
  button.hidden = false;
  show();
  button.addEventListener("click", () => {
    store.off = !store.off;
    show();
  });
}
