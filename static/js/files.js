// A browser says "choose a file" in its own language; here it is said in the page's. The input itself stays on top,
// unseen, so that clicks, drops, the keyboard and screen readers meet the real one.
import { words } from "./say.js";

function equip(input) {
  if (input.closest(".file-pick")) return;
  const [box, face, button, name] = ["file-pick", "file-face form-control", "file-button", "file-name"].map((className) =>
    Object.assign(document.createElement("span"), { className }));
  button.textContent = words("pick");
  face.setAttribute("aria-hidden", "true");
  face.append(button, name);
  input.parentElement.dataset.own = "1"; // a live pane leaves it as the reader has it
  input.before(box);
  box.append(input, face);
  const show = () => {
    name.textContent = [...input.files].map((file) => file.name).join(", ") || words("unpicked");
  };
  input.addEventListener("change", show);
  show();
}

export function equipAll() {
  for (const input of document.querySelectorAll("input[type=file].form-control")) equip(input);
}

equipAll();
document.addEventListener("live-region-changed", equipAll);
