// The chair's rules of the queue: how long each one speaks, and whether who has spoken less comes first.
import { h } from "../dom.js";
import { words } from "../say.js";
import { Pane } from "./pane.js";
import { room } from "./room.js";

const LIMITS_MIN = [0, 1, 2, 3, 5, 7, 10, 15];
const OPEN_STATES = new Set(["convened", "open", "paused"]);

class SpeakingRules extends Pane {
  connectedCallback() {
    super.connectedCallback();
    this.addEventListener("sent", (event) => {
      event.target.reset();
      this.update();
    });
  }

  draw(state) {
    if (!OPEN_STATES.has(state.meeting.state)) return [];
    const { limit, quiet_first: quietFirst } = state.queue;
    const minutes = [...new Set([...LIMITS_MIN, limit / 60])].sort((a, b) => a - b);
    const option = (n) => h("option", { value: n * 60, selected: n * 60 === limit }, n ? words("minutes", { n }) : words("noLimit"));
    const said = [limit ? words("minutes", { n: limit / 60 }) : words("noLimit"), quietFirst ? words("quietFirstShort") : ""];
    return [h("details", { "data-key": "rules" },
      h("summary", {}, `${words("speakRules")}: ${said.filter(Boolean).join(", ")}`),
      h("form", { class: "stack", action: `${room.base}/speaking`, method: "post", "data-room": true },
        h("div", { class: "field" },
          h("label", { for: "speech-limit" }, words("eachSpeaks")),
          h("select", { class: "form-select", id: "speech-limit", name: "limit" }, minutes.map(option))),
        h("div", { class: "form-check" },
          h("input", { class: "form-check-input", type: "checkbox", id: "quiet-first", name: "quiet_first", value: "y", checked: quietFirst }),
          h("label", { class: "form-check-label", for: "quiet-first" }, words("quietFirst"))),
        h("button", { class: "btn btn-outline-primary" }, words("setRules"))))];
  }
}

customElements.define("mt-speaking-rules", SpeakingRules);
