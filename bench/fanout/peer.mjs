// The peer: a Node socket.io server that makes the same durable change and emits the same event.
// Usage: node peer.mjs FOLDER ITEMS; prints one JSON line that tells the driver what to do.
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { Server } from "socket.io";

const db = new DatabaseSync(`${process.argv[2]}/bench.db`);
const items = Number(process.argv[3]);
for (const pragma of ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"]) {
  db.exec(`PRAGMA ${pragma}`);
}
db.exec(`
  CREATE TABLE stream (name TEXT PRIMARY KEY, head INTEGER NOT NULL, tail INTEGER NOT NULL);
  CREATE TABLE stream_event (stream TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
    data TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (stream, seq));
  CREATE INDEX ix_stream_event_at ON stream_event (at);
  CREATE TABLE meeting (id INTEGER PRIMARY KEY, rev INTEGER NOT NULL, current_item_id INTEGER, current_at TEXT,
    visited TEXT NOT NULL);
  INSERT INTO stream VALUES ('meeting:1', 0, 0);
`);
const ids = Array.from({ length: items }, (_, place) => place + 1);
db.prepare("INSERT INTO meeting VALUES (1, 1, NULL, NULL, ?)").run(JSON.stringify(ids));
const moved = db.prepare(
  "UPDATE meeting SET rev = rev + 1, current_item_id = ?, current_at = ? WHERE id = 1 RETURNING rev, visited");
const advanced = db.prepare("UPDATE stream SET head = head + 1 WHERE name = ? RETURNING head");
const stored = db.prepare("INSERT INTO stream_event VALUES (?, ?, ?, ?, ?)");

const http = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const { item } = JSON.parse(Buffer.concat(parts).toString());
    const now = new Date().toISOString().replace("Z", "+00:00");
    db.exec("BEGIN IMMEDIATE");
    const { rev, visited } = moved.get(item, now);
    const data = { rev, current: item, current_at: now, visited: JSON.parse(visited) };
    const { head } = advanced.get("meeting:1");
    stored.run("meeting:1", head, "meeting", JSON.stringify(data), now);
    db.exec("COMMIT");
    io.to("meeting:1").emit("ev", { s: "meeting:1", n: head, k: "meeting", d: data });
    const body = JSON.stringify({ rev, current: item });
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
    response.end(body);
  });
});
const io = new Server(http, { serveClient: false, transports: ["websocket"], perMessageDeflate: false });
io.on("connection", (socket) => {
  socket.on("join", (room, done) => {
    socket.join(room);
    done({ mode: "replay", events: [] });
  });
});
const plan = {
  post: { "Content-Type": "application/json" },
  join: ["join", "meeting:1"],
  path: "/meetings/1/current",
  bodies: ids.map((item) => JSON.stringify({ item })),
};
http.listen(0, "127.0.0.1", 4096, () => console.log(JSON.stringify({ ...plan, port: http.address().port })));
process.on("SIGTERM", () => process.exit(0));
