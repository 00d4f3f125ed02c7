// The live room: holds the state, follows the streams, sends commands over HTTP. Panes draw what it holds.
import { get, newCommandId, postCommand } from "../http.js";
import { say, words } from "../say.js";
import { follow } from "./follow.js";
import { apply, seen } from "./store.js";

const SAVE_AFTER_MS = 400;
const AGAIN_MS = 2_000;
// Refusals that say nothing of the command itself: an earlier press may have done it.
const UNDECIDED = new Set([400, 401, 408, 429]);

class Room extends EventTarget {
  /** @type {import("./types.js").LiveState | null} */
  state = null; // as it is drawn; what is told is applied to #told
  #told = null;
  /** @type {Record<string, number>} */
  heads = {};
  viewing = null; // the item that this reader looks at; null follows the meeting
  live = null; // once it is there
  #cache = null;
  #epoch = null;
  #saving = null;
  #leave = null; // ends what is followed

  constructor() {
    super();
    const page = document.getElementById("main").dataset;
    this.id = Number(page.meeting);
    this.base = `/meetings/${this.id}`;
    this.me = Number(page.me) || null; // own participant id
    this.desk = "desk" in page;
    this.who = page.who || "wall";
  }

  /** Show what the page brought, or what was kept when that is newer; then follow. */
  async start() {
    const { state, heads, epoch, follow: place } = JSON.parse(document.getElementById("snapshot").textContent);
    this.#epoch = epoch;
    this.#take(state, heads);
    follow.take(place);
    // What is shown comes first; what follows it is fetched meanwhile (templates/meetings/_scripts.html).
    const [{ connect }, cache] = await Promise.all([import("../live.js"), import("./cache.js")]);
    this.#cache = cache;
    this.live = connect();
    const kept = await cache.load(this.id, this.who);
    const stream = `meeting:${this.id}`;
    const comparable = kept && kept.epoch === epoch && sameNames(heads, kept.heads);
    if (comparable && kept.heads[stream] > this.heads[stream]) {
      this.#take(kept.state, kept.heads);
    }
    follow.start(this.base, this.live);
    this.#join();
    this.#save();
  }

  #join() {
    this.#leave?.();
    this.#leave = this.live.join(this.heads, {
      epoch: this.#epoch,
      onEvent: (event) => this.#event(event),
      onSnapshot: () => this.#snapshot(),
      onReset: () => this.#begin(),
      onDenied: () => this.#begin(),
    });
  }

  /** The audience changed: forget everything, ask what is for us now, and follow that. */
  async #begin() {
    this.#leave?.();
    this.#leave = null;
    clearTimeout(this.#saving);
    follow.forget();
    await this.#cache.forget(this.id, this.who);
    try {
      if (await this.#snapshot()) this.#join();
    } catch {
      setTimeout(() => this.#begin(), AGAIN_MS * (1 + Math.random()));
    }
  }

  now() {
    return this.live ? this.live.now() : Date.now();
  }

  /** Look at the papers of another item, or (null) follow the meeting again. */
  view(item) {
    this.viewing = item;
    this.#changed();
  }

  #take(state, heads) {
    this.#told = state;
    this.state = seen(state);
    this.heads = { ...heads };
    this.#changed();
  }

  #event({ stream, seq, kind, data }) {
    this.heads[stream] = seq;
    if (kind === "reset") { // missed while away
      this.#begin();
      return;
    }
    const before = this.state;
    const told = apply(this.#told, kind, data);
    if (told === this.#told) return;
    this.#told = told;
    this.state = seen(told);
    if (before.meeting.current !== this.state.meeting.current) this.viewing = null;
    this.#changed(before);
    this.#save();
  }

  async #snapshot() {
    const answer = await get(`${this.base}/snapshot`, { headers: { Accept: "application/json" } });
    if (answer.status === 404 || answer.status === 401) {
      this.#denied();
      return null;
    }
    if (!answer.ok) throw new Error(`snapshot ${answer.status}`);
    const { state, heads, epoch, follow: place } = await answer.json();
    const others = !sameNames(heads, this.heads);
    this.#epoch = epoch;
    this.#take(state, heads);
    follow.take(place);
    this.#save();
    if (others && this.#leave) queueMicrotask(() => this.#join());
    return heads;
  }

  #denied() {
    this.#cache.forget(this.id, this.who);
    location.assign(this.who === "wall" ? "/wall" : this.base);
  }

  #changed(before = null) {
    this.dispatchEvent(new CustomEvent("change", { detail: { before } }));
  }

  #save() {
    clearTimeout(this.#saving);
    this.#saving = setTimeout(() => {
      this.#cache.save(this.id, this.who, { state: this.#told, heads: this.heads, epoch: this.#epoch, at: Date.now() });
    }, SAVE_AFTER_MS);
  }

  /** Send a form. The id of its command makes sending it again harmless, and is kept until the server has decided on it.
   *  Answers whether it was done. */
  async send(form, button = null) {
    const fields = new FormData(form);
    if (button?.name) fields.set(button.name, button.value); // old tablets do not know FormData(form, button)
    fields.set("command_id", commandIdOf(form));
    form.setAttribute("aria-busy", "true");
    try {
      const answer = await postCommand(form.action, new URLSearchParams(fields));
      if (answer.status < 500 && !UNDECIDED.has(answer.status)) renewCommandId(form);
      if (answer.ok) {
        tell("");
        return true;
      }
      refuse(form, await answer.json().catch(() => null));
    } catch {
      tell(words("notSent"), "bad"); // the id is kept: pressing again sends the same command
    } finally {
      form.removeAttribute("aria-busy");
    }
    return false;
  }
}

const sameNames = (one, other) => Object.keys(one).sort().join() === Object.keys(other).sort().join();

/** A form whose words are kept as a draft carries its id in a field, which is kept with them (forms.js). */
const commandIdOf = (form) => form.elements.command_id?.value || (form.dataset.command ||= newCommandId());

function renewCommandId(form) {
  if (form.elements.command_id) form.elements.command_id.value = newCommandId();
  else delete form.dataset.command;
}

function refuse(form, problem) {
  const locale = document.documentElement.lang === "en" ? "en" : "vi";
  for (const old of form.querySelectorAll(".field-error")) old.remove();
  const fields = Object.entries(problem?.fields ?? {});
  for (const [name, text] of fields) {
    const control = form.elements[name];
    const box = (control?.closest ? control : control?.[0])?.closest(".field");
    if (box) box.append(Object.assign(document.createElement("p"), { className: "field-error", textContent: text[locale] }));
  }
  tell(fields[0]?.[1][locale] ?? problem?.message?.[locale] ?? words("failed"), "bad");
}

/** One line at the top of the stage for what went wrong; empty takes it away. */
export function tell(text, tone = "info") {
  const box = document.getElementById("room-note");
  if (!box) return;
  box.textContent = text;
  box.hidden = !text;
  box.className = `room-note note-${tone}`;
  if (text) say(text);
}

export const room = new Room();
