// One socket for the page. Streams arrive dense and in order, or a snapshot is asked for: see docs/live-protocol.md.
//
//   connect({ url })                       open (once); answers the `live` object
//   live.join(streams, { after, onEvent, onSnapshot, onReset, onDenied }) -> leave()
//   live.state                             "connecting" | "live" | "offline"; live.since: Date of the last change
//   live.addEventListener("state", e => e.detail.state)
//   live.now()                             the server's clock in ms, for timers
import { Subscription } from "./live-subscription.js";
import { say } from "./say.js";

const FIRST_WAIT_MS = 500;
const SOON_MS = 60_000; // for so long after the loss a restarted server is expected back, and found again within
const MAX_WAIT_SOON_MS = 4_000; // this
const MAX_WAIT_MS = 15_000;
const BANNER_AFTER_MS = 3_000;
const CONNECT_TIMEOUT_MS = 5_000; // Socket.IO would wait 20 s for a server that took the connection and then died
const ACK_TIMEOUT_MS = 10_000;
const SILENCE_MS = 25_000; // two heartbeats and a bit
const LATE_MS = 1_500; // a heartbeat's head may run ahead of its events by this much

class Live extends EventTarget {
  state = "connecting";
  since = new Date();
  #socket = null;
  #subscriptions = new Set();
  #tries = 0;
  #lostAt = null; // when the connection went
  #retry = null;
  #bannerTimer = null;
  #watch = null;
  #skew = 0;
  #hasHeartbeat = false;
  #hintListeners = new Map(); // name -> Set of functions, also of those who asked before the socket was there

  /** Open the socket; a second call answers the same object. `url` is the path of Socket.IO on this host. */
  async open(url) {
    if (this.#socket) return;
    this.#socket = "opening";
    const { io } = await import(`${document.body.dataset.vendor}socket.io/socket.io.esm.min.js`);
    const socket = io({
      path: url,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      timeout: CONNECT_TIMEOUT_MS,
      reconnection: false, // the back-off below has full jitter, so that a killed server is not stormed
      autoConnect: false,
    });
    this.#socket = socket;
    socket.on("connect", () => this.#connected());
    socket.on("disconnect", () => this.#disconnected());
    socket.on("connect_error", () => this.#disconnected());
    socket.on("ev", (event) => this.#event(event));
    socket.on("hb", (beat) => this.#heartbeat(beat));
    socket.on("reset", (what) => this.#reset(what));
    socket.onAny((name, data) => {
      this.#restartWatch();
      for (const listener of this.#hintListeners.get(name) ?? []) listener(data);
    });
    addEventListener("online", () => this.#reconnect());
    addEventListener("offline", () => socket.disconnect());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#reconnect());
    this.#startBannerTimer();
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
    const subscription = new Subscription(last, on);
    this.#subscriptions.add(subscription);
    if (this.#socket?.connected) this.#join(subscription);
    return () => this.#leave(subscription);
  }

  /** The server's time in milliseconds, by the last heartbeat. */
  now() {
    return Date.now() + this.#skew;
  }

  /** Hear volatile messages of the server; answers a function that stops. */
  onHint(name, listener) {
    if (!this.#hintListeners.has(name)) this.#hintListeners.set(name, new Set());
    this.#hintListeners.get(name).add(listener);
    return () => this.#hintListeners.get(name).delete(listener);
  }

  // Joining -------------------------------------------------------------------------------------------------

  async #join(subscription) {
    if (subscription.joining) {
      subscription.again = true;
      return;
    }
    subscription.joining = true;
    try {
      do {
        subscription.again = false;
        await this.#joinOnce(subscription);
      } while (subscription.again && !subscription.gone && this.#socket.connected);
    } finally {
      subscription.joining = false;
      if (!subscription.gone && !subscription.applyWaiting() && this.#socket?.connected) this.#join(subscription);
    }
  }

  async #joinOnce(subscription) {
    const sent = this.#socket.id;
    let answer;
    try {
      answer = await this.#socket.timeout(ACK_TIMEOUT_MS).emitWithAck("join", { streams: subscription.last, epoch: subscription.epoch });
    } catch {
      if (this.#socket.id === sent) this.#closeSocket();
      return;
    }
    if (subscription.gone || this.#socket.id !== sent) return;
    this.#tries = 0;
    subscription.failures = answer.error ? subscription.failures + 1 : 0;
    if (answer.mode === "replay") {
      subscription.epoch = answer.epoch;
      subscription.replay(answer.events);
    } else if (answer.mode === "snapshot") {
      await this.#snapshot(subscription, answer, sent);
    } else if (answer.mode === "wait") {
      const least = Math.min(MAX_WAIT_MS, answer.ms * 2 ** Math.max(0, subscription.failures - 1));
      await new Promise((done) => setTimeout(done, least * (1 + Math.random())));
      subscription.again = true;
    } else {
      this.#subscriptions.delete(subscription);
      subscription.gone = true;
      subscription.on.onDenied?.({ streams: subscription.streams });
    }
  }

  async #snapshot(subscription, answer, sent) {
    let heads;
    try {
      heads = await subscription.on.onSnapshot?.({ url: answer.url, heads: answer.heads });
    } catch (error) {
      console.warn("snapshot failed", error);
      await new Promise((done) => setTimeout(done, 1000 + Math.random() * 2000));
      subscription.again = this.#socket.id === sent;
      return;
    }
    subscription.epoch = answer.epoch;
    for (const name of subscription.streams) subscription.last[name] = heads?.[name] ?? answer.heads[name] ?? 0;
  }

  #leave(subscription) {
    subscription.gone = true;
    this.#subscriptions.delete(subscription);
    const names = subscription.streams.filter((name) => ![...this.#subscriptions].some((other) => other.has(name)));
    if (names.length && this.#socket?.connected) this.#socket.emit("leave", { streams: names });
  }

  // What the server says ------------------------------------------------------------------------------------

  #event(event) {
    for (const subscription of this.#subscriptions) {
      if (!subscription.has(event.s)) continue;
      if (subscription.joining || !subscription.apply(event)) {
        subscription.waiting.push(event);
        if (!subscription.joining) this.#join(subscription);
      }
    }
  }

  #heartbeat({ heads = {}, now }) {
    this.#hasHeartbeat = true;
    if (now) this.#skew = (typeof now === "number" ? now : Date.parse(now)) - Date.now();
    for (const subscription of this.#subscriptions) {
      if (subscription.joining || !subscription.isBehind(heads)) continue;
      setTimeout(() => {
        if (!subscription.gone && !subscription.joining && subscription.isBehind(heads) && this.#socket.connected) this.#join(subscription);
      }, LATE_MS);
    }
  }

  #reset({ streams = [] } = {}) {
    for (const subscription of [...this.#subscriptions]) {
      const mine = subscription.streams.filter((name) => !streams.length || streams.includes(name));
      if (!mine.length) continue;
      subscription.reset(mine);
      this.#join(subscription);
    }
  }

  // The socket ----------------------------------------------------------------------------------------------

  #connected() {
    clearTimeout(this.#retry);
    this.#lostAt = null;
    this.#stopBannerTimer();
    this.#restartWatch();
    this.#setState("live");
    for (const subscription of this.#subscriptions) {
      subscription.waiting = [];
      if (subscription.joining) subscription.again = true;
      else this.#join(subscription);
    }
  }

  #disconnected() {
    clearTimeout(this.#watch);
    this.#lostAt ??= Date.now();
    if (this.state === "live") this.#setState("connecting");
    this.#startBannerTimer();
    const longest = Date.now() - this.#lostAt < SOON_MS ? MAX_WAIT_SOON_MS : MAX_WAIT_MS;
    const most = Math.min(longest, FIRST_WAIT_MS * 2 ** this.#tries);
    this.#tries += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#reconnect(), Math.random() * most);
  }

  #reconnect() {
    if (this.#socket?.connect && !this.#socket.connected) this.#socket.connect();
  }

  #closeSocket() {
    // A socket that does not answer is closed from here; "disconnect" follows and the back-off begins.
    if (this.#socket.connected) this.#socket.disconnect();
    else this.#disconnected();
  }

  #restartWatch() {
    clearTimeout(this.#watch);
    if (this.#hasHeartbeat) this.#watch = setTimeout(() => this.#closeSocket(), SILENCE_MS);
  }

  // What people see -----------------------------------------------------------------------------------------

  #setState(state) {
    if (state === this.state) return;
    const was = this.state;
    this.state = state;
    if (state !== "offline") this.since = new Date();
    this.dispatchEvent(new CustomEvent("state", { detail: { state, was, since: this.since } }));
    if (state === "live" && was === "offline") banner("back");
    if (state === "offline") banner("lost", this.since);
  }

  #startBannerTimer() {
    this.#bannerTimer ??= setTimeout(() => this.#setState("offline"), BANNER_AFTER_MS);
  }

  #stopBannerTimer() {
    clearTimeout(this.#bannerTimer);
    this.#bannerTimer = null;
  }
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
