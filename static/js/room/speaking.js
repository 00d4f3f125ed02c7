// Who speaks, who waits to speak, and the button that asks for the floor.
import { h } from "../dom.js";
import { words } from "../say.js";
import { formButton, Pane } from "./pane.js";
import { room } from "./room.js";
import { personOf, speaking, waiting } from "./store.js";
import { drawSpeakingTimers } from "./time.js";

class Speakers extends Pane {
  draw(state) {
    const current = speaking(state);
    const queue = waiting(state);
    const onDesk = !matchMedia("(max-width: 767px)").matches; // a phone has the button in its bar
    return [
      current ? this.#speaker(state, current) : null,
      queue.length ? h("ol", { class: "speakers" }, queue.map((turn) => this.#row(state, turn))) : null,
      current || queue.length ? null : h("p", { class: "quiet" }, words("nobodyWaits")),
      asksToSpeak(state) && onDesk ? speakButton(state) : null,
    ];
  }

  drawn() {
    this.tick();
  }

  tick() {
    drawSpeakingTimers(this);
  }

  #speaker(state, turn) {
    const name = personOf(state, turn.participant)?.name;
    return h("div", { class: "speaker-now", "data-key": `turn-${turn.id}` },
      h("p", { class: "now-label" }, words("speaking")),
      h("p", { class: "speaker-name", "data-field": "speaker" }, name ?? ""),
      h("p", { class: "timer", "data-since": turn.started_at }, ""),
      room.desk ? formButton(`${room.base}/turns/${turn.id}/end`, words("endTurn"), { context: name }) : null);
  }

  #row(state, turn) {
    const person = personOf(state, turn.participant);
    const canGiveFloor = room.desk && state.meeting.state === "open";
    return h("li", { "data-key": `turn-${turn.id}` },
      h("span", { class: "speaker-name" }, person?.name ?? ""),
      h("span", { class: "quiet" }, person?.agency ?? ""),
      canGiveFloor ? formButton(`${room.base}/turns/${turn.id}/floor`, words("giveFloor"), { context: person?.name }) : null);
  }
}

/** The big button of the phone's bar. */
class Speak extends Pane {
  draw(state) {
    return asksToSpeak(state) ? [speakButton(state)] : [];
  }
}

/** Who sits at the desk gives the floor and does not ask for it. */
const asksToSpeak = (state) => room.me && !room.desk && state.meeting.state === "open";

function speakButton(state) {
  const mine = state.queue.turns.find((turn) => turn.participant === room.me);
  if (!mine) {
    return formButton(`${room.base}/speak`, words("speak"), { style: "primary", iconName: "hand-index-thumb", key: "speak" });
  }
  const label = mine.state === "speaking" ? words("giveBack") : words("withdraw");
  return formButton(`${room.base}/speak/withdraw`, label, { iconName: "x-lg", key: "withdraw" });
}

customElements.define("mt-speakers", Speakers);
customElements.define("mt-speak", Speak);
