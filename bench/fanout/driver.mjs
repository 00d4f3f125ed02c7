// The thousand browsers and the chair who moves the agenda.
// Usage: node driver.mjs JSON. Says "ready" when all are in; then makes one change for every line that it
// reads and answers with a JSON line: the milliseconds until the last of them had the event. The clock starts just
// before the HTTP request is sent.
//
// The browsers speak WebSocket and Engine.IO 4 by hand over plain sockets: a WebSocket library costs
// this core more for a message than either server, and the bench would measure the driver.
import { randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";

const plan = JSON.parse(process.argv[2]);
const isEvent = Buffer.from(plan.event);
const isReset = Buffer.from('42["reset",');
let had = [];
let waiting = 0;
let doubled = 0;
let eventBytes = 0;
let arrived = () => {};
let over = false;

const extraHeaders = Object.entries(plan.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`).join("");

function frame(text) {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const head = payload.length < 126
    ? Buffer.from([0x81, 0x80 | payload.length])
    : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([head, mask, payload.map((byte, place) => byte ^ mask[place & 3])]);
}

class Browser {
  constructor(index, opened, failed) {
    this.index = index;
    this.opened = opened;
    this.failed = failed;
    this.upgraded = false;
    this.rest = null;
    const onread = { buffer: shared, callback: (size, buffer) => (this.read(size, buffer), true) };
    this.socket = connect({ host: "127.0.0.1", port: plan.port, noDelay: true, onread });
    this.socket.on("error", failed);
    this.socket.on("close", () => over || failed(new Error("a browser was dropped")));
    this.socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:${plan.port}\r\n` +
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
      `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n${extraHeaders}\r\n`);
  }

  read(size, buffer) {
    if (this.rest === null && isOneEvent(buffer, size)) count(this.index, size - 4);
    else this.readFrames(size, buffer);
  }

  readFrames(size, buffer) {
    let data = buffer.subarray(0, size);
    if (this.rest !== null) data = Buffer.concat([this.rest, data]);
    this.rest = null;
    let at = 0;
    if (!this.upgraded) {
      const end = data.indexOf("\r\n\r\n");
      if (end >= 0) {
        if (!data.subarray(0, 12).equals(Buffer.from("HTTP/1.1 101"))) throw new Error(data.toString());
        this.upgraded = true;
        at = end + 4;
      } else {
        at = data.length;
        this.rest = Buffer.from(data);
      }
    }
    while (at < data.length) {
      const next = this.takeFrame(data, at);
      if (next === at) {
        this.rest = Buffer.from(data.subarray(at));
        return;
      }
      at = next;
    }
  }

  // One whole frame at `at`; answers where the next begins, or `at` if this one is not all there.
  takeFrame(data, at) {
    const have = data.length - at;
    if (have < 2) return at;
    let size = data[at + 1];
    let body = at + 2;
    if (size === 126) {
      if (have < 4) return at;
      size = data.readUInt16BE(at + 2);
      body = at + 4;
    } else if (size === 127) {
      throw new Error("a frame of this size was not expected");
    }
    if (have < body - at + size) return at;
    if ((data[at] & 15) === 1) this.take(data, body, size);
    return body + size;
  }

  take(data, at, size) {
    if (isEvent.length <= size && data.compare(isEvent, 0, isEvent.length, at, at + isEvent.length) === 0) {
      count(this.index, size);
    } else if (data.compare(isReset, 0, isReset.length, at, Math.min(at + isReset.length, at + size)) === 0) {
      this.failed(new Error("a browser was put out of its room"));
    } else if (data[at] === 0x30) {
      this.socket.write(frame("40"));
    } else if (data[at] === 0x32) {
      this.socket.write(frame("3"));
    } else if (data[at] === 0x34 && data[at + 1] === 0x30) {
      this.join();
    } else if (data[at] === 0x34 && data[at + 1] === 0x33) {
      this.joined(JSON.parse(data.toString("utf8", at + 3, at + size))[0]);
    }
  }

  join() {
    this.socket.write(frame(`420${JSON.stringify(plan.join)}`));
  }

  // Our server lets a hundred in a second; the others ask again.
  joined(answer) {
    if (answer.mode === "wait") setTimeout(() => this.join(), answer.ms * Math.random());
    else if (answer.mode === "denied") this.failed(new Error("a browser was not let in"));
    else this.opened();
  }
}

const shared = Buffer.allocUnsafe(65536);

// Nearly every read is exactly one event of 126 bytes or more; to see that without making an object keeps this core
// ahead of the servers.
function isOneEvent(buffer, size) {
  if (buffer[0] !== 0x81 || buffer[1] !== 126 || buffer[2] * 256 + buffer[3] + 4 !== size) return false;
  for (let at = 0; at < isEvent.length; at++) if (buffer[4 + at] !== isEvent[at]) return false;
  return true;
}

function count(index, bytes) {
  if (had[index]) {
    doubled += 1;
    return;
  }
  had[index] = true;
  eventBytes = bytes;
  waiting -= 1;
  if (waiting === 0) arrived(performance.now());
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function move(number) {
  const body = plan.bodies[number % plan.bodies.length];
  const headers = { "Content-Length": Buffer.byteLength(body), ...plan.headers, ...plan.post };
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port: plan.port, path: plan.path, method: "POST", agent, headers });
    sent.on("error", reject);
    sent.on("response", (response) => {
      response.resume();
      response.on("end", () => (response.statusCode < 300 ? resolve() : reject(new Error(response.statusCode))));
    });
    sent.end(body);
  });
}

async function change(number) {
  had = new Array(plan.clients).fill(false);
  waiting = plan.clients;
  const all = new Promise((resolve) => { arrived = resolve; });
  const late = setTimeout(() => {
    console.error(`change ${number}: ${waiting} browsers did not get it within 20 s`);
    process.exit(1);
  }, 20_000);
  const start = performance.now();
  const answered = move(number);
  const end = await all;
  await answered;
  clearTimeout(late);
  return end - start;
}

for (let start = 0; start < plan.clients; start += 50) {
  const size = Math.min(50, plan.clients - start);
  await Promise.all(Array.from({ length: size }, (_, place) =>
    new Promise((opened, failed) => new Browser(start + place, opened, failed))));
}
console.log("ready");
let number = 0;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
while (!(await lines.next()).done) {
  const ms = await change(number++);
  console.log(JSON.stringify({ ms, doubled, eventBytes }));
}
over = true;
process.exit(0);
