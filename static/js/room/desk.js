// The chair's controls: the state of the meeting and "current → next" in one press.
import { h, icon } from "../dom.js";
import { words } from "../say.js";
import { formButton, Pane } from "./pane.js";
import { room } from "./room.js";
import { nextItem, personOf, quorum, speaking } from "./store.js";

class Desk extends Pane {
  draw(state) {
    const start = { style: "primary", iconName: "play-fill" };
    switch (state.meeting.state) {
      case "convened":
        return [quorumWarning(state), formButton(`${room.base}/open`, words("open"), start)];
      case "paused":
        return [formButton(`${room.base}/resume`, words("resume"), start), this.#closeButton()];
      case "open":
        return this.#controls(state);
      default:
        return [h("p", { class: "quiet" }, words("closed"))];
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

/** Opening without enough people is the chair's to decide, but not without being told. */
function quorumWarning(state) {
  const { present, invited, needed, reached } = quorum(state);
  if (reached) return null;
  return h("p", { class: "quorum-warning" }, icon("exclamation-triangle"), words("opensShort", { n: present, all: invited, needed }));
}

customElements.define("mt-desk", Desk);
