// A screen that waits to be paired: shows a code by itself, renews it, and goes to its meeting when it is paired.
import { read } from "../wire.js";

const LOOK_MS = 2000;
const form = document.getElementById("show-code"); // not there while a pairing is kept that waits for a sign-out
const until = Number(document.getElementById("main").dataset.until) || 0;

if (form && until < Date.now()) {
  form.requestSubmit();
} else {
  setInterval(async () => {
    try {
      const answer = await read("/wall", { cache: "no-store" });
      if (answer.redirected) location.assign(answer.url);
      else if (answer.ok && ((form && Date.now() > until) || (await answer.text()).includes('id="show-code"') !== Boolean(form))) location.reload();
    } catch {
      // no network: the code stays, and we look again
    }
  }, LOOK_MS);
}
