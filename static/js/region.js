// <live-region stream="person:9" src="/today?fragment=1" data-heads='{"person:9": 41}' data-says="…">
// Server-rendered HTML that moves by itself. Focus, scroll, open details and typed text survive, because nodes
// are changed in place and never replaced when they are the same thing (morph.js).
import { get } from "./http.js";
import { connect } from "./live.js";
import { morphChildren } from "./morph.js";
import { say } from "./say.js";

const DEBOUNCE_MS = 150;

class LiveRegion extends HTMLElement {
  #leave = null;
  #timer = null;
  #busy = false;
  #dirty = false;
  #tries = 0;

  connectedCallback() {
    const names = (this.getAttribute("stream") ?? "").split(/\s+/).filter(Boolean);
    if (!names.length) return;
    const heads = JSON.parse(this.dataset.heads || "{}");
    this.#leave = connect().join(Object.fromEntries(names.map((name) => [name, heads[name] ?? null])), {
      onEvent: () => this.#soon(),
      onSnapshot: async ({ heads: now }) => {
        await this.#fetch();
        return now;
      },
      onReset: () => this.#soon(),
    });
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#leave?.();
  }

  /** Fetch now; for buttons that change what the region shows. */
  refresh() {
    return this.#fetch();
  }

  #soon() {
    this.#dirty = true;
    if (this.#busy || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#fetch();
    }, DEBOUNCE_MS);
  }

  async #fetch() {
    if (this.#busy) {
      this.#dirty = true;
      return;
    }
    this.#busy = true;
    this.#dirty = false;
    try {
      const answer = await get(this.getAttribute("src"), { headers: { Accept: "text/html", "X-Fragment": "1" } });
      if (answer.redirected || answer.status === 401) {
        location.reload();
      } else if (answer.ok) {
        this.#tries = 0;
        this.#show(await answer.text());
      } else if (answer.status < 500) {
        this.#leave?.();
      } else {
        this.#later();
      }
    } catch {
      this.#later();
    } finally {
      this.#busy = false;
      if (this.#dirty) this.#soon();
    }
  }

  #later() {
    this.#tries += 1;
    setTimeout(() => this.isConnected && this.#soon(), Math.min(15_000, 1000 * 2 ** this.#tries) * Math.random());
  }

  #show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const before = this.textContent;
    const held = this.contains(document.activeElement) ? document.activeElement : null;
    morphChildren(this, fresh);
    if (held && !held.isConnected) {
      this.tabIndex = -1;
      this.focus({ preventScroll: true });
    }
    if (before.replace(/\s+/g, " ").trim() !== this.textContent.replace(/\s+/g, " ").trim()) {
      say(this.dataset.says);
      this.dispatchEvent(new CustomEvent("live-region-changed", { bubbles: true }));
    }
  }
}

customElements.define("live-region", LiveRegion);
