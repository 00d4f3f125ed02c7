// What a screen of a meeting shows, as a pure function of events. meetings/projection.py is the same in Python;
// tests/meetings/events.json is run against both.

/**
 * @typedef {import("./types.js").LiveState} State
 * @typedef {import("./types.js").LiveItem} LiveItem
 * @typedef {import("./types.js").LivePerson} LivePerson
 * @typedef {import("./types.js").LiveTurn} LiveTurn
 */

const SINGLES = new Set(["meeting", "queue"]);
const OBJECTS = {
  item: "items",
  person: "people",
  conclusion: "conclusions",
  answer: "answers",
  task: "tasks",
  cleared: "cleared",
  vote: "votes",
  roll: "rolls",
  speech: "speeches",
};

export function empty() {
  const state = { meeting: { rev: 0 }, queue: { rev: 0, turns: [], limit: 0, quiet_first: false } };
  for (const place of Object.values(OBJECTS)) state[place] = {};
  return state;
}

/**
 * The state after one event; the same object when the event is old or of a kind that is not known.
 * @param {State} state
 * @param {string} kind
 * @param {Record<string, any>} data some of the fields that types.js names for the kind, with the new `rev`
 * @returns {State}
 */
export function apply(state, kind, data) {
  if (SINGLES.has(kind)) {
    const known = state[kind];
    return data.rev <= known.rev ? state : { ...state, [kind]: { ...known, ...data } };
  }
  const place = Object.hasOwn(OBJECTS, kind) ? OBJECTS[kind] : null;
  if (place === null) return state;
  const key = String(data.id);
  const known = Object.hasOwn(state[place], key) ? state[place][key] : { rev: 0 };
  if (data.rev <= known.rev) return state;
  const objects = { ...state[place] };
  if (data.gone) delete objects[key];
  else objects[key] = { ...known, ...data };
  return { ...state, [place]: objects };
}

/**
 * The state as screens draw it: the confidential points that this reader may read are laid over the agenda, and hidden
 * ones put into it.
 * @param {State} state
 * @returns {State}
 */
export function seen(state) {
  const own = Object.values(state.cleared ?? {}).sort((a, b) => a.place - b.place || a.id - b.id);
  if (!own.length) return state;
  const items = { ...state.items };
  const meeting = { ...state.meeting, item_order: [...(state.meeting.item_order || [])] };
  for (const item of own.reverse()) {
    items[String(item.id)] = item;
    if (item.after === null) continue; // the room knows that it is there
    meeting.item_order.splice(meeting.item_order.indexOf(item.after) + 1, 0, item.id);
    if (item.current_at !== null) Object.assign(meeting, { current: item.id, current_at: item.current_at });
    if (item.visited) meeting.visited = [...(meeting.visited || []), item.id];
  }
  return { ...state, meeting, items };
}

// ---- what screens ask; no DOM, no clock ----

/** @type {(state: State) => LiveItem[]} */
export const itemsInOrder = (state) =>
  (state.meeting.item_order || []).map((id) => state.items[String(id)]).filter(Boolean);

/** The item with this number, or null.
 *  @type {(state: State, id: number | null) => LiveItem | null} */
export const itemOf = (state, id) => (id == null ? null : state.items[String(id)] || null);

/** @type {(state: State) => LiveItem | null} */
export const currentItem = (state) => itemOf(state, state.meeting.current);

/** @type {(state: State, id: number) => LivePerson | undefined} */
export const personOf = (state, id) => state.people[String(id)];

/** The item that one press of the chair leads to: the first after the current one, or the very first. */
export function nextItem(state) {
  const items = itemsInOrder(state);
  const place = items.findIndex((item) => item.id === state.meeting.current);
  return items[place + 1] || null;
}

/** `current`, `past` or `ahead`. */
export function phaseOf(state, item) {
  if (item.id === state.meeting.current) return "current";
  return (state.meeting.visited || []).includes(item.id) ? "past" : "ahead";
}

const COUNTED = new Set(["chair", "delegate"]);

const NEEDED = {
  none: () => 0,
  half: (invited) => Math.floor(invited / 2) + 1,
  two_thirds: (invited) => Math.ceil((2 * invited) / 3),
  number: (invited, number) => number,
};

/** Present, invited and needed, of those whose presence counts; meetings/quorum.py is the same in Python. */
export function quorum(state) {
  const counted = Object.values(state.people).filter((person) => COUNTED.has(person.role));
  const present = counted.filter((person) => person.present_at).length;
  const { quorum_rule: rule, quorum_number: number } = state.meeting;
  const needed = (NEEDED[rule] ?? NEEDED.half)(counted.length, number);
  return { present, invited: counted.length, needed, reached: present >= needed };
}

/** Whether people may be checked in: the meeting is called and not over. */
export const canCheckIn = (state) => ["convened", "open", "paused"].includes(state.meeting.state);

/** @type {(state: State) => LiveTurn | null} */
export const speaking = (state) => state.queue.turns.find((turn) => turn.state === "speaking") || null;
/** @type {(state: State) => LiveTurn[]} */
export const waiting = (state) => state.queue.turns.filter((turn) => turn.state === "waiting");
/** Who is here and has neither spoken nor speaks; the secretary does not count.
 *  @type {(state: State) => LivePerson[]} */
export const silent = (state) => Object.values(state.people).filter((person) =>
  person.present_at && person.role !== "secretary" && !state.speeches?.[String(person.id)] && speaking(state)?.participant !== person.id);
