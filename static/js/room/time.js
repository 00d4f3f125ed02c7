// Times of a meeting as people in Vietnam read them, and what moves with the server's clock: the time of day, the timer of
// the item, the time of who speaks.
import { say, words } from "../say.js";
import { room } from "./room.js";
import { currentItem } from "./store.js";

const zone = { timeZone: "Asia/Ho_Chi_Minh" };
const clockFormat = new Intl.DateTimeFormat("vi-VN", { hour: "2-digit", minute: "2-digit", hour12: false, ...zone });
const dateFormat = new Intl.DateTimeFormat("vi-VN", { day: "2-digit", month: "2-digit", year: "numeric", ...zone });

/** `14:30`. `at`: an ISO instant or milliseconds. */
export const hourMinute = (at) => clockFormat.format(new Date(at));

/** `27/11/2026 14:30`. `at`: an ISO instant or milliseconds. */
export const dayHour = (at) => `${dateFormat.format(new Date(at))} ${hourMinute(at)}`;

/** `4:05`, `1:02:09`; below zero with a minus sign. */
export function duration(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  const text = hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  return seconds < 0 ? `−${text}` : text;
}

const ANNOUNCED_AT_S = [60, 30, 0];
const lastLeft = new Map(); // by what is timed: the seconds that were left when we looked last

/** The time of day, inside `pane`. */
export function drawClock(pane) {
  const box = pane.querySelector("[data-clock]");
  if (box) box.textContent = hourMinute(room.now());
}

/** `12:05 / 20:00`: how long the item has run of what was planned. Spoken when 60, 30 and 0 seconds are left. */
export function drawItemTimer(pane, state, { speaks = false } = {}) {
  const box = pane.querySelector("[data-item-timer]");
  if (!box) return;
  const item = currentItem(state);
  if (!item || !state.meeting.current_at) {
    box.textContent = "";
    return;
  }
  const gone = secondsSince(state.meeting.current_at, state);
  const planned = item.minutes * 60;
  box.textContent = `${duration(gone)} / ${duration(planned)}`;
  box.classList.toggle("timer-over", gone > planned);
  if (speaks && !state.meeting.paused_at) announce(`item-${item.id}`, planned - gone, ["secondsLeft", "timeUp"]);
}

/** Say it once when 60, 30 or 0 seconds are passed; a page that looks only now and then says the last one passed. */
function announce(what, left, [some, none]) {
  const before = lastLeft.get(what);
  lastLeft.set(what, left);
  const passed = ANNOUNCED_AT_S.filter((at) => before !== undefined && before > at && left <= at).pop();
  if (passed !== undefined) say(passed ? words(some, { n: passed }) : words(none));
}

/** `1:20 / 3:00`: how long somebody has had the floor, of what they were given, in each timer inside `pane`. Spoken for who
 *  `speaks` is for: the desk and the speaker. */
export function drawSpeakingTimers(pane, { speaks = false } = {}) {
  for (const timer of pane.querySelectorAll("[data-since]")) {
    const gone = secondsSince(timer.dataset.since, room.state);
    const given = Number(timer.dataset.given) || 0;
    timer.textContent = given ? `${duration(gone)} / ${duration(given)}` : duration(gone);
    timer.classList.toggle("timer-over", given > 0 && gone > given);
    if (given && speaks && !room.state.meeting.paused_at) {
      announce(`turn-${timer.dataset.since}-${given}`, given - gone, ["speechLeft", "speechUp"]);
    }
  }
}

/** By the server's clock; in a pause time stands still. */
function secondsSince(at, { meeting }) {
  const now = meeting.paused_at ? Date.parse(meeting.paused_at) : room.now();
  return Math.max(0, now - Date.parse(at)) / 1000;
}
