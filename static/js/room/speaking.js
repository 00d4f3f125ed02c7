// Who speaks, who waits to speak, and the button that asks for the floor; for the desk the ways to order and to time it.
import { h, icon } from "../dom.js";
import { say, words } from "../say.js";
import { formButton, meta, Pane } from "./pane.js";
import { room } from "./room.js";
import { personOf, silent, speaking, waiting } from "./store.js";
import { drawSpeakingTimers, duration } from "./time.js";

const MORE_S = 60;

class Speakers extends Pane {
  connectedCallback() {
    super.connectedCallback();
    // What was chosen is told back by the stream; the form stands again for what is.
    this.addEventListener("sent", (event) => {
      if (event.target.matches("[data-resets]")) event.target.reset();
    });
  }

  draw(state) {
    const current = speaking(state);
    const queue = waiting(state);
    const onDesk = !matchMedia("(max-width: 767px)").matches; // a phone has the button in its bar
    return [
      current ? this.#speaker(state, current) : null,
      queue.length ? h("ol", { class: "speakers" }, queue.map((turn, place) => this.#row(state, turn, place, queue.length))) : null,
      current || queue.length ? null : h("p", { class: "quiet" }, words("nobodyWaits")),
      state.queue.quiet_first && queue.length > 1 ? h("p", { class: "quiet speakers-rule" }, words("quietFirst")) : null,
      asksToSpeak(state) ? ownPlace(state) : null,
      asksToSpeak(state) && onDesk ? speakButton(state) : null,
      room.desk && state.meeting.state === "open" ? this.#call(state) : null,
      this.#totals(state),
    ];
  }

  drawn() {
    this.tick();
  }

  tick() {
    const mine = room.state.queue.turns.some((turn) => turn.state === "speaking" && turn.participant === room.me);
    drawSpeakingTimers(this, { speaks: room.desk || mine });
  }

  #speaker(state, turn) {
    const name = personOf(state, turn.participant)?.name;
    const more = { fields: { seconds: turn.seconds + MORE_S }, context: name, key: `more-${turn.id}` };
    return h("div", { class: "speaker-now", "data-key": `turn-${turn.id}` },
      h("p", { class: "now-label" }, words("speaking")),
      h("p", { class: "speaker-name", "data-field": "speaker" }, name ?? ""),
      h("p", { class: "timer", "data-since": turn.started_at, "data-given": turn.seconds || null }, ""),
      room.desk ? h("div", { class: "beside" },
        formButton(`${room.base}/turns/${turn.id}/end`, words("endTurn"), { context: name }),
        turn.seconds ? formButton(`${room.base}/turns/${turn.id}/time`, words("moreTime"), more) : null) : null);
  }

  #row(state, turn, place, all) {
    const person = personOf(state, turn.participant);
    const name = person?.name ?? "";
    const times = state.speeches?.[String(turn.participant)]?.times ?? 0;
    return h("li", { "data-key": `turn-${turn.id}` },
      h("span", { class: "speaker-name" }, name),
      h("span", { class: "quiet" }, meta(person?.agency, times ? words("spokeTimes", { n: times }) : words("spokeNever"))),
      room.desk && state.meeting.state === "open" ? h("div", { class: "beside speaker-acts" },
        formButton(`${room.base}/turns/${turn.id}/floor`, words("giveFloor"), { context: name }),
        place > 0 ? moveButton(turn, place - 1, "arrow-up", words("moveUp", { name })) : null,
        place < all - 1 ? moveButton(turn, place + 1, "arrow-down", words("moveDown", { name })) : null,
        formButton(`${room.base}/turns/${turn.id}/end`, words("dropTurn"), { style: "link", context: name })) : null);
  }

  /** Who is here and does not wait, for the chair to call upon; who has not spoken comes first. */
  #call(state) {
    const queued = new Set(state.queue.turns.map((turn) => turn.participant));
    const quiet = new Set(silent(state).map((person) => person.id));
    const here = Object.values(state.people).filter((person) => person.present_at && !queued.has(person.id));
    if (!here.length) return null;
    here.sort((a, b) => quiet.has(b.id) - quiet.has(a.id) || a.id - b.id);
    const option = (person) => h("option", { value: person.id }, meta(person.name, quiet.has(person.id) ? words("spokeNever") : ""));
    return h("details", { "data-key": "call" },
      h("summary", {}, words("callOn")),
      h("form", { action: `${room.base}/floor`, method: "post", "data-room": true, "data-resets": true, class: "stack" },
        h("div", { class: "field" },
          h("label", { for: "call-on" }, words("callWhom")),
          h("select", { class: "form-select", id: "call-on", name: "participant" }, here.map(option))),
        h("button", { class: "btn btn-outline-primary" }, icon("mic-fill"), words("giveFloor"))));
  }

  /** Who spoke how long, and for the desk who is here and has not spoken. */
  #totals(state) {
    const totals = Object.values(state.speeches ?? {}).sort((a, b) => b.seconds - a.seconds || a.id - b.id);
    const quiet = silent(state);
    if (!totals.length) return null;
    return h("details", { "data-key": "totals" },
      h("summary", {}, words("spokeHead", { n: totals.length })),
      h("ul", { class: "spoke-list" }, totals.map((one) => h("li", { "data-key": `spoke-${one.id}` },
        h("span", {}, personOf(state, one.id)?.name ?? ""),
        h("span", { class: "quiet timer" }, `${words("times", { n: one.times })} · ${duration(one.seconds)}`)))),
      room.desk && quiet.length ? h("p", {}, `${words("spokeNever")}: ${quiet.map((person) => person.name).join(", ")}`) : null,
      h("p", {}, h("a", { href: `${room.base}/speeches` }, words("spokeAll"))));
  }
}

const moveButton = (turn, place, iconName, label) =>
  h("form", { action: `${room.base}/turns/${turn.id}/place`, method: "post", "data-room": true, class: "one-button", "data-key": iconName },
    h("input", { type: "hidden", name: "place", value: place }),
    h("button", { class: "btn btn-outline-primary btn-icon", "aria-label": label, title: label }, icon(iconName)));

/** The big button of the phone's bar. */
class Speak extends Pane {
  draw(state) {
    return asksToSpeak(state) ? [speakButton(state)] : [];
  }

  drawn(state) {
    const mine = ownTurn(state);
    if (mine?.state === "speaking" && this.was !== mine.id) say(words("yourFloor"));
    this.was = mine?.state === "speaking" ? mine.id : null;
  }
}

/** Who sits at the desk gives the floor and does not ask for it. */
const asksToSpeak = (state) => room.me && !room.desk && state.meeting.state === "open";

const ownTurn = (state) => state.queue.turns.find((turn) => turn.participant === room.me);

function ownPlace(state) {
  const place = waiting(state).findIndex((turn) => turn.participant === room.me);
  return place < 0 ? null : h("p", { class: "own-place" }, words("ownPlace", { n: place + 1 }));
}

function speakButton(state) {
  const mine = ownTurn(state);
  if (!mine) {
    return formButton(`${room.base}/speak`, words("speak"), { style: "primary", iconName: "hand-index-thumb", key: "speak" });
  }
  const label = mine.state === "speaking" ? words("giveBack") : words("withdraw");
  return formButton(`${room.base}/speak/withdraw`, label, { iconName: "x-lg", key: "withdraw" });
}

customElements.define("mt-speakers", Speakers);
customElements.define("mt-speak", Speak);
