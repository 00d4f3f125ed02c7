// Keeps the last state of a meeting in this browser, so that a reload shows it at once. IndexedDB, else localStorage,
// else nothing: keeping is a comfort, never a condition.

const NAME = "lienthong-rooms";
const keyOf = (meeting, who) => `${who}/${meeting}`;
let opened = null;

function open() {
  opened ??= new Promise((done, failed) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("rooms");
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
    request.onblocked = () => failed(new Error("blocked"));
  });
  return opened;
}

async function inStore(mode, work) {
  const db = await open();
  return new Promise((done, failed) => {
    const request = work(db.transaction("rooms", mode).objectStore("rooms"));
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
}

/** What was kept for this person and meeting: {state, heads, epoch, at}, or null. */
export async function load(meeting, who) {
  try {
    return (await inStore("readonly", (store) => store.get(keyOf(meeting, who)))) ?? null;
  } catch {
    try {
      return JSON.parse(localStorage.getItem(`${NAME}/${keyOf(meeting, who)}`));
    } catch {
      return null;
    }
  }
}

export async function save(meeting, who, kept) {
  try {
    await inStore("readwrite", (store) => store.put(kept, keyOf(meeting, who)));
  } catch {
    try {
      localStorage.setItem(`${NAME}/${keyOf(meeting, who)}`, JSON.stringify(kept));
    } catch {
      // full or forbidden: the next load asks the server
    }
  }
}

export async function forget(meeting, who) {
  try {
    await inStore("readwrite", (store) => store.delete(keyOf(meeting, who)));
  } catch {
    // nothing was kept there
  }
  try {
    localStorage.removeItem(`${NAME}/${keyOf(meeting, who)}`);
  } catch {
    // nothing was kept there
  }
}
