// Who is invited, who is here, and whether that is a quorum.
import { chip, h } from "../dom.js";
import { words } from "../say.js";
import { formButton, meta, Pane } from "./pane.js";
import { room } from "./room.js";
import { canCheckIn, quorum } from "./store.js";
import { hourMinute } from "./time.js";

const ROLE_ORDER = ["chair", "secretary", "delegate", "guest"];

class Presence extends Pane {
  draw(state) {
    const people = Object.values(state.people).sort((a, b) => rank(a) - rank(b) || a.id - b.id);
    const count = quorum(state);
    const present = words("presentOf", { n: count.present, all: count.invited });
    return [
      h("p", { class: count.reached ? "quorum-good" : "quiet" }, meta(present, quorumWords(count))),
      count.needed ? h("progress", { class: "quorum-bar", max: count.needed, value: count.present, "aria-label": words("quorumBar") }) : null,
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
      room.desk && canCheckIn(state) ? this.#checkInButton(person) : null);
  }

  #checkInButton(person) {
    const [verb, label] = person.present_at ? ["take-back", words("takeBack")] : ["check-in", words("checkInFor")];
    return formButton(`${room.base}/people/${person.id}/${verb}`, label, { style: "link", context: person.name });
  }
}

function quorumWords({ needed, reached }) {
  if (!needed) return "";
  return reached ? words("quorate") : words("notQuorate", { n: needed });
}

function presenceChip(person) {
  if (person.present_at) return chip("good", "check-circle-fill", hourMinute(person.present_at));
  const [tone, iconName] = person.answer === "no" ? ["bad", "x-octagon-fill"] : ["plain", "circle"];
  return chip(tone, iconName, words(`answer_${person.answer}`));
}

function rank(person) {
  const place = ROLE_ORDER.indexOf(person.role);
  return place < 0 ? ROLE_ORDER.length : place;
}

customElements.define("mt-presence", Presence);
