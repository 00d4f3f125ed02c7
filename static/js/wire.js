// Asking the house over HTTP. Every request ends, also on a mobile link of which only one end is still there.
const READ_MS = 30_000;
const ACT_MS = 20_000;

/** Ends a request, the body of its answer included, after `ms`. Old tablets have no AbortSignal.timeout. */
function within(ms) {
  if (AbortSignal.timeout) return AbortSignal.timeout(ms);
  const end = new AbortController();
  setTimeout(() => end.abort(), ms);
  return end.signal;
}

/** Fetch something of the house; throws when no answer comes in time. */
export const read = (url, options = {}) => fetch(url, { credentials: "same-origin", signal: within(READ_MS), ...options });

/** Send an act of this page's person. Throws when the house itself did not answer in time (a proxy's page is no answer):
 *  nobody knows then whether the act was done. */
export async function act(url, body) {
  const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
  const answer = await fetch(url, {
    method: "POST",
    credentials: "same-origin",
    headers: { Accept: "application/json", "X-CSRFToken": token },
    body,
    signal: within(ACT_MS),
  });
  if (!/\bjson\b/.test(answer.headers.get("Content-Type") ?? "")) throw new Error(`no answer of the house: ${answer.status}`);
  return answer;
}

/** A number for a command; the same number with the same words is the same command, however often it is sent. */
export const freshNumber = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
