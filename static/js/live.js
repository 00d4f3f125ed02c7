// One socket for the page. Streams arrive dense and in order, or a snapshot is asked for: see docs/live-protocol.md.
//
//   connect({ url })                       open (once); answers the `live` object
//   live.join(streams, { after, onEvent, onSnapshot, onReset, onDenied }) -> leave()
//   live.state                             "connecting" | "live" | "offline"; live.since: Date of the last change
//   live.addEventListener("state", e => e.detail.state)
//   live.now()                             the server's clock in ms, for timers
import { say } from "./say.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const BANNER_AFTER_MS = 3_000;
const ACK_TIMEOUT_MS = 10_000;
const SILENCE_MS = 25_000; // two heartbeats and a bit
const LATE_MS = 1_500; // a heartbeat's head may run ahead of its events by this much

/** What one caller follows: its streams with the last number it has applied (null: nothing yet). */
class Follow {
  constructor(last, on) {
    this.last = last;
    this.on = on;
    this.epoch = on.epoch ?? null;
    this.held = []; // events that came while a join or a snapshot was under way
    this.joining = false;
    this.again = false;
    this.gone = false;
    this.failures = 0; // joins in a row that the server could not answer
  }

  has(stream) {
    return stream in this.last;
  }

  /** Take one event in order. False: there is a gap before it. */
  take(event) {
    const last = this.last[event.s];
    if (last === null) return false;
    if (event.n <= last) return true;
    if (event.n !== last + 1) return false;
    this.last[event.s] = event.n;
    this.on.onEvent?.({ stream: event.s, seq: event.n, kind: event.k, data: event.d });
    return true;
  }
}

class Live extends EventTarget {
  state = "connecting";
  since = new Date();
  #socket = null;
  #follows = new Set();
  #tries = 0;
  #retry = null;
  #banner = null;
  #watch = null;
  #skew = 0;
  #beats = false;

  /** Open the socket; a second call answers the same object. `url` is the path of Socket.IO on this host. */
  async open(url) {
    if (this.#socket) return;
    this.#socket = "opening";
    const { io } = await import(`${document.body.dataset.vendor}socket.io/socket.io.esm.min.js`);
    const socket = io({
      path: url,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnection: false, // the back-off below has full jitter, so that a killed server is not stormed
      autoConnect: false,
    });
    this.#socket = socket;
    socket.on("connect", () => this.#connected());
    socket.on("disconnect", () => this.#lost());
    socket.on("connect_error", () => this.#lost());
    socket.on("ev", (event) => this.#event(event));
    socket.on("hb", (beat) => this.#beat(beat));
    socket.on("reset", (what) => this.#reset(what));
    socket.onAny(() => this.#heard());
    addEventListener("online", () => this.#now());
    addEventListener("offline", () => socket.disconnect());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#now());
    this.#arm();
    socket.connect();
  }

  /**
   * Follow streams. `streams` is a name, a list of names, or {name: last applied number}. `after` is the number for a
   * single name. Without a number the caller has nothing yet and gets onSnapshot first.
   * onEvent({stream, seq, kind, data}): in dense order, each exactly once.
   * onSnapshot({url, heads}): load the whole state; may be async and may answer the heads that it was read at.
   * onReset({streams}): forget what was kept, the audience changed. onDenied({streams}): not for this person.
   * Answers a function that stops following.
   */
  join(streams, { after = null, ...on } = {}) {
    const names = typeof streams === "string" ? [streams] : streams;
    const last = Array.isArray(names) ? Object.fromEntries(names.map((name) => [name, after])) : { ...names };
    const follow = new Follow(last, on);
    this.#follows.add(follow);
    if (this.#socket?.connected) this.#join(follow);
    return () => this.#leave(follow);
  }

  /** The server's time in milliseconds, by the last heartbeat. */
  now() {
    return Date.now() + this.#skew;
  }

  /** Send something volatile (a page that is followed, typing); dropped when the socket is away. */
  hint(name, data) {
    this.#socket?.volatile?.emit(name, data);
  }

  /** Hear volatile messages of the server; answers a function that stops. */
  onHint(name, listener) {
    this.#socket?.on?.(name, listener);
    return () => this.#socket?.off?.(name, listener);
  }

  // Joining -------------------------------------------------------------------------------------------------

  async #join(follow) {
    if (follow.joining) {
      follow.again = true;
      return;
    }
    follow.joining = true;
    try {
      do {
        follow.again = false;
        await this.#joinOnce(follow);
      } while (follow.again && !follow.gone && this.#socket.connected);
    } finally {
      follow.joining = false;
      this.#drain(follow);
    }
  }

  async #joinOnce(follow) {
    const sent = this.#socket.id;
    let answer;
    try {
      answer = await this.#socket.timeout(ACK_TIMEOUT_MS).emitWithAck("join", { streams: follow.last, epoch: follow.epoch });
    } catch {
      if (this.#socket.id === sent) this.#hangUp();
      return;
    }
    if (follow.gone || this.#socket.id !== sent) return;
    this.#tries = 0;
    follow.failures = answer.error ? follow.failures + 1 : 0;
    if (answer.mode === "replay") {
      follow.epoch = answer.epoch;
      follow.held = merge(answer.events, follow.held);
    } else if (answer.mode === "snapshot") {
      await this.#snapshot(follow, answer, sent);
    } else if (answer.mode === "wait") {
      const least = Math.min(LONGEST_WAIT_MS, answer.ms * 2 ** Math.max(0, follow.failures - 1));
      await new Promise((done) => setTimeout(done, least * (1 + Math.random())));
      follow.again = true;
    } else {
      this.#follows.delete(follow);
      follow.gone = true;
      follow.on.onDenied?.({ streams: Object.keys(follow.last) });
    }
  }

  async #snapshot(follow, answer, sent) {
    let heads;
    try {
      heads = await follow.on.onSnapshot?.({ url: answer.url, heads: answer.heads });
    } catch (error) {
      console.warn("snapshot failed", error);
      await new Promise((done) => setTimeout(done, 1000 + Math.random() * 2000));
      follow.again = this.#socket.id === sent;
      return;
    }
    follow.epoch = answer.epoch;
    for (const name of Object.keys(follow.last)) follow.last[name] = heads?.[name] ?? answer.heads[name] ?? 0;
  }

  /** Apply what was held back, in order; a hole that is left means another join. */
  #drain(follow) {
    if (follow.gone) return;
    const held = follow.held.sort((a, b) => a.n - b.n);
    follow.held = [];
    for (let i = 0; i < held.length; i += 1) {
      if (!follow.take(held[i])) {
        follow.held = held.slice(i).filter((event) => follow.last[event.s] === null || event.n > follow.last[event.s]);
        if (this.#socket?.connected) this.#join(follow);
        return;
      }
    }
  }

  #leave(follow) {
    follow.gone = true;
    this.#follows.delete(follow);
    const names = Object.keys(follow.last).filter((name) => ![...this.#follows].some((other) => other.has(name)));
    if (names.length && this.#socket?.connected) this.#socket.emit("leave", { streams: names });
  }

  // What the server says ------------------------------------------------------------------------------------

  #event(event) {
    for (const follow of this.#follows) {
      if (!follow.has(event.s)) continue;
      if (follow.joining || !follow.take(event)) {
        follow.held.push(event);
        if (!follow.joining) this.#join(follow);
      }
    }
  }

  #beat({ heads = {}, now }) {
    this.#beats = true;
    if (now) this.#skew = (typeof now === "number" ? now : Date.parse(now)) - Date.now();
    const behind = (follow) => Object.keys(heads).some((s) => follow.last[s] !== null && heads[s] > follow.last[s]);
    for (const follow of this.#follows) {
      if (follow.joining || !behind(follow)) continue;
      setTimeout(() => {
        if (!follow.gone && !follow.joining && behind(follow) && this.#socket.connected) this.#join(follow);
      }, LATE_MS);
    }
  }

  #reset({ streams = [] } = {}) {
    for (const follow of [...this.#follows]) {
      const mine = Object.keys(follow.last).filter((name) => !streams.length || streams.includes(name));
      if (!mine.length) continue;
      for (const name of mine) follow.last[name] = null;
      follow.epoch = null;
      follow.held = [];
      follow.on.onReset?.({ streams: mine });
      this.#join(follow);
    }
  }

  // The socket ----------------------------------------------------------------------------------------------

  #connected() {
    clearTimeout(this.#retry);
    this.#disarm();
    this.#heard();
    this.#become("live");
    for (const follow of this.#follows) {
      follow.held = [];
      if (follow.joining) follow.again = true;
      else this.#join(follow);
    }
  }

  #lost() {
    clearTimeout(this.#watch);
    if (this.state === "live") this.#become("connecting");
    this.#arm();
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#tries);
    this.#tries += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#now(), Math.random() * most);
  }

  #now() {
    if (this.#socket?.connect && !this.#socket.connected) this.#socket.connect();
  }

  #hangUp() {
    // A socket that does not answer is closed from here; "disconnect" follows and the back-off begins.
    if (this.#socket.connected) this.#socket.disconnect();
    else this.#lost();
  }

  #heard() {
    clearTimeout(this.#watch);
    if (this.#beats) this.#watch = setTimeout(() => this.#hangUp(), SILENCE_MS);
  }

  // What people see -----------------------------------------------------------------------------------------

  #become(state) {
    if (state === this.state) return;
    const was = this.state;
    this.state = state;
    if (state !== "offline") this.since = new Date();
    this.dispatchEvent(new CustomEvent("state", { detail: { state, was, since: this.since } }));
    if (state === "live" && was === "offline") banner("back");
    if (state === "offline") banner("lost", this.since);
  }

  #arm() {
    this.#banner ??= setTimeout(() => this.#become("offline"), BANNER_AFTER_MS);
  }

  #disarm() {
    clearTimeout(this.#banner);
    this.#banner = null;
  }
}

function merge(events, held) {
  const seen = new Set();
  return [...events, ...held].filter((event) => {
    const key = `${event.s} ${event.n}`;
    return !seen.has(key) && seen.add(key);
  });
}

let hide = null;

function banner(state, since) {
  const box = document.getElementById("net");
  if (!box) return;
  clearTimeout(hide);
  const time = since?.toLocaleTimeString("vi-VN", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Ho_Chi_Minh" });
  box.textContent = (box.dataset[state] ?? "").replace("{time}", time ?? "");
  box.dataset.state = state;
  box.hidden = false;
  say(box.textContent);
  if (state === "back") hide = setTimeout(() => { box.hidden = true; }, 3000);
}

export const live = new Live();

/** Open the page's socket. `url`: path of Socket.IO, by default what the page says (body data-sockets). */
export function connect({ url = document.body.dataset.sockets || "/socket.io" } = {}) {
  live.open(url);
  return live;
}
