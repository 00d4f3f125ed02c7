// What all live panes of a room share. A pane draws its part of the state; nodes that stay are changed in place, so focus
// stays. Commands are real forms, sent by start.js, so that a pane needs no listeners for them.
import { h, icon } from "../dom.js";
import { morphChildren } from "../morph.js";
import { words } from "../say.js";
import { room } from "./room.js";

/** Draws itself at every change of the state; `tick` once a second. */
export class Pane extends HTMLElement {
  connectedCallback() {
    this.update = () => {
      if (!room.state) return;
      const fresh = document.createElement("div");
      fresh.append(...this.draw(room.state).flat().filter(Boolean));
      morphChildren(this, fresh);
      this.drawn?.(room.state);
    };
    room.addEventListener("change", this.update);
    this.update();
    if (this.tick) this.timer = setInterval(() => room.state && this.tick(room.state), 1000);
  }

  disconnectedCallback() {
    room.removeEventListener("change", this.update);
    clearInterval(this.timer);
  }
}

/**
 * A form with one button that start.js sends: formButton("/meetings/4/open", "Khai mạc", { style: "primary" }).
 * `context` is read out after the label; `key` keeps the form the same one when its address changes.
 */
export function formButton(url, label, { style = "outline-primary", iconName = null, fields = {}, context = null, key = null } = {}) {
  const hidden = Object.entries(fields).map(([name, value]) => h("input", { type: "hidden", name, value }));
  const more = context ? h("span", { class: "visually-hidden" }, `: ${context}`) : null;
  const button = h("button", { class: `btn btn-${style}` }, iconName && icon(iconName), h("span", {}, label), more);
  return h("form", { action: url, method: "post", "data-room": true, class: "one-button", "data-key": key ?? url }, hidden, button);
}

/** The grey line: its parts, without the empty ones. */
export const meta = (...parts) => parts.filter(Boolean).join(" · ");

const NO_ITEM_WORDS = { convened: "notOpen", closed: "closed", recorded: "closed", cancelled: "cancelled" };

/** Why no item is taken up: not open yet, over, or between two. */
export const noItemWords = (state) => words(NO_ITEM_WORDS[state.meeting.state] ?? "noCurrent");
