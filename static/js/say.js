// Speaks to screen readers through the page's one polite region. Sentences queue, so that none is swallowed.
const queue = [];
let busy = false;

/** Say `text` politely; an equal sentence that still waits is not said twice. */
export function say(text) {
  if (!text || queue.includes(text)) return;
  queue.push(text);
  if (!busy) next();
}

function next() {
  const region = document.getElementById("live");
  const text = queue.shift();
  if (!region || text === undefined) {
    busy = false;
    return;
  }
  busy = true;
  region.textContent = "";
  // Two steps: readers announce a change of text, not a text that was there already.
  setTimeout(() => { region.textContent = text; }, 50);
  setTimeout(next, 1500);
}

/** A sentence from the page's dictionary (#words) with {fields} filled in. */
export function words(name, fields = {}) {
  const text = document.getElementById("words")?.dataset[name] ?? "";
  return text.replace(/\{(\w+)\}/g, (whole, key) => (key in fields ? String(fields[key]) : whole));
}
