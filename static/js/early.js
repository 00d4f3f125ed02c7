// Before the first paint: pages know that scripts run, so dialogs start closed instead of closing visibly.
document.documentElement.classList.add("js");

// On a slow network a page can be pressed before its scripts have come. They know what was sent before and got no answer,
// weigh files and let one press be one request: so the press waits for them, though not for long.
{
  const HOLD_TIMEOUT_MS = 10_000;
  let pressed = null;

  const hold = (event) => {
    const form = event.target;
    if (!form.requestSubmit || !form.matches('[method="post" i]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!pressed) setTimeout(release, HOLD_TIMEOUT_MS);
    pressed = { form, button: event.submitter };
    pressed.button?.setAttribute("aria-busy", "true");
  };

  const release = () => {
    removeEventListener("submit", hold, true);
    if (!pressed) return;
    const { form, button } = pressed;
    pressed = null;
    button?.removeAttribute("aria-busy");
    if (form.isConnected) form.requestSubmit(button?.form === form ? button : null);
  };

  addEventListener("submit", hold, true);
  document.addEventListener("presses-heard", release);
}
