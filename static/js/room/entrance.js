// The screen at the door: takes the code of each minute, says when there is no network, and clears what the last one typed.
import { get } from "../http.js";

const AGAIN_MS = 2_000;
const IDLE_MS = 30_000;
const code = document.querySelector("[data-code]");
const lost = document.querySelector("[data-lost]");
const { entrance } = document.getElementById("main").dataset;
let shown = null; // the address of the picture

/** A code whose minute is over and that cannot be renewed opens nothing: it goes out of sight, and the page says so. */
async function renew() {
  try {
    const answer = await get(`${entrance}/code`, { cache: "no-store" });
    if (!answer.ok) throw new Error(`code ${answer.status}`);
    const picture = URL.createObjectURL(await answer.blob());
    code.src = picture;
    if (shown) URL.revokeObjectURL(shown);
    shown = picture;
    lost.hidden = true;
    code.classList.remove("entrance-old");
    setTimeout(renew, Number(answer.headers.get("X-Changes-In")) + 200);
  } catch {
    lost.hidden = false;
    code.classList.add("entrance-old");
    setTimeout(renew, AGAIN_MS);
  }
}

if (code) renew();

// Whoever comes next finds an empty field, and the counts of now.
let touched = Date.now();
for (const name of ["input", "click", "keydown"]) addEventListener(name, () => { touched = Date.now(); });
setInterval(() => {
  if (Date.now() - touched < IDLE_MS || (lost && !lost.hidden)) return;
  touched = Date.now();
  location.replace(entrance);
}, 1_000);
