// The whole screen of a wall.
import { h, icon } from "../dom.js";
import { words } from "../say.js";
import { meta, noItemWords, Pane } from "./pane.js";
import { currentItem, nextItem, personOf, quorum, speaking, waiting } from "./store.js";
import { dayHour, drawClock, drawItemTimer, drawSpeakingTimers } from "./time.js";
import { tickVote, voteOnWall } from "./vote-wall.js";

const LONG_TITLE = 120; // characters

class Wall extends Pane {
  draw(state) {
    return [this.#head(state), voteOnWall(state) ?? this.#item(state), this.#speaker(state), this.#foot(state)];
  }

  drawn(state) {
    this.tick(state);
  }

  tick(state) {
    if (tickVote(this, state)) this.update();
    drawClock(this);
    drawItemTimer(this, state);
    drawSpeakingTimers(this);
  }

  #head(state) {
    return h("header", { class: "wall-top" },
      h("p", { class: "wall-name" }, state.meeting.title),
      h("p", { class: "wall-clock", "data-clock": true }, ""));
  }

  #item(state) {
    const { meeting } = state;
    const item = currentItem(state);
    const paused = h("p", { class: "wall-paused" }, icon("pause-circle-fill"), words("state_paused"));
    const long = (item?.title.length ?? 0) > LONG_TITLE ? " wall-long" : "";
    const title = { class: `wall-title${long}`, "data-field": item ? "current" : null };
    const box = { class: "wall-now" };
    if (!item) {
      const place = h("p", { class: "wall-presenter" }, meta(dayHour(meeting.starts_at), meeting.place));
      return h("div", box, meeting.state === "paused" ? paused : null, h("h1", title, noItemWords(state)), place);
    }
    const number = { n: meeting.item_order.indexOf(item.id) + 1, all: meeting.item_order.length };
    return h("div", box,
      meeting.state === "paused" ? paused : null,
      h("p", { class: "wall-label" }, words("itemOfCap", number)),
      h("h1", title, item.title),
      item.presenter ? h("p", { class: "wall-presenter" }, words("presenter", { name: item.presenter })) : null,
      h("p", { class: "wall-timer timer", "data-item-timer": true }, ""));
  }

  #speaker(state) {
    const turn = speaking(state);
    const queue = waiting(state);
    return h("div", { class: "wall-speaker" },
      turn ? [
        h("p", { class: "wall-label" }, icon("mic-fill"), words("speaking")),
        h("p", { class: "wall-person", "data-field": "speaker" }, personOf(state, turn.participant)?.name ?? ""),
        h("p", { class: "timer", "data-since": turn.started_at, "data-given": turn.seconds || null }, ""),
      ] : null,
      queue.length ? h("p", { class: "wall-queue" }, words("waitingToSpeak", { n: queue.length })) : null);
  }

  #foot(state) {
    const next = currentItem(state) && nextItem(state);
    const count = quorum(state);
    const present = h("span", { "data-field": "present" }, `${count.present}/${count.invited}`);
    return h("footer", { class: "wall-foot" },
      h("p", {}, icon("people-fill"), present, ` ${words("present")}`),
      next ? h("p", { class: "wall-next" }, `${words("next")}: ${next.title}`) : null);
  }
}

customElements.define("mt-wall", Wall);
