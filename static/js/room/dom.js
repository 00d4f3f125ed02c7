// Building nodes for the panes. Acts are real forms, caught by room.js, so that a pane holds no listeners and can be
// changed in place.

/** An element: h("p", { class: "quiet", hidden: true }, "text", node, null). */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, String(value));
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

export const chip = (tone, drawing, text) => h("span", { class: `chip chip-${tone}` }, icon(drawing), text);

/** A form with one button that room.js sends: act("/meetings/4/open", "Khai mạc", { style: "primary" }). */
export function act(url, label, { style = "outline-primary", drawing = null, fields = {}, said = null, key = null } = {}) {
  const hidden = Object.entries(fields).map(([name, value]) => h("input", { type: "hidden", name, value }));
  const more = said ? h("span", { class: "visually-hidden" }, `: ${said}`) : null;
  const button = h("button", { class: `btn btn-${style}` }, drawing && icon(drawing), h("span", {}, label), more);
  return h("form", { action: url, method: "post", "data-room": true, class: "one-button", "data-key": key ?? url }, hidden, button);
}

const clockOf = new Intl.DateTimeFormat("vi-VN", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: "Asia/Ho_Chi_Minh" });
const dateOf = new Intl.DateTimeFormat("vi-VN", { day: "2-digit", month: "2-digit", year: "numeric", timeZone: "Asia/Ho_Chi_Minh" });

export const hourMinute = (at) => clockOf.format(new Date(at));
export const dayHour = (at) => `${dateOf.format(new Date(at))} ${hourMinute(at)}`;

/** `4:05`, `1:02:09`; below zero with a minus sign. */
export function span(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  const text = hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  return seconds < 0 ? `−${text}` : text;
}
