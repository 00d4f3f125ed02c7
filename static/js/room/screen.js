// A screen that waits to be paired: shows a code by itself, renews it, and goes to its meeting when it is paired.
import { get } from "../http.js";

const POLL_INTERVAL_MS = 2000;
const form = document.getElementById("show-code"); // not there while a pairing is kept that waits for a sign-out
const until = Number(document.getElementById("main").dataset.until) || 0;

const isOver = () => form && Date.now() > until;
const hasForm = async (answer) => (await answer.text()).includes('id="show-code"');

if (form && until < Date.now()) {
  form.requestSubmit();
} else {
  setInterval(async () => {
    try {
      const answer = await get("/wall", { cache: "no-store" });
      if (answer.redirected) location.assign(answer.url);
      else if (answer.ok && (isOver() || (await hasForm(answer)) !== Boolean(form))) location.reload();
    } catch {
      // no network: the code stays, and we look again
    }
  }, POLL_INTERVAL_MS);
}
