// The page that is presented. A reader listens to `follow`'s "place" and goes along until it is scrolled by hand; who leads
// calls lead() on every scroll: the newest place is sent at most ten times a second, older ones are dropped.
import { postCommand } from "../http.js";

const BETWEEN_MS = 100;

class Follow extends EventTarget {
  /** @type {import("./types.js").LiveFollow | null} the place now; null: nothing was presented yet */
  place = null;
  #url = "";
  #next = null; // the place that is to be sent
  #sending = false;

  /** Begin: `base` is the meeting's address, `place` what the page or the snapshot brought. */
  start(base, live) {
    this.#url = `${base}/follow`;
    live.onHint("follow", (place) => this.take(place));
  }

  /** A place was told; an older one than ours changes nothing. */
  take(place) {
    if (!place || (this.place && place.rev <= this.place.rev)) return;
    this.place = place;
    this.dispatchEvent(new CustomEvent("place", { detail: place }));
  }

  /** The audience changed: what we know may not be for us. */
  forget() {
    this.place = null;
    this.dispatchEvent(new CustomEvent("place", { detail: null }));
  }

  /** Bring everybody to a place; `paper` null sets them free. `y` is how far down the page, 0 … 1000. */
  lead({ paper, page = 1, y = 0 }) {
    this.#next = { paper: paper ?? "", page, y: Math.round(y) };
    if (!this.#sending) this.#send();
  }

  async #send() {
    this.#sending = true;
    while (this.#next) {
      const place = this.#next;
      this.#next = null;
      try {
        const answer = await postCommand(this.#url, new URLSearchParams(place));
        if (answer.ok && (await answer.json()).rev === null) this.#next ??= place; // too soon after another's
      } catch {
        // the next scroll sends a newer place
      }
      await new Promise((done) => setTimeout(done, BETWEEN_MS));
    }
    this.#sending = false;
  }
}

export const follow = new Follow();
