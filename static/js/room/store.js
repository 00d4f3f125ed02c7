// What a screen of a meeting shows, as a pure function of events. meetings/projection.py is the same in Python;
// tests/meetings/events.json is run against both.

/**
 * @typedef {import("./types.js").State} State
 * @typedef {import("./types.js").ItemFields} ItemFields
 * @typedef {import("./types.js").PersonFields} PersonFields
 * @typedef {import("./types.js").TurnFields} TurnFields
 */

const SINGLES = new Set(["meeting", "queue"]);
const OBJECTS = {
  item: "items",
  person: "people",
  conclusion: "conclusions",
  answer: "answers",
  task: "tasks",
};

export function empty() {
  const state = { meeting: { rev: 0 }, queue: { rev: 0, turns: [] } };
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

// ---- what screens ask; no DOM, no clock ----

/** @type {(state: State) => ItemFields[]} */
export const itemsInOrder = (state) =>
  (state.meeting.item_order || []).map((id) => state.items[String(id)]).filter(Boolean);

/** The item with this number, or null.
 *  @type {(state: State, id: number | null) => ItemFields | null} */
export const itemOf = (state, id) => (id == null ? null : state.items[String(id)] || null);

/** @type {(state: State) => ItemFields | null} */
export const currentItem = (state) => itemOf(state, state.meeting.current);

/** @type {(state: State, id: number) => PersonFields | undefined} */
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

/** Present and invited, of those whose presence counts. */
export function quorum(state) {
  const counted = Object.values(state.people).filter((person) => COUNTED.has(person.role));
  const present = counted.filter((person) => person.present_at).length;
  return { present, invited: counted.length, reached: present * 2 > counted.length };
}

/** Whether people may be checked in: the meeting is called and not over. */
export const canCheckIn = (state) => ["convened", "open", "paused"].includes(state.meeting.state);

/** @type {(state: State) => TurnFields | null} */
export const speaking = (state) => state.queue.turns.find((turn) => turn.state === "speaking") || null;
/** @type {(state: State) => TurnFields[]} */
export const waiting = (state) => state.queue.turns.filter((turn) => turn.state === "waiting");
