// The agenda: its items in order, the current one unmistakable, past ones quiet.
import { h, icon } from "../dom.js";
import { words } from "../say.js";
import { formButton, meta, Pane } from "./pane.js";
import { room } from "./room.js";
import { itemsInOrder, phaseOf } from "./store.js";

class Agenda extends Pane {
  connectedCallback() {
    super.connectedCallback();
    this.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-item]");
      if (!button) return;
      const id = Number(button.dataset.item);
      room.view(id === room.state.meeting.current ? null : id);
      document.body.removeAttribute("data-sheet");
    });
    // On a phone the agenda is a sheet, without a size until it is opened.
    new ResizeObserver(() => this.#bringCurrent()).observe(this);
  }

  drawn(state) {
    if (state.meeting.current === this.brought) return;
    this.brought = state.meeting.current;
    this.#bringCurrent();
  }

  /** Scroll the current item into sight, unless somebody is working in this pane. */
  #bringCurrent() {
    const row = this.querySelector("[aria-current]");
    const box = this.closest(".room-agenda");
    if (!row || !box || this.contains(document.activeElement)) return;
    const [inner, outer] = [row.getBoundingClientRect(), box.getBoundingClientRect()];
    if (inner.top >= outer.top && inner.bottom <= outer.bottom) return;
    box.scrollTop += inner.top - outer.top - Math.max(0, (outer.height - inner.height) / 2);
  }

  draw(state) {
    const items = itemsInOrder(state);
    if (!items.length) return [h("p", { class: "quiet" }, words("noItems"))];
    return [h("ol", { class: "rail-items" }, items.map((item, index) => this.#row(state, item, index + 1)))];
  }

  #row(state, item, number) {
    const phase = phaseOf(state, item);
    const shown = room.viewing ?? state.meeting.current;
    const canTakeUp = room.desk && state.meeting.state === "open" && phase !== "current";
    const papers = item.papers.length ? words("papers", { n: item.papers.length }) : "";
    const pressed = item.id === shown ? "true" : "false";
    return h("li", { "data-key": `item-${item.id}`, class: `rail-${phase}`, "aria-current": phase === "current" ? "step" : null },
      h("button", { type: "button", class: "rail-item", "data-item": item.id, "aria-pressed": pressed },
        h("span", { class: "rail-number" }, phase === "past" ? icon("check2") : String(number)),
        h("span", { class: "rail-words" },
          h("span", { class: "rail-title" }, item.title),
          h("span", { class: "rail-meta" }, meta(item.presenter, words("minutes", { n: item.minutes }), papers)))),
      canTakeUp
        ? formButton(`${room.base}/current`, words("take"), { style: "link", fields: { item: item.id }, context: item.title })
        : null);
  }
}

customElements.define("mt-agenda", Agenda);
