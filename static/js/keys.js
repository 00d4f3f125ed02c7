// Keys of one letter, on every page of the frame. None of them acts: they move the focus or open what asks first, and only
// Enter or a press on the button acts. They can be switched off (WCAG 2.1.4). The list's own keys are in list-keys.js.
import "./forms.js"; // first: it shows and serves the buttons that open dialogs, else an early key would find none
const OFF = "keys-off";
export const keys = {
  get off() {
    try { return localStorage.getItem(OFF) === "1"; } catch { return false; }
  },
  set off(value) {
    try { localStorage.setItem(OFF, value ? "1" : "0"); } catch { /* stays on for this page */ }
  },
};

const TYPED = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";

/** Whether a key is meant for the page: nobody types, no dialog waits, and the keys are on. */
export function heard(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || keys.off) return false;
  return !event.target.closest?.(TYPED) && !document.querySelector("dialog[open]:modal");
}

const seen = (selector) => [...document.querySelectorAll(selector)].find((node) => node.checkVisibility());

const GOES = {
  "/": () => {
    const box = seen(".list-find [name=q]") ?? seen("#find");
    box?.select();
    return box;
  },
  n: () => seen(".act .btn-primary"),
};
const OPENS = {
  t: () => seen("[data-letter=t]"),
  u: () => seen("[data-back]") ?? [...document.querySelectorAll(".crumbs a")].at(-1),
  "?": () => seen("[data-dialog=keys]") ?? document.querySelector("[data-dialog=keys]"),
};

document.addEventListener("keydown", (event) => {
  if (!heard(event)) return;
  const goal = GOES[event.key]?.();
  const opened = OPENS[event.key]?.();
  (goal ?? opened)?.focus(); // whoever closes what was opened is back here
  opened?.click();
  if (goal || opened) event.preventDefault();
});

const switches = () => document.querySelectorAll("[data-keys-switch]");

function show() {
  for (const button of switches()) button.setAttribute("aria-pressed", String(!keys.off));
}

for (const button of switches()) {
  button.hidden = false;
  button.addEventListener("click", () => {
    keys.off = !keys.off;
    show();
  });
}
show();
