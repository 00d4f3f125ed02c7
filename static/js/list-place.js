// Where somebody was in a list, for this tab. Who comes back from a document stands at the row that they opened, in the
// list as they had narrowed it; who comes back from a send that failed finds chosen what they had chosen.
const at = (path) => `list:${path}`;

function read(path) {
  try { return JSON.parse(sessionStorage.getItem(at(path))) ?? {}; } catch { return {}; }
}

function write(path, place) {
  try { sessionStorage.setItem(at(path), JSON.stringify(place)); } catch { /* storage is full or forbidden */ }
}

const here = location.pathname;
const rows = () => [...document.querySelectorAll("[data-keys] > .row-item")];
const subject = (row) => row.querySelector(".row-subject");
const chosen = () => [...document.querySelectorAll(".row-select input:checked")].map((box) => box.value);

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-keys] > .row-item a.row-subject");
  if (!link) return;
  const index = rows().findIndex((row) => row.contains(link));
  // A click without a count was made by the keyboard.
  write(here, { search: location.search, row: link.pathname, index, focus: event.detail === 0 });
});

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || !event.target.matches("#bulk")) return; // its `id` is one of its boxes
  const list = rows();
  const index = Math.max(0, list.findIndex((row) => row.querySelector(".row-select input:checked")));
  write(here, { search: location.search, row: subject(list[index])?.pathname, index, focus: true, chosen: chosen() });
});

function stand({ row, index, focus }) {
  const list = rows();
  const found = list.find((one) => subject(one).pathname === row) ?? list[Math.min(index, list.length - 1)];
  if (!found || document.querySelector(".row-item.is-here")) return;
  found.classList.add("is-here");
  if (focus && document.activeElement === document.body) subject(found).focus({ preventScroll: true });
  found.scrollIntoView({ block: "nearest" });
}

function choose(values) {
  const wanted = new Set(values);
  for (const box of document.querySelectorAll(".row-select input")) {
    if (!wanted.has(box.value) || box.checked) continue;
    box.checked = true;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

// What was sent was answered: nothing of it is to be chosen again.
for (const answer of document.querySelectorAll("[data-settles]")) {
  const path = answer.dataset.settles;
  write(path, { ...read(path), chosen: undefined });
}

const was = read(here);
if (was.row && was.search === location.search) {
  write(here, { search: was.search });
  if (was.chosen) choose(was.chosen);
  stand(was);
}

for (const link of document.querySelectorAll(".crumbs a, a[data-back]")) {
  const { search } = read(link.pathname);
  if (search && !link.search && link.pathname !== here) link.search = search;
}
