// Starts the room or the wall that the page holds. Its panes are elements that their modules define; the page names these
// (templates/meetings/_scripts.html).
import { say, words } from "../say.js";
import { room } from "./room.js";
import { currentItem } from "./store.js";

room.start();

room.addEventListener("change", ({ detail: { before } }) => {
  if (!before || before.meeting.current === room.state.meeting.current) return;
  const item = currentItem(room.state);
  if (item) say(words("nowSaid", { title: item.title }));
});

// In the capturing phase, so that forms.js, which listens on the document, sees a form that a script sends.
addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    if (!form.matches("form[data-room]")) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    const sent = typedIn(form);
    const done = await room.send(form, event.submitter);
    if (done) form.dispatchEvent(new CustomEvent("sent", { bubbles: true }));
    if (done && form.hasAttribute("data-clears")) clear(form, sent);
    form.closest("dialog")?.close();
  },
  true,
);

/** Take away what was sent; what was typed while it was on its way stays. */
function clear(form, sent) {
  if (typedIn(form) === sent) form.reset();
  form.dispatchEvent(new Event("input")); // the kept draft is what stands here now
  for (const old of form.querySelectorAll(".field-error, .draft-note")) old.remove();
  say(words(form.dataset.clears || "kept"));
}

function typedIn(form) {
  const fields = new FormData(form);
  fields.delete("command_id");
  return new URLSearchParams(fields).toString();
}

// Sheets of the phone, and dialogs.
addEventListener("click", (event) => {
  const opener = event.target.closest("[data-sheet-opens]");
  if (opener) {
    const name = opener.dataset.sheetOpens;
    const isOpen = document.body.dataset.sheet === name;
    if (isOpen) document.body.removeAttribute("data-sheet");
    else {
      document.body.dataset.sheet = name;
      document.getElementById(`room-${name}`)?.focus();
    }
    for (const button of document.querySelectorAll("[data-sheet-opens]")) {
      button.setAttribute("aria-expanded", String(document.body.dataset.sheet === button.dataset.sheetOpens));
    }
  }
  const asks = event.target.closest("[data-opens]");
  if (asks) document.getElementById(asks.dataset.opens)?.showModal();
  if (event.target.closest("[data-shuts]")) event.target.closest("dialog")?.close();
});

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.dataset.sheet) {
    const opener = document.querySelector(`.room-bar [data-sheet-opens="${document.body.dataset.sheet}"]`);
    document.body.removeAttribute("data-sheet");
    for (const button of document.querySelectorAll("[data-sheet-opens]")) button.setAttribute("aria-expanded", "false");
    opener?.focus();
  }
});
