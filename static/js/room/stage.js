// The stage: the item that the meeting is at, or that this reader looks at, and its papers.
import { h, icon } from "../dom.js";
import { words } from "../say.js";
import { drawCountdown, withoutItem } from "./lobby.js";
import { Pane } from "./pane.js";
import { room } from "./room.js";
import { currentItem, itemOf } from "./store.js";
import { hourMinute } from "./time.js";

const LONG_TITLE = 160; // characters; more of them would push the paper off a phone

class Stage extends Pane {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      if (event.target.closest("[data-follow]")) room.view(null);
      if (event.target.closest("[data-whole]")) {
        const { item } = event.target.closest("[data-whole]").dataset;
        this.whole = this.whole === item ? null : item;
        this.update();
      }
      const tab = event.target.closest("[data-paper]");
      if (tab) {
        this.chosen = Number(tab.dataset.paper);
        if (tab.dataset.view) room.view(Number(tab.dataset.view));
        else this.update();
      }
    });
    super.connectedCallback();
  }

  draw(state) {
    const item = this.#item(state);
    const away = room.viewing !== null && room.viewing !== state.meeting.current;
    if (!item) return withoutItem(state);
    const order = state.meeting.item_order;
    const place = words("itemOf", { n: order.indexOf(item.id) + 1, all: order.length });
    return [
      h("p", { class: "now-label" }, away ? words("viewing") : this.#stateWords(state), ` · ${place}`),
      ...this.#title(item, away),
      item.presenter ? h("p", { class: "now-presenter" }, words("presenter", { name: item.presenter })) : null,
      away && currentItem(state) ? this.#followButton() : null,
      item.papers.length > 1 ? this.#tabs(item) : null,
      item.papers.length ? null : h("p", { class: "quiet" }, words("noPapers")),
    ];
  }

  tick() {
    drawCountdown(this);
  }

  drawn(state) {
    this.tick();
    const item = this.#item(state);
    const paper = item && this.#paper(item);
    const stage = document.getElementById("stage-paper");
    if (!stage) return;
    stage.hidden = !paper;
    if (paper) import("../paper.js"); // defines <doc-paper>
    const src = paper ? `${room.base}/papers/${paper.id}` : "";
    if (!paper || stage.dataset.src === src) return;
    stage.dataset.src = src;
    const shown = stage.querySelector("doc-paper");
    const fresh = paperElement(paper, src);
    if (shown) shown.replaceWith(fresh);
    else stage.append(fresh);
  }

  #item(state) {
    return itemOf(state, room.viewing ?? state.meeting.current);
  }

  #paper(item) {
    return item.papers.find((paper) => paper.id === this.chosen) ?? item.papers[0] ?? null;
  }

  #stateWords({ meeting }) {
    if (meeting.state !== "paused") return words("current");
    const since = meeting.paused_at ? words("pausedSince", { at: hourMinute(meeting.paused_at) }) : words("state_paused");
    return h("span", { class: "now-paused" }, icon("pause-circle-fill"), since);
  }

  /** The title; a very long one shows its first lines and a button for the rest. */
  #title(item, away) {
    const long = item.title.length > LONG_TITLE;
    const whole = this.whole === String(item.id);
    const title = { class: long && !whole ? "now-title now-short" : "now-title", "data-field": away ? null : "current" };
    const button = { type: "button", class: "btn btn-link now-whole", "data-whole": true, "data-item": item.id, "aria-expanded": String(whole) };
    return [h("h2", title, item.title), long ? h("button", button, words(whole ? "less" : "whole")) : null];
  }

  #followButton() {
    const attributes = { type: "button", class: "btn btn-outline-primary", "data-follow": true };
    return h("button", attributes, icon("arrow-return-left"), words("follow"));
  }

  #tabs(item) {
    const chosen = this.#paper(item)?.id;
    const tabs = item.papers.map((paper) => h("button", {
      type: "button",
      class: "btn btn-outline-primary",
      "data-paper": paper.id,
      "data-key": `paper-${paper.id}`,
      "aria-pressed": paper.id === chosen ? "true" : "false",
    }, paper.title));
    return h("div", { class: "paper-tabs", role: "group", "aria-label": words("papersOf") }, tabs);
  }
}

/** A <doc-paper> from the page's template. */
function paperElement(paper, src) {
  const element = document.getElementById("paper-template").content.firstElementChild.cloneNode(true);
  element.setAttribute("aria-label", paper.title);
  element.setAttribute("src", src);
  const link = element.querySelector("a");
  if (link) {
    link.href = src;
    link.append(`: ${paper.title}`);
  }
  return element;
}

customElements.define("mt-now", Stage);
