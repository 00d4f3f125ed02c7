// How things stand: the top bar, and the badge that says whether the screen is live.
import { h, icon } from "../dom.js";
import { words } from "../say.js";
import { formButton, Pane } from "./pane.js";
import { room } from "./room.js";
import { canCheckIn, personOf, quorum } from "./store.js";
import { drawClock, drawItemTimer, hourMinute } from "./time.js";

const SYNC_ICONS = { live: "broadcast", offline: "wifi-off", connecting: "arrow-repeat" };

/** The top bar: clock, timer of the item, quorum, and whether this person is checked in. */
class Top extends Pane {
  draw(state) {
    const count = quorum(state);
    const me = room.me ? personOf(state, room.me) : null;
    const present = words("presentOf", { n: count.present, all: count.invited });
    const checkIn = { style: "primary", iconName: "check2", key: "check-in" };
    return [
      h("span", { class: "top-clock", "data-clock": true }, ""),
      h("span", { class: "top-timer timer", "data-item-timer": true, title: words("itemTimer") }, ""),
      h("span", { class: "top-quorum", "data-field": "present", title: present }, icon("people-fill"), `${count.present}/${count.invited}`),
      h("span", { class: `top-state top-${state.meeting.state}`, "data-field": "state" }, words(`state_${state.meeting.state}`)),
      me && !me.present_at && canCheckIn(state) && !state.meeting.at_entrance_only ? formButton(`${room.base}/check-in`, words("checkIn"), checkIn) : null,
    ];
  }

  drawn(state) {
    this.tick(state);
  }

  tick(state) {
    drawClock(this);
    drawItemTimer(this, state, { speaks: true });
  }
}

/** `Trực tiếp`, or `Mất mạng từ 10:32, tài liệu vẫn mở được`. */
class Sync extends HTMLElement {
  connectedCallback() {
    this.#draw();
    const wait = setInterval(() => {
      if (!room.live) return;
      clearInterval(wait);
      room.live.addEventListener("state", () => this.#draw());
      this.#draw();
    }, 50);
  }

  #draw() {
    const state = room.live?.state ?? "connecting";
    const at = room.live?.since ? hourMinute(room.live.since) : "";
    for (const name of Object.keys(SYNC_ICONS)) this.classList.toggle(`sync-${name}`, name === state);
    const word = state === "offline" && room.who === "wall" ? "offlineWall" : state;
    this.replaceChildren(icon(SYNC_ICONS[state]), h("span", { class: "sync-word" }, words(word, { at })));
    this.dataset.state = state;
  }
}

customElements.define("mt-top", Top);
customElements.define("mt-sync", Sync);
