// A browser says "choose a file" in its own language; here it is said in the page's. The input itself stays on top,
// unseen, so that clicks, drops, the keyboard and screen readers meet the real one.
import { words } from "./say.js";

function equip(input) {
  if (input.closest(".file-pick")) return;
  const [box, face, button, name] = ["file-pick", "file-face form-control", "file-button", "file-name"].map((className) =>
    Object.assign(document.createElement("span"), { className }));
  const list = Object.assign(document.createElement("ul"), { className: "file-list" });
  button.textContent = words("pick");
  face.setAttribute("aria-hidden", "true");
  face.append(button, name);
  input.parentElement.dataset.own = "1"; // a live pane leaves it as the reader has it
  input.before(box);
  box.append(input, face, list);
  const show = () => {
    const names = [...input.files].map((file) => file.name);
    const many = names.length > 1; // in one line they would be cut
    name.textContent = many ? words("files", { n: names.length }) : names[0] ?? words("unpicked");
    const lines = names.map((textContent) => Object.assign(document.createElement("li"), { textContent }));
    list.replaceChildren(...(many ? lines : []));
    list.hidden = !many;
  };
  input.addEventListener("change", show);
  show();
}

export function equipAll() {
  for (const input of document.querySelectorAll("input[type=file].form-control")) equip(input);
}

equipAll();
document.addEventListener("live-region-changed", equipAll);
