// Makes one piece of a page equal to another by changing its nodes in place: focus, scroll, open details and typed text
// survive, because a node that stands for the same thing is never replaced.

const keyOf = (node) => (node.nodeType === 1 ? node.id || node.dataset.key || hrefOf(node) : null);

// A row is the thing that its first link leads to: rows that move keep their identity.
function hrefOf(node) {
  return node.localName === "li" ? node.querySelector("a[href]")?.getAttribute("href") ?? null : null;
}

/** Make the children of `old` equal to those of `fresh`, keeping nodes that stand for the same thing. */
export function morphChildren(old, fresh) {
  const keyed = new Map();
  for (const child of old.children) {
    const key = keyOf(child);
    if (key && !keyed.has(key)) keyed.set(key, child);
  }
  const wanted = new Set();
  for (const child of fresh.children) {
    const key = keyOf(child);
    if (key) wanted.add(key);
  }
  let place = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const key = keyOf(next);
    let same = key ? keyed.get(key) : null;
    if (same && same.nodeName !== next.nodeName) same = null;
    if (same) keyed.delete(key);
    else if (!key) {
      if (isBlank(place) && !isBlank(next)) place = without(place);
      if (place && alike(place, next)) same = place;
    }
    if (!same) {
      old.insertBefore(document.importNode(next, true), place);
      continue;
    }
    if (same === place) place = place.nextSibling;
    else if (place && place !== old.lastChild && same === place.nextSibling && !wanted.has(keyOf(place))) {
      // The row before this one is gone: take it away rather than moving this one, which may hold the focus.
      without(place);
      place = same.nextSibling;
    } else old.insertBefore(same, place);
    morph(same, next);
  }
  while (place) place = without(place);
}

// An answer has no white space before its first element, the page has: with that in the way nothing would be alike.
const isBlank = (node) => node?.nodeType === 3 && !node.nodeValue.trim();

/** Take `node` away; answers what stood after it. A dialog in which somebody has typed, now or before it was refused, stays
 *  until it is closed: what it is for may be gone, its words are not lost. */
function without(node) {
  const next = node.nextSibling;
  const asked = typedIn(node);
  if (asked) asked.addEventListener("close", () => asked.closest("live-region")?.refresh(), { once: true });
  else node.remove();
  return next;
}

function typedIn(node) {
  if (node.nodeType !== 1) return null;
  const open = node.matches("dialog[open]") ? [node] : [...node.querySelectorAll("dialog[open]")];
  const fields = (dialog) => [...dialog.querySelectorAll("input, textarea, select")];
  return open.find((dialog) => dialog.matches("[data-open]") || fields(dialog).some(isTouched)) ?? null;
}

const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && !keyOf(a);

function morph(old, fresh) {
  if (old.nodeType !== 1) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.matches("dialog[open][data-open]")) return; // came back with its errors: stays so until it is closed
  const own = old.localName === "doc-paper" || old.hasAttribute("data-own");
  if (own && old.getAttribute("src") === fresh.getAttribute("src")) return;
  morphAttributes(old, fresh);
  const typing = old.matches("input, textarea, select") && (old === document.activeElement || isTouched(old));
  if (!typing && !own) {
    if (old.matches("textarea")) old.value = fresh.value;
    else morphChildren(old, fresh);
  }
}

function isTouched(field) {
  if (field.matches("input[type=checkbox], input[type=radio]")) return field.checked !== field.defaultChecked;
  if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected);
  return field.value !== field.defaultValue;
}

// Set by scripts or by the reader, not by the server.
const KEPT = new Set(["open", "hidden", "aria-busy", "tabindex"]);

function morphAttributes(old, fresh) {
  const live = old.matches("details, dialog, [data-dialog], [data-close]") ? KEPT : new Set();
  const classes = ["is-here"].filter((name) => old.classList.contains(name));
  for (const { name, value } of [...fresh.attributes]) {
    if (!live.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !live.has(name)) old.removeAttribute(name);
  }
  if (classes.length) old.classList.add(...classes);
}
