// <sign-device data-handoff data-open data-agent …words>: calls the signing program on this computer.
// The program (VGCA's) listens on a WebSocket of this machine: one connection an operation, the parameters as JSON in,
// one answer as JSON out ({Status: 0, Message}). It fetches and brings the file by itself; what became of it, the
// page learns from its live region.
import { say } from "./say.js";
import { postCommand } from "./http.js";

const CONNECT_TIMEOUT_MS = 5_000; // to open the connection: the program is on this machine or it is not

/** Ask the server for a call and hand it to the program. Answers "sent"; throws {kind, message} when it did not sign. */
export async function signWith(agent, openUrl, onCalling = () => {}) {
  const { operation, parameters } = await callFrom(openUrl);
  const answer = await ask(`${agent.replace(/\/$/, "")}/${operation}`, parameters, onCalling);
  if (Number(answer.Status) !== 0) throw { kind: "failed", message: answer.Message || answer.Error || String(answer.Status) };
  return "sent";
}

async function callFrom(url) {
  const answer = await postCommand(url).catch(() => null);
  if (!answer?.ok) throw { kind: "over" };
  return answer.json();
}

function ask(url, parameters, onCalling) {
  return new Promise((resolve, reject) => {
    let opened = false;
    let socket;
    try {
      socket = new WebSocket(url);
    } catch {
      reject({ kind: "none" });
      return;
    }
    const late = setTimeout(() => !opened && socket.close(), CONNECT_TIMEOUT_MS);
    socket.addEventListener("open", () => {
      opened = true;
      clearTimeout(late);
      socket.send(JSON.stringify(parameters));
      onCalling();
    });
    socket.addEventListener("message", (event) => {
      try {
        resolve(JSON.parse(event.data));
      } catch {
        reject({ kind: "failed", message: String(event.data).slice(0, 200) });
      }
      socket.close();
    });
    socket.addEventListener("close", () => reject({ kind: opened ? "closed" : "none" }));
    socket.addEventListener("error", () => reject({ kind: opened ? "closed" : "none" }));
  });
}

/** Where both elements say what happened. */
function tell(element, name, message = "") {
  const place = element.querySelector(".device-said");
  if (!place) return;
  const text = (element.dataset[name] ?? "").replace("{message}", message);
  place.textContent = text;
  place.dataset.tone = name === "calling" || name === "sent" ? "info" : "bad";
  say(text);
}

class SignDevice extends HTMLElement {
  #busy = false;

  connectedCallback() {
    this.addEventListener("click", (event) => event.target.closest("[data-call]") && this.#call());
    // Whoever pressed "sign" meant it: the program opens by itself, once for each file and tab.
    const key = `device:${this.dataset.handoff}`;
    if (sessionStorage.getItem(key)) return;
    sessionStorage.setItem(key, "1");
    this.#call();
  }

  async #call() {
    if (this.#busy) return;
    this.#busy = true;
    const button = this.querySelector("[data-call]");
    button?.setAttribute("disabled", "");
    try {
      await signWith(this.dataset.agent, this.dataset.open, () => tell(this, "calling"));
      tell(this, "sent");
    } catch (problem) {
      tell(this, problem.kind ?? "over", problem.message);
    } finally {
      this.#busy = false;
      button?.removeAttribute("disabled");
    }
  }
}

/** <sign-devices>: calls the program for one row after the other, as their files become ready. */
class SignDevices extends HTMLElement {
  #busy = false;
  #tried = new Set();
  #again = () => this.#next();

  connectedCallback() {
    this.addEventListener("click", (event) => {
      if (!event.target.closest("[data-call]")) return;
      this.#tried.clear();
      this.#next();
    });
    document.addEventListener("live-region-changed", this.#again);
    this.#next();
  }

  disconnectedCallback() {
    document.removeEventListener("live-region-changed", this.#again);
  }

  async #next() {
    if (this.#busy) return;
    const row = [...this.querySelectorAll("[data-handoff]")].find((one) => !this.#tried.has(one.dataset.handoff));
    if (!row) return;
    this.#busy = true;
    this.#tried.add(row.dataset.handoff);
    const retry = this.querySelector("[data-retry]");
    let goesOn = true;
    try {
      await signWith(this.dataset.agent, row.dataset.open, () => tell(this, "calling"));
      tell(this, "sent");
      retry.hidden = true;
    } catch (problem) {
      tell(this, problem.kind ?? "over", problem.message);
      retry.hidden = false;
      goesOn = problem.kind !== "none"; // without a program the others would fail as well
    } finally {
      this.#busy = false;
    }
    if (goesOn) this.#next();
  }
}

if (!customElements.get("sign-device")) customElements.define("sign-device", SignDevice);
if (!customElements.get("sign-devices")) customElements.define("sign-devices", SignDevices);
