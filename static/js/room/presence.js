// Who is invited, who is here, and whether that is a quorum.
import { chip, h } from "../dom.js";
import { words } from "../say.js";
import { formButton, meta, Pane } from "./pane.js";
import { room } from "./room.js";
import { canCheckIn, personOf, quorum } from "./store.js";
import { hourMinute } from "./time.js";

const ROLE_ORDER = ["chair", "secretary", "delegate", "guest"];

class Presence extends Pane {
  draw(state) {
    const people = Object.values(state.people).sort((a, b) => rank(a) - rank(b) || a.id - b.id);
    return [
      ...quorumBar(state),
      room.desk ? h("p", { class: "beside" },
        h("a", { href: `${room.base}/attendance` }, words("attendance")),
        canCheckIn(state) ? h("a", { href: `${room.base}/entrance` }, words("entranceScreen")) : null) : null,
      room.desk && canCheckIn(state) ? atEntrance(state) : null,
      room.me && personOf(state, room.me)?.present_at && ["open", "paused"].includes(state.meeting.state) && !room.desk
        ? formButton(`${room.base}/leave`, words("leave"), { key: "leave" }) : null,
      h("ul", { class: "room-people" }, people.map((person) => this.#row(state, person))),
    ];
  }

  #row(state, person) {
    const standsIn = person.substitute ? words("standsIn", { name: person.substitute }) : "";
    return h("li", { "data-key": `person-${person.id}` },
      h("span", { class: "person-who" },
        h("span", { class: "speaker-name" }, person.name),
        h("span", { class: "quiet" }, meta(words(`role_${person.role}`), person.position, standsIn))),
      presenceChip(person),
      room.desk && canCheckIn(state) ? this.#buttons(state, person) : null);
  }

  /** Who is here may leave, or was not there at all; who is not may come. */
  #buttons(state, person) {
    const button = (verb, label) => formButton(`${room.base}/people/${person.id}/${verb}`, label, { style: "link", context: person.name });
    if (!person.present_at) return button("check-in", words("checkInFor"));
    const running = state.meeting.state !== "convened";
    return [running ? button("leave", words("leaveFor")) : null, button("take-back", words("takeBack"))];
  }
}

/** Where people check in: anywhere, or at the door only. */
function atEntrance(state) {
  const only = state.meeting.at_entrance_only;
  const fields = only ? {} : { only: "y" };
  return h("div", { class: "at-entrance" },
    h("p", { class: "quiet" }, words(only ? "atEntranceOnly" : "anywhere")),
    formButton(`${room.base}/at-entrance`, words(only ? "letAnywhere" : "askAtEntrance"), { style: "link", fields, key: "at-entrance" }));
}

/** How many are here of how many must be, in words and as a bar. */
export function quorumBar(state) {
  const count = quorum(state);
  const present = words("presentOf", { n: count.present, all: count.invited });
  const bar = { class: "quorum-bar", max: count.needed, value: count.present, "aria-label": words("quorumBar") };
  return [
    h("p", { class: count.reached ? "quorum-good" : "quiet" }, meta(present, quorumWords(count))),
    count.needed ? h("progress", bar) : null,
  ];
}

/** The same where it is decided whether to begin: before a vote. */
class QuorumNow extends Pane {
  draw(state) {
    return canCheckIn(state) ? quorumBar(state) : [];
  }
}

function quorumWords({ needed, reached }) {
  if (!needed) return "";
  return reached ? words("quorate") : words("notQuorate", { n: needed });
}

function presenceChip(person) {
  if (person.present_at) return chip("good", "check-circle-fill", hourMinute(person.present_at));
  if (person.left_at) return chip("plain", "box-arrow-right", words("leftAt", { at: hourMinute(person.left_at) }));
  const [tone, iconName] = person.answer === "no" ? ["bad", "x-octagon-fill"] : ["plain", "circle"];
  return chip(tone, iconName, words(`answer_${person.answer}`));
}

function rank(person) {
  const place = ROLE_ORDER.indexOf(person.role);
  return place < 0 ? ROLE_ORDER.length : place;
}

customElements.define("mt-presence", Presence);
customElements.define("mt-quorum", QuorumNow);
