// Starts what the page holds. Each part is loaded only when its markup is there, also when a live pane brings it later.
const has = (selector) => document.querySelector(selector) !== null;

/** Modules that one of them would ask for later, in turns of its own: on a slow network each turn is felt. */
const together = (...modules) => Promise.all(modules);

/** What hears a press; one that comes earlier waits for these (early.js). */
const startForms = () => [
  has("form, dialog.ask, [data-focus], details.menu") && import("./forms.js"),
  has("[data-keys], .crumbs, [data-back]") && import("./list-place.js"),
];

const startOthers = () => [
  has("[data-keys-switch]") && import("./keys.js"),
  has("[data-keys], .bulk-bar") && import("./list-keys.js"),
  has(".choices-many") && import("./choices.js"),
  has("input[type=file]") && import("./files.js"),
  has(".stack :is(input[type=date], input[type=datetime-local])") && import("./dates.js"),
  has("doc-paper") && together(import("./paper.js"), import("./paper-page.js"), import("./dom.js")),
  has("sign-device, sign-devices") && import("./device.js"),
  has("live-region") && together(import("./region.js"), import("./morph.js"), import("./live.js"), import("./live-subscription.js")),
];

/** A form with a draft was sent (forms.js): when this page is the answer, and neither the form with its errors nor a
 *  fault, the draft is done with. Who got no answer comes to a page in another way, back or by its address. */
function settleDraft() {
  const sent = sessionStorage.getItem("draft-sent-from");
  if (!sent) return;
  sessionStorage.removeItem("draft-sent-from");
  const [key, page] = JSON.parse(sent);
  const isBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (document.referrer === page && !isBack && !has(".error-summary, .fault, [data-open]")) sessionStorage.removeItem(key);
}

try {
  settleDraft();
} catch {
  // sessionStorage is forbidden here: there are no drafts.
}
// A room's own script hears presses, too, and has run when the document is ready.
const ready = new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve, { once: true }));
const forms = Promise.allSettled([ready, ...startForms()]);
forms.then(() => document.dispatchEvent(new Event("presses-heard")));
Promise.allSettled([forms, ...startOthers()]).then(() => document.documentElement.classList.add("started"));
document.addEventListener("live-region-changed", () => [startForms(), startOthers()]);
