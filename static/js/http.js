// Asking the house over HTTP. Every request ends, also on a mobile link of which only one end is still there.
const GET_TIMEOUT_MS = 30_000;
const POST_TIMEOUT_MS = 20_000;

/** Ends a request, the body of its answer included, after `ms`. Old tablets have no AbortSignal.timeout. */
function within(ms) {
  if (AbortSignal.timeout) return AbortSignal.timeout(ms);
  const end = new AbortController();
  setTimeout(() => end.abort(), ms);
  return end.signal;
}

/** Fetch something of the house; throws when no answer comes in time. */
export const get = (url, options = {}) => fetch(url, { credentials: "same-origin", signal: within(GET_TIMEOUT_MS), ...options });

/** Send a command of this page's person. Throws when the house itself did not answer in time (a proxy's page is no answer):
 *  nobody knows then whether the command was carried out. */
export async function postCommand(url, body) {
  const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
  const answer = await fetch(url, {
    method: "POST",
    credentials: "same-origin",
    headers: { Accept: "application/json", "X-CSRFToken": token },
    body,
    signal: within(POST_TIMEOUT_MS),
  });
  if (!/\bjson\b/.test(answer.headers.get("Content-Type") ?? "")) throw new Error(`no answer of the house: ${answer.status}`);
  return answer;
}

/** An id for a command; the same id with the same words is the same command, however often it is sent. */
export const newCommandId = () => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
