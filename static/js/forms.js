// Forms: one press is one request, nothing is sent into a network that is away, typed text survives, files are weighed
// before they travel; dialogs and menus.
import { say, words } from "./say.js";

// One press --------------------------------------------------------------------------------------------------

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!event.defaultPrevented && form.matches("[data-once]")) {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (!isConnected(form) || !weighFiles(form)) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const button = event.submitter;
    // After this turn, so that the button's own name and value still travel.
    setTimeout(() => button?.setAttribute("aria-busy", "true"));
  }
  // A form that a script sends stays on its page: the script empties it when the answer has come.
  if (form.dataset.draft) (event.defaultPrevented ? keep : markSent)(form);
  if (form.hasAttribute("data-forget")) sessionStorage.clear();
});

// Back from the browser's history: the page is as it was left, so it may be sent again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return; // the first time it may come after a press
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

// Without a network the browser would put its own page in the place of ours, and what was chosen and typed with it.
function isConnected(form) {
  if (navigator.onLine) return true;
  if (!form.querySelector(".not-sent")) {
    form.append(Object.assign(document.createElement("p"), { className: "not-sent", textContent: words("unsent") }));
  }
  say(words("unsent"));
  return false;
}

addEventListener("online", () => {
  for (const note of document.querySelectorAll(".not-sent")) note.remove();
});

// Files ------------------------------------------------------------------------------------------------------

const size = (bytes) => {
  const [value, unit] = bytes < 999_500 ? [bytes / 1e3, "KB"] : [bytes / 1e6, "MB"];
  return `${value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 })} ${unit}`;
};

function weigh(input) {
  const most = Number(input.dataset.maxBytes);
  const heavy = [...input.files].find((file) => most && file.size > most);
  let box = document.getElementById(`${input.id}-weight`);
  if (!heavy) {
    box?.remove();
    input.classList.remove("is-invalid");
    input.removeAttribute("aria-invalid");
    return true;
  }
  if (!box) {
    box = Object.assign(document.createElement("p"), { id: `${input.id}-weight`, className: "field-error" });
    (input.closest(".file-pick") ?? input).after(box);
  }
  box.textContent = words("heavy", { name: heavy.name, size: size(heavy.size), most: size(most) });
  input.classList.add("is-invalid");
  input.setAttribute("aria-invalid", "true");
  const told = new Set((input.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
  input.setAttribute("aria-describedby", [...told.add(box.id)].join(" "));
  say(box.textContent);
  return false;
}

function weighFiles(form) {
  const heavy = [...form.querySelectorAll("input[type=file][data-max-bytes]")].filter((input) => !weigh(input));
  heavy[0]?.focus();
  return heavy.length === 0;
}

document.addEventListener("change", (event) => {
  if (event.target.matches?.("input[type=file][data-max-bytes]")) weigh(event.target);
});
// Chosen before this script came.
for (const input of document.querySelectorAll("input[type=file][data-max-bytes]")) if (input.files.length) weigh(input);

// Drafts -----------------------------------------------------------------------------------------------------
// Kept per person, form and address that it is sent to, in this tab only. Gone once the answer came as a page that is
// neither the form with its errors nor a fault. The number of the command is kept with the words, so that what is sent
// again after a lost answer is known by it.

const draftKey = (form) => `draft:${document.body.dataset.person ?? ""}:${form.dataset.draft}:${addressOf(form)}`;
const addressOf = (form) => new URL(form.getAttribute("action") || location.href, location.href).pathname;
const SENT = "draft-sent-from";
const NUMBER = "command_id";
const UNTYPED = ["file", "password", "hidden", "submit", "button"];

const typed = (form) => [...form.elements].filter((e) => e.name && (e.name === NUMBER || !UNTYPED.includes(e.type)));

const read = (form) => typed(form).map(said);
const said = (e) => [e.name, e.matches("[type=checkbox], [type=radio]") ? [e.value, e.checked] : valueOf(e)];
const valueOf = (e) => (e.multiple && e.options ? [...e.selectedOptions].map((o) => o.value) : e.value);

const sameWords = (a, b) => wordsIn(a) === wordsIn(b);
const wordsIn = (values) => JSON.stringify(values.filter(([name]) => name !== NUMBER));

function write(form, values, spared = []) {
  const waiting = [...values];
  for (const element of typed(form)) {
    const boxed = element.matches("[type=checkbox], [type=radio]");
    const at = waiting.findIndex(([name, v]) => name === element.name && (!boxed || v[0] === element.value));
    if (at < 0) continue;
    const [[, value]] = waiting.splice(at, 1);
    if (spared.includes(element)) continue;
    if (boxed) element.checked = value[1];
    else if (element.multiple && element.options) for (const o of element.options) o.selected = value.includes(o.value);
    else element.value = value;
    element.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

// On a slow network somebody types before this script has come. What differs from the page as it was sent is theirs; after
// going back or loading again it may be the browser's, which fills forms by itself and knows less than the draft.
function typedEarly(form) {
  if (performance.getEntriesByType("navigation")[0]?.type !== "navigate") return [];
  return typed(form).filter((e) => e.name !== NUMBER && !isAsSent(e));
}

function isAsSent(e) {
  const sent = document.createElement("form");
  sent.append(e.cloneNode(true));
  sent.reset();
  return JSON.stringify(read(sent)) === JSON.stringify([said(e)]);
}

function keep(form) {
  try {
    sessionStorage.setItem(draftKey(form), JSON.stringify(read(form)));
  } catch {
    // Storage is full or forbidden: the form still works, only without a draft.
  }
}

// The page that comes as the answer drops the draft (house.js).
function markSent(form) {
  keep(form);
  try {
    sessionStorage.setItem(SENT, JSON.stringify([draftKey(form), location.href.split("#")[0]]));
  } catch {
    // As above.
  }
}

function offerDraft(form) {
  let timer = null;
  const keepNow = () => {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    keep(form);
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(keepNow, 300);
  });
  // Whoever leaves at once, or whose telephone puts the tab away, has their last letters kept too.
  addEventListener("pagehide", keepNow);
  document.addEventListener("visibilitychange", keepNow);
  const early = typedEarly(form);
  const stored = JSON.parse(sessionStorage.getItem(draftKey(form)));
  const was = read(form);
  const isOffered = stored && !form.querySelector(".error-summary");
  if (isOffered) write(form, stored, early);
  if (early.length) keep(form);
  if (form.closest("[data-open]")) return; // it was sent and came back with its errors: nothing to throw away there
  if (!isOffered || sameWords(read(form), was)) return; // a browser that fills forms again has done so, but for the number
  const note = Object.assign(document.createElement("p"), { className: "draft-note" });
  const drop = Object.assign(document.createElement("button"), { type: "button", textContent: words("discard") });
  note.append(words("restored"), " ", drop);
  drop.addEventListener("click", () => {
    sessionStorage.removeItem(draftKey(form));
    write(form, was);
    note.remove();
    typed(form).find((e) => e.type !== "hidden")?.focus();
  });
  form.prepend(note);
}

try {
  for (const form of document.querySelectorAll("form[data-draft]")) offerDraft(form);
} catch {
  // sessionStorage is forbidden here: no drafts.
}

// Dialogs ----------------------------------------------------------------------------------------------------

function prepareDialogs(root) {
  for (const dialog of root.querySelectorAll("dialog.ask")) {
    dialog.removeAttribute("open");
    for (const button of dialog.querySelectorAll("[data-close]")) button.hidden = false;
    if (!dialog.hasAttribute("data-open")) continue;
    dialog.showModal();
    dialog.querySelector('[aria-invalid="true"], .error-summary')?.focus();
  }
  for (const opener of root.querySelectorAll("[data-dialog]")) opener.hidden = false;
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  const closer = event.target.closest?.("dialog [data-close]");
  if (closer) closer.closest("dialog").close();
});
document.addEventListener("live-region-changed", (event) => {
  for (const dialog of event.target.querySelectorAll("dialog.ask[open]:not(:modal)")) dialog.removeAttribute("open");
  for (const hidden of event.target.querySelectorAll("[data-dialog][hidden], [data-close][hidden]")) hidden.hidden = false;
});
prepareDialogs(document);

// Menus ------------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Errors first -----------------------------------------------------------------------------------------------

// Not away from a field in which somebody writes already.
if (document.activeElement === document.body) document.querySelector("[data-focus]")?.focus();
