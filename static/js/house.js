// Starts what the page holds. Each part is loaded only when its markup is there, also when a live pane brings it later.
const has = (selector) => document.querySelector(selector) !== null;

function start() {
  if (has("form, dialog.ask, [data-focus], details.menu")) import("./forms.js");
  if (has("[data-keys], .bulk-bar")) import("./list-keys.js");
  if (has(".choices-many")) import("./choices.js");
  if (has("input[type=file]")) import("./files.js");
  if (has(".stack :is(input[type=date], input[type=datetime-local])")) import("./dates.js");
  if (has("doc-paper")) import("./paper.js");
  if (has("sign-device, sign-devices")) import("./device.js");
  if (has("live-region")) import("./region.js");
}

start();
document.addEventListener("live-region-changed", start);
