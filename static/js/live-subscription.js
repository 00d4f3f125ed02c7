// What one caller follows on the page's socket: its streams, what it has applied of them, and what waits to be applied.

/**
 * @typedef {object} StreamEvent one event on the wire (PROTOCOL.md)
 * @property {string} s stream
 * @property {number} n its number, dense per stream
 * @property {string} k kind
 * @property {Record<string, unknown>} d fields
 */

export class Subscription {
  /** @param {Record<string, number | null>} last the last number applied of each stream; null: nothing yet
   *  @param {object} on the caller's functions and epoch (live.join) */
  constructor(last, on) {
    this.last = last;
    this.on = on;
    this.epoch = on.epoch ?? null;
    this.joining = false;
    this.again = false;
    this.gone = false;
    this.failures = 0; // joins in a row that the server could not answer
    this.waiting = []; // events that came while a join or a snapshot was under way
  }

  get streams() {
    return Object.keys(this.last);
  }

  has(stream) {
    return stream in this.last;
  }

  /** Whether a heartbeat's heads are ahead of what was applied. */
  isBehind(heads) {
    return Object.keys(heads).some((s) => this.last[s] !== null && heads[s] > this.last[s]);
  }

  /** Apply one event in order. False: there is a gap before it. */
  apply(event) {
    const last = this.last[event.s];
    if (last === null) return false;
    if (event.n <= last) return true;
    if (event.n !== last + 1) return false;
    this.last[event.s] = event.n;
    this.on.onEvent?.({ stream: event.s, seq: event.n, kind: event.k, data: event.d });
    return true;
  }

  /** Put the events of a replay before those that came meanwhile, each once. */
  replay(events) {
    const seen = new Set();
    this.waiting = [...events, ...this.waiting].filter((event) => {
      const key = `${event.s} ${event.n}`;
      return !seen.has(key) && seen.add(key);
    });
  }

  /** Apply what waits, in order. False: a gap is left, and what stands behind it goes on waiting. */
  applyWaiting() {
    const waiting = this.waiting.sort((a, b) => a.n - b.n);
    this.waiting = [];
    for (let i = 0; i < waiting.length; i += 1) {
      if (this.apply(waiting[i])) continue;
      this.waiting = waiting.slice(i).filter((event) => this.last[event.s] === null || event.n > this.last[event.s]);
      return false;
    }
    return true;
  }

  /** Forget these streams: the next join begins with a snapshot. */
  reset(streams) {
    for (const name of streams) this.last[name] = null;
    this.epoch = null;
    this.waiting = [];
    this.on.onReset?.({ streams });
  }
}
