// The chair's controls: the state of the meeting and "current → next" in one press.
import { h, icon } from "../dom.js";
import { words } from "../say.js";
import { formButton, Pane } from "./pane.js";
import { quorumBar } from "./presence.js";
import { room } from "./room.js";
import { nextItem, personOf, quorum, speaking } from "./store.js";

const UNDO_MS = 180_000;

class Desk extends Pane {
  tick() {
    const until = this.querySelector("[data-until]");
    if (until && room.now() > Number(until.dataset.until)) this.update();
  }

  draw(state) {
    const start = { style: "primary", iconName: "play-fill" };
    switch (state.meeting.state) {
      case "convened":
        return [...quorumBar(state), quorumWarning(state), formButton(`${room.base}/open`, words("open"), start)];
      case "paused":
        return [formButton(`${room.base}/resume`, words("resume"), start), this.#closeButton()];
      case "open":
        return this.#controls(state);
      default:
        return [h("p", { class: "quiet" }, words("closed")), undo(state, "close", state.meeting.closed_at)];
    }
  }

  #controls(state) {
    const next = nextItem(state);
    const pause = formButton(`${room.base}/pause`, words("pause"), { iconName: "pause-fill" });
    const turn = speaking(state);
    return [
      h("p", { class: "desk-next" },
        h("span", { class: "now-label" }, words("next")),
        h("span", { class: "desk-title" }, next ? next.title : words("lastItem"))),
      next ? this.#nextButton(state, next) : null,
      next && turn ? h("p", { class: "quiet" }, words("endsSpeech", { name: personOf(state, turn.participant)?.name ?? "" })) : null,
      h("div", { class: "beside" }, pause, this.#closeButton()),
      state.meeting.visited.length ? null : undo(state, "open", state.meeting.opened_at),
    ];
  }

  #nextButton(state, next) {
    const label = state.meeting.current == null ? words("first") : words("goNext");
    const look = { style: "primary", iconName: "skip-forward-fill" };
    return formButton(`${room.base}/current`, label, { ...look, fields: { item: next.id }, key: "next", context: next.title });
  }

  #closeButton() {
    return h("button", { type: "button", class: "btn btn-outline-danger", "data-opens": "close-meeting" }, words("close"));
  }
}

/** The way back from a press that was a mistake, as long as the server takes it (meetings/rooms/undoing.py). */
function undo(state, verb, at) {
  if (!at || room.now() - Date.parse(at) > UNDO_MS || state.meeting.state === "recorded") return null;
  return h("div", { "data-until": Date.parse(at) + UNDO_MS },
    formButton(`${room.base}/undo-${verb}`, words(`undo_${verb}`), { iconName: "arrow-return-left", key: `undo-${verb}` }));
}

/** Opening without enough people is the chair's to decide, but not without being told. */
function quorumWarning(state) {
  const { present, invited, needed, reached } = quorum(state);
  if (reached) return null;
  return h("p", { class: "quorum-warning" }, icon("exclamation-triangle"), words("opensShort", { n: present, all: invited, needed }));
}

customElements.define("mt-desk", Desk);
