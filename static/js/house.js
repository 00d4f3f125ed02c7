// Starts what the page holds. Each part is loaded only when its markup is there.
const has = (selector) => document.querySelector(selector) !== null;

if (has("form, dialog.ask, [data-focus], details.menu")) import("./forms.js");
if (has("[data-keys]")) import("./list-keys.js");
if (has("doc-paper")) import("./paper.js");
if (has("live-region")) import("./region.js");
