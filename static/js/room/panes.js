// The live panes of a room. Each draws its part of the state; nodes that stay are changed in place, so focus stays.
import { morphChildren } from "../region.js";
import { say, words } from "../say.js";
import { act, chip, dayHour, h, hourMinute, icon, span } from "./dom.js";
import { room } from "./room.js";
import { currentItem, itemsInOrder, nextItem, phaseOf, quorum, speaking, waiting } from "./store.js";

/** Draws itself at every change of the state; `tick` once a second. */
class Pane extends HTMLElement {
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

const personOf = (state, id) => state.people[String(id)];
const meta = (...parts) => parts.filter(Boolean).join(" · ");

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
  }

  draw(state) {
    const items = itemsInOrder(state);
    if (!items.length) return [h("p", { class: "quiet" }, words("noItems"))];
    const shown = room.viewing ?? state.meeting.current;
    return [h("ol", { class: "rail-items" }, items.map((item, place) => {
      const phase = phaseOf(state, item);
      const takes = room.desk && state.meeting.state === "open" && phase !== "current";
      const button = h("button", { type: "button", class: "rail-item", "data-item": item.id, "aria-pressed": item.id === shown ? "true" : "false" },
        h("span", { class: "rail-number" }, phase === "past" ? icon("check2") : String(place + 1)),
        h("span", { class: "rail-words" },
          h("span", { class: "rail-title" }, item.title),
          h("span", { class: "rail-meta" }, meta(item.presenter, words("minutes", { n: item.minutes }), item.papers.length ? words("papers", { n: item.papers.length }) : ""))));
      return h("li", { "data-key": `item-${item.id}`, class: `rail-${phase}`, "aria-current": phase === "current" ? "step" : null }, button,
        takes ? act(`${room.base}/current`, words("take"), { style: "link", fields: { item: item.id }, said: item.title }) : null);
    }))];
  }
}

class Now extends Pane {
  draw(state) {
    const item = state.items[String(room.viewing ?? state.meeting.current)];
    const away = room.viewing !== null && room.viewing !== state.meeting.current;
    if (!item) return this.#before(state);
    const number = state.meeting.item_order.indexOf(item.id) + 1;
    return [
      h("p", { class: "now-label" }, away ? words("viewing") : words("current"), ` · ${words("itemOf", { n: number, all: state.meeting.item_order.length })}`),
      h("h2", { class: "now-title", "data-field": away ? null : "current" }, item.title),
      item.presenter ? h("p", { class: "now-presenter" }, words("presenter", { name: item.presenter })) : null,
      away && currentItem(state) ? h("button", { type: "button", class: "btn btn-outline-primary", "data-follow": true }, icon("arrow-return-left"), words("follow")) : null,
      item.papers.length > 1 ? h("div", { class: "paper-tabs", role: "group", "aria-label": words("papersOf") },
        item.papers.map((paper) => h("button", { type: "button", class: "btn btn-outline-primary", "data-paper": paper.id, "data-key": `paper-${paper.id}`, "aria-pressed": this.#paper(item)?.id === paper.id ? "true" : "false" }, paper.title))) : null,
      item.papers.length ? null : h("p", { class: "quiet" }, words("noPapers")),
    ];
  }

  #before(state) {
    const key = { convened: "notOpen", closed: "closed", recorded: "closed", cancelled: "cancelled" }[state.meeting.state] ?? "noCurrent";
    return [
      h("h2", { class: "now-title" }, words(key)),
      h("p", { class: "now-presenter" }, meta(dayHour(state.meeting.starts_at), state.meeting.place)),
    ];
  }

  connectedCallback() {
    this.addEventListener("click", (event) => {
      if (event.target.closest("[data-follow]")) room.view(null);
      const tab = event.target.closest("[data-paper]");
      if (tab) {
        this.chosen = Number(tab.dataset.paper);
        this.update();
      }
    });
    super.connectedCallback();
  }

  #paper(item) {
    return item.papers.find((paper) => paper.id === this.chosen) ?? item.papers[0] ?? null;
  }

  drawn(state) {
    const item = state.items[String(room.viewing ?? state.meeting.current)];
    const paper = item && this.#paper(item);
    const stage = document.getElementById("stage-paper");
    if (!stage) return;
    stage.hidden = !paper;
    const src = paper ? `${room.base}/papers/${paper.id}` : "";
    if (!paper || stage.dataset.src === src) return;
    stage.dataset.src = src;
    const shown = stage.querySelector("doc-paper");
    const fresh = document.getElementById("paper-template").content.firstElementChild.cloneNode(true);
    fresh.setAttribute("aria-label", paper.title);
    fresh.setAttribute("src", src);
    const link = fresh.querySelector("a");
    if (link) {
      link.href = src;
      link.append(`: ${paper.title}`);
    }
    if (shown) shown.replaceWith(fresh);
    else stage.append(fresh);
  }
}

class Speakers extends Pane {
  draw(state) {
    const mine = state.queue.turns.find((turn) => turn.participant === room.me);
    const on = speaking(state);
    const queue = waiting(state);
    const open = state.meeting.state === "open";
    return [
      on ? h("div", { class: "speaker-now", "data-key": `turn-${on.id}` },
        h("p", { class: "now-label" }, words("speaking")),
        h("p", { class: "speaker-name", "data-field": "speaker" }, personOf(state, on.participant)?.name ?? ""),
        h("p", { class: "timer", "data-since": on.started_at }, ""),
        room.desk ? act(`${room.base}/turns/${on.id}/end`, words("endTurn"), { said: personOf(state, on.participant)?.name }) : null) : null,
      queue.length ? h("ol", { class: "speakers" }, queue.map((turn) => {
        const person = personOf(state, turn.participant);
        return h("li", { "data-key": `turn-${turn.id}` }, h("span", { class: "speaker-name" }, person?.name ?? ""), h("span", { class: "quiet" }, person?.agency ?? ""),
          room.desk && open ? act(`${room.base}/turns/${turn.id}/floor`, words("giveFloor"), { said: person?.name }) : null);
      })) : on ? null : h("p", { class: "quiet" }, words("nobodyWaits")),
      asksToSpeak(state) && !matchMedia("(max-width: 767px)").matches ? speakButton(mine) : null,
    ];
  }

  tick() {
    for (const timer of this.querySelectorAll("[data-since]")) {
      timer.textContent = span((room.now() - Date.parse(timer.dataset.since)) / 1000);
    }
  }

  drawn(state) {
    this.tick(state);
  }
}

/** Who sits at the desk gives the floor and does not ask for it. */
const asksToSpeak = (state) => room.me && !room.desk && state.meeting.state === "open";

const speakButton = (mine) => {
  if (!mine) return act(`${room.base}/speak`, words("speak"), { style: "primary", drawing: "hand-index-thumb", key: "speak" });
  const label = mine.state === "speaking" ? words("giveBack") : words("withdraw");
  return act(`${room.base}/speak/withdraw`, label, { drawing: "x-lg", key: "withdraw" });
};

/** The big button of the phone's bar. */
class Speak extends Pane {
  draw(state) {
    if (!asksToSpeak(state)) return [];
    return [speakButton(state.queue.turns.find((turn) => turn.participant === room.me))];
  }
}

class Presence extends Pane {
  draw(state) {
    const people = Object.values(state.people).sort((a, b) => rank(a) - rank(b) || a.id - b.id);
    const count = quorum(state);
    return [
      h("p", { class: count.reached ? "quorum-good" : "quiet" }, words("presentOf", { n: count.present, all: count.invited }), ` · ${words(count.reached ? "quorate" : "notQuorate")}`),
      h("ul", { class: "room-people" }, people.map((person) => this.#row(state, person))),
    ];
  }

  #row(state, person) {
    const may = room.desk && ["convened", "open", "paused"].includes(state.meeting.state);
    const here = Boolean(person.present_at);
    return h("li", { "data-key": `person-${person.id}` },
      h("span", { class: "person-who" }, h("span", { class: "speaker-name" }, person.name),
        h("span", { class: "quiet" }, meta(words(`role_${person.role}`), person.position, person.substitute ? words("standsIn", { name: person.substitute }) : ""))),
      here ? chip("good", "check-circle-fill", hourMinute(person.present_at)) : chip(person.answer === "no" ? "bad" : "plain", person.answer === "no" ? "x-octagon-fill" : "circle", words(`answer_${person.answer}`)),
      may && !here ? act(`${room.base}/people/${person.id}/check-in`, words("checkInFor"), { style: "link", said: person.name }) : null,
      may && here ? act(`${room.base}/people/${person.id}/take-back`, words("takeBack"), { style: "link", said: person.name }) : null);
  }
}

const rank = (person) => ({ chair: 0, secretary: 1, delegate: 2, guest: 3 })[person.role] ?? 4;

class Conclusions extends Pane {
  draw(state) {
    const all = Object.values(state.conclusions).sort((a, b) => a.id - b.id);
    if (!all.length) return [h("p", { class: "quiet" }, words("noConclusions"))];
    const open = ["open", "paused", "closed"].includes(state.meeting.state);
    return [h("ol", { class: "conclusions", "data-field": "conclusions" }, all.map((line) => h("li", { "data-key": `conclusion-${line.id}` },
      h("p", { class: "conclusion-text" }, line.text),
      h("p", { class: "quiet" }, meta(line.lead ? words("lead", { name: line.lead }) : "", line.co_workers.length ? words("with", { names: line.co_workers.map((p) => p.name).join(", ") }) : "", line.due_at ? words("due", { at: dayHour(line.due_at) }) : "")),
      line.task ? h("p", { class: "beside" }, taskChip(state.tasks?.[String(line.task)]), hasPart(state, line) ? h("a", { href: `/tasks/${line.task}` }, words("openTask")) : null) : null,
      room.desk && open && !line.task ? h("div", { class: "beside" },
        line.lead_id ? act(`${room.base}/conclusions/${line.id}/task`, words("give"), { style: "primary", drawing: "send", said: line.text }) : null,
        act(`${room.base}/conclusions/${line.id}/drop`, words("drop"), { style: "link", said: line.text })) : null)))];
  }
}

const TASK_TONES = { new: "waiting", received: "info", in_progress: "info", awaiting: "waiting", returned: "bad", paused: "plain", done: "good", cancelled: "plain" };
const DRAWINGS = { good: "check-circle-fill", waiting: "hourglass-split", bad: "x-octagon-fill", info: "info-circle-fill", plain: "circle" };

function taskChip(task) {
  if (!task) return chip("good", "check-circle-fill", words("given"));
  const tone = TASK_TONES[task.state] ?? "plain";
  return chip(tone, DRAWINGS[tone], words(`task_${task.state}`));
}

/** Whether this person has a part in the task, and so may open it. */
function hasPart(state, line) {
  const me = Number(document.body.dataset.person);
  const role = room.me ? personOf(state, room.me)?.role : "";
  return role === "chair" || role === "secretary" || line.lead_id === me || line.co_workers.some((person) => person.id === me);
}

/** The chair's controls: the state of the meeting and "current → next" in one press. */
class Desk extends Pane {
  draw(state) {
    const { meeting } = state;
    const next = nextItem(state);
    if (meeting.state === "convened") return [act(`${room.base}/open`, words("open"), { style: "primary", drawing: "play-fill" })];
    if (meeting.state === "paused") return [act(`${room.base}/resume`, words("resume"), { style: "primary", drawing: "play-fill" }), this.#close()];
    if (meeting.state !== "open") return [h("p", { class: "quiet" }, words("closed"))];
    return [
      h("p", { class: "desk-next" }, h("span", { class: "now-label" }, words("next")), h("span", { class: "desk-title" }, next ? next.title : words("lastItem"))),
      next ? act(`${room.base}/current`, meeting.current == null ? words("first") : words("goNext"), { style: "primary", drawing: "skip-forward-fill", fields: { item: next.id }, key: "next", said: next.title }) : null,
      h("div", { class: "beside" }, act(`${room.base}/pause`, words("pause"), { drawing: "pause-fill" }), this.#close()),
    ];
  }

  #close() {
    return h("button", { type: "button", class: "btn btn-outline-danger", "data-opens": "close-meeting" }, words("close"));
  }
}

/** Clock, timer of the item, quorum, and whether this person is checked in. */
class Top extends Pane {
  draw(state) {
    const count = quorum(state);
    const me = room.me ? personOf(state, room.me) : null;
    const may = me && !me.present_at && ["convened", "open", "paused"].includes(state.meeting.state);
    return [
      h("span", { class: "top-clock", "data-clock": true }, ""),
      h("span", { class: "top-timer timer", "data-item-timer": true, title: words("itemTimer") }, ""),
      h("span", { class: "top-quorum", "data-field": "present", title: words("presentOf", { n: count.present, all: count.invited }) }, icon("people-fill"), `${count.present}/${count.invited}`),
      h("span", { class: "top-state", "data-field": "state" }, words(`state_${state.meeting.state}`)),
      may ? act(`${room.base}/check-in`, words("checkIn"), { style: "primary", drawing: "check2", key: "check-in" }) : null,
    ];
  }

  drawn(state) {
    this.tick(state);
  }

  tick(state) {
    const clock = this.querySelector("[data-clock]");
    if (clock) clock.textContent = hourMinute(room.now());
    drawTimer(this.querySelector("[data-item-timer]"), state, true);
  }
}

let announced = "";

/** `12:05 / 20:00`: how long the item has run of what was planned. Spoken when 60, 30 and 0 seconds are left. */
function drawTimer(box, state, speaks = false) {
  if (!box) return;
  const item = currentItem(state);
  if (!item || !state.meeting.current_at) {
    box.textContent = "";
    return;
  }
  const gone = Math.max(0, (room.now() - Date.parse(state.meeting.current_at)) / 1000);
  const planned = item.minutes * 60;
  box.textContent = `${span(gone)} / ${span(planned)}`;
  box.classList.toggle("timer-over", gone > planned);
  const left = Math.round(planned - gone);
  if (speaks && [60, 30, 0].includes(left) && announced !== `${item.id}:${left}`) {
    announced = `${item.id}:${left}`;
    say(left ? words("secondsLeft", { n: left }) : words("timeUp"));
  }
}

class Sync extends HTMLElement {
  connectedCallback() {
    const live = () => room.live;
    const draw = () => {
      const state = live()?.state ?? "connecting";
      const at = live()?.since ? hourMinute(live().since) : "";
      const text = state === "live" ? words("live") : state === "offline" ? words("offline", { at }) : words("connecting");
      for (const name of ["live", "offline", "connecting"]) this.classList.toggle(`sync-${name}`, name === state);
      this.replaceChildren(icon(state === "live" ? "broadcast" : state === "offline" ? "wifi-off" : "arrow-repeat"), h("span", { class: "sync-word" }, text));
      this.dataset.state = state;
    };
    draw();
    const wait = setInterval(() => {
      if (!live()) return;
      clearInterval(wait);
      live().addEventListener("state", draw);
      draw();
    }, 50);
  }
}

/** The whole screen of a wall. */
class Wall extends Pane {
  draw(state) {
    const item = currentItem(state);
    const on = speaking(state);
    const next = nextItem(state);
    const count = quorum(state);
    const queue = waiting(state);
    const place = item ? state.meeting.item_order.indexOf(item.id) + 1 : 0;
    const paused = state.meeting.state === "paused";
    const key = { convened: "notOpen", closed: "closed", recorded: "closed", cancelled: "cancelled" }[state.meeting.state] ?? "noCurrent";
    return [
      h("header", { class: "wall-top" }, h("p", { class: "wall-name" }, state.meeting.title), h("p", { class: "wall-clock", "data-clock": true }, "")),
      h("div", { class: "wall-now" },
        paused ? h("p", { class: "wall-paused" }, icon("pause-circle-fill"), words("state_paused")) : null,
        item ? h("p", { class: "wall-label" }, words("itemOfCap", { n: place, all: state.meeting.item_order.length })) : null,
        h("h1", { class: `wall-title${(item?.title.length ?? 0) > 120 ? " wall-long" : ""}`, "data-field": item ? "current" : null }, item ? item.title : words(key)),
        item?.presenter ? h("p", { class: "wall-presenter" }, words("presenter", { name: item.presenter })) : null,
        item ? h("p", { class: "wall-timer timer", "data-item-timer": true }, "") : h("p", { class: "wall-presenter" }, meta(dayHour(state.meeting.starts_at), state.meeting.place))),
      h("div", { class: "wall-speaker" }, on ? [
        h("p", { class: "wall-label" }, icon("mic-fill"), words("speaking")),
        h("p", { class: "wall-person", "data-field": "speaker" }, personOf(state, on.participant)?.name ?? ""),
        h("p", { class: "timer", "data-since": on.started_at }, ""),
      ] : null, queue.length ? h("p", { class: "wall-queue" }, words("waitingToSpeak", { n: queue.length })) : null),
      h("footer", { class: "wall-foot" },
        h("p", {}, icon("people-fill"), h("span", { "data-field": "present" }, `${count.present}/${count.invited}`), ` ${words("present")}`),
        next && item ? h("p", { class: "wall-next" }, `${words("next")}: ${next.title}`) : null),
    ];
  }

  drawn(state) {
    this.tick(state);
  }

  tick(state) {
    this.querySelector("[data-clock]").textContent = hourMinute(room.now());
    drawTimer(this.querySelector("[data-item-timer]"), state);
    for (const timer of this.querySelectorAll("[data-since]")) timer.textContent = span((room.now() - Date.parse(timer.dataset.since)) / 1000);
  }
}

export function define() {
  const panes = { "mt-agenda": Agenda, "mt-now": Now, "mt-speakers": Speakers, "mt-speak": Speak, "mt-presence": Presence, "mt-conclusions": Conclusions, "mt-desk": Desk, "mt-top": Top, "mt-sync": Sync, "mt-wall": Wall };
  for (const [name, element] of Object.entries(panes)) customElements.define(name, element);
}
