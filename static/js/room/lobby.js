// What stands on the stage before a meeting opens and after it is over: papers, who is here; what was decided, one's own tasks.
import { h, icon } from "../dom.js";
import { words } from "../say.js";
import { meta, noItemWords } from "./pane.js";
import { room } from "./room.js";
import { itemOf, itemsInOrder } from "./store.js";
import { dayHour, duration } from "./time.js";

const DAY_S = 86_400;
const ENDED = new Set(["closed", "recorded"]);

/** The stage while no item is taken up. */
export function withoutItem(state) {
  const { meeting } = state;
  return [
    h("h2", { class: "now-title" }, noItemWords(state)),
    h("p", { class: "now-presenter" }, meta(dayHour(meeting.starts_at), meeting.place)),
    ...(meeting.state === "convened" ? lobby(state) : []),
    ...(ENDED.has(meeting.state) ? ending(state) : []),
  ];
}

function lobby(state) {
  const here = Object.values(state.people).filter((person) => person.present_at);
  const items = itemsInOrder(state).filter((item) => item.papers.length);
  return [
    h("p", { class: "lobby-countdown", "data-starts": state.meeting.starts_at }, ""),
    items.length ? h("h3", { class: "lobby-head" }, words("lobbyPapers")) : null,
    items.length ? h("ul", { class: "lobby-list" }, items.flatMap(papersOf)) : null,
    h("h3", { class: "lobby-head" }, words("lobbyHere")),
    here.length
      ? h("ul", { class: "lobby-list" }, here.map((person) => h("li", { "data-key": `here-${person.id}` }, person.name)))
      : h("p", { class: "quiet" }, words("nobodyHere")),
  ];
}

const papersOf = (item) => item.papers.map((paper) => h("li", { "data-key": `paper-${paper.id}` },
  h("button", { type: "button", class: "btn btn-link", "data-view": item.id, "data-paper": paper.id }, icon("file-earmark-pdf"), paper.title)));

function ending(state) {
  const decided = Object.values(state.conclusions);
  const mine = decided.filter((conclusion) => conclusion.task && hasPart(conclusion));
  const items = [...itemsInOrder(state).map((item) => item.id), null];
  const groups = items.map((id) => decided.filter((one) => (itemOf(state, one.item)?.id ?? null) === id));
  return [
    h("p", {}, h("a", { class: "btn btn-primary", href: room.base }, words("endPage"))),
    mine.length ? h("h3", { class: "lobby-head" }, words("endMine")) : null,
    mine.length ? h("ul", { class: "lobby-list" }, mine.map((one) => h("li", {}, h("a", { href: `/tasks/${one.task}` }, one.text)))) : null,
    h("h3", { class: "lobby-head" }, words("endConclusions")),
    decided.length ? null : h("p", { class: "quiet" }, words("noConclusions")),
    ...groups.flatMap((group, place) => (group.length ? decisions(itemOf(state, items[place]), group) : [])),
  ];
}

const decision = (one) => h("li", {}, one.text, h("p", { class: "quiet" }, meta(one.lead, one.due_at && dayHour(one.due_at))));

const decisions = (item, group) => [
  h("h4", { class: "lobby-item" }, item?.title ?? words("endGeneral")),
  h("ol", { class: "lobby-decided" }, group.map(decision)),
];

function hasPart(conclusion) {
  const person = Number(room.who.split("-")[1]);
  return conclusion.lead_id === person || conclusion.co_workers.some((one) => one.id === person);
}

/** How long it is until the meeting should open, inside `pane`. */
export function drawCountdown(pane) {
  const box = pane.querySelector("[data-starts]");
  if (!box) return;
  const left = (Date.parse(box.dataset.starts) - room.now()) / 1000;
  if (left >= DAY_S) box.textContent = words("lobbyDays", { n: Math.floor(left / DAY_S) });
  else box.textContent = words(left > 0 ? "lobbyIn" : "lobbyLate", { t: duration(Math.abs(left)) });
}
