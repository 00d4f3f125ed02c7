// Long lists of boxes to tick get a line to filter them by, with or without accents, and say how many are ticked.
import { words } from "./say.js";

const FILTERED_FROM = 12; // boxes
const bare = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase();

function equip(list) {
  const rows = [...list.querySelectorAll(".form-check")];
  if (list.dataset.equipped || rows.length < FILTERED_FROM) return;
  list.dataset.equipped = "1";
  const texts = rows.map((row) => bare(row.textContent));
  const head = Object.assign(document.createElement("div"), { className: "choices-head" });
  const find = Object.assign(document.createElement("input"), { type: "search", className: "form-control", autocomplete: "off" });
  const count = Object.assign(document.createElement("span"), { className: "quiet" });
  find.placeholder = words("narrow");
  find.setAttribute("aria-label", words("narrow"));
  head.append(find, count);
  list.before(head);
  list.parentElement.dataset.own = "1"; // a live pane leaves it as the reader has it

  const show = () => {
    const wanted = bare(find.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, at) => {
      row.hidden = !wanted.every((word) => texts[at].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    const ticked = rows.filter((row) => row.querySelector("input").checked).length;
    count.textContent = words("ticked", { n: ticked, shown, all: rows.length });
  };
  find.addEventListener("input", show);
  // Enter in the filter must not send the form that the list stands in.
  find.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  list.addEventListener("change", show);
  show();
}

export function equipAll() {
  for (const list of document.querySelectorAll(".choices-many")) equip(list);
}

equipAll();
document.addEventListener("live-region-changed", equipAll);
