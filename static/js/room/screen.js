// A screen that waits to be paired: shows a code by itself, renews it, and goes to its meeting when it is paired.
const LOOK_MS = 2000;
const form = document.getElementById("show-code");
const until = Number(document.getElementById("main").dataset.until) || 0;

if (!until || until < Date.now()) {
  form?.requestSubmit();
} else {
  setInterval(async () => {
    try {
      const answer = await fetch("/wall", { credentials: "same-origin", cache: "no-store" });
      if (answer.redirected) location.assign(answer.url);
      else if (answer.ok && Date.now() > until) form?.requestSubmit();
    } catch {
      // no network: the code stays, and we look again
    }
  }, LOOK_MS);
}
