// The peer: a Node socket.io server that makes the same durable change and emits the same event.
// Usage: node fanout_peer.mjs DATABASE; prints the port it got.
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { Server } from "socket.io";

const db = new DatabaseSync(process.argv[2]);
for (const pragma of ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"]) {
  db.exec(`PRAGMA ${pragma}`);
}
db.exec(`
  CREATE TABLE stream (name TEXT PRIMARY KEY, head INTEGER NOT NULL, tail INTEGER NOT NULL);
  CREATE TABLE stream_event (stream TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
    data TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (stream, seq));
  CREATE INDEX ix_stream_event_at ON stream_event (at);
  CREATE TABLE bench_agenda (id INTEGER PRIMARY KEY, current_item INTEGER NOT NULL, rev INTEGER NOT NULL);
  INSERT INTO bench_agenda VALUES (1, 0, 0);
  INSERT INTO stream VALUES ('meeting:1', 0, 0);
`);
const moved = db.prepare("UPDATE bench_agenda SET current_item = ?, rev = rev + 1 WHERE id = 1 RETURNING rev");
const advanced = db.prepare("UPDATE stream SET head = head + 1 WHERE name = ? RETURNING head");
const stored = db.prepare("INSERT INTO stream_event VALUES (?, ?, ?, ?, ?)");

const http = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const { item, title } = JSON.parse(Buffer.concat(parts).toString());
    db.exec("BEGIN IMMEDIATE");
    const { rev } = moved.get(item);
    const data = { meeting: 1, rev, item, title, by: "person:1" };
    const { head } = advanced.get("meeting:1");
    stored.run("meeting:1", head, "agenda.moved", JSON.stringify(data), new Date().toISOString());
    db.exec("COMMIT");
    io.to("meeting:1").emit("event", { s: "meeting:1", n: head, k: "agenda.moved", d: data });
    const body = JSON.stringify({ rev });
    response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
    response.end(body);
  });
});
const io = new Server(http, { serveClient: false, transports: ["websocket"], perMessageDeflate: false });
io.on("connection", (socket) => {
  socket.on("join", (room, done) => {
    socket.join(room);
    done(true);
  });
});
http.listen(0, "127.0.0.1", 4096, () => console.log(http.address().port));
process.on("SIGTERM", () => process.exit(0));
