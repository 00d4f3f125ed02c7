// The thousand browsers: raw websockets that speak Engine.IO 4, and the chair who moves the agenda.
// Usage: node fanout_driver.mjs JSON; prints one JSON line with the milliseconds until the last of them
// had the event, for every change. `now` starts just before the HTTP request is sent.
import { Agent, request } from "node:http";
import { performance } from "node:perf_hooks";
import WebSocket from "ws";

const plan = JSON.parse(process.argv[2]);
const isEvent = Buffer.from(plan.event);
const sockets = [];
let had = [];
let waiting = 0;
let doubled = 0;
let eventBytes = 0;
let arrived = () => {};

function open(index) {
  return new Promise((resolve, reject) => {
    const url = `ws://127.0.0.1:${plan.port}/socket.io/?EIO=4&transport=websocket`;
    const options = { perMessageDeflate: false, skipUTF8Validation: true, headers: plan.headers };
    const socket = new WebSocket(url, options);
    sockets.push(socket);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("a browser was dropped")));
    socket.on("message", (data) => {
      if (data[0] === 0x34 && isEvent.equals(data.subarray(0, isEvent.length))) {
        take(index, data.length);
      } else if (data[0] === 0x30) {
        socket.send("40");
      } else if (data[0] === 0x32) {
        socket.send("3");
      } else if (data[0] === 0x34 && data[1] === 0x30) {
        socket.send(`420${JSON.stringify(plan.join)}`);
      } else if (data[0] === 0x34 && data[1] === 0x33) {
        resolve();
      }
    });
  });
}

function take(index, bytes) {
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

function move(item) {
  const body = JSON.stringify({ ...plan.body, item });
  const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), ...plan.headers };
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

async function change(item) {
  had = new Array(plan.clients).fill(false);
  waiting = plan.clients;
  const all = new Promise((resolve) => { arrived = resolve; });
  const start = performance.now();
  const answered = move(item);
  const end = await all;
  await answered;
  return end - start;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
for (let start = 0; start < plan.clients; start += 50) {
  await Promise.all(Array.from({ length: Math.min(50, plan.clients - start) }, (_, i) => open(start + i)));
}
for (let item = 0; item < plan.warmup; item++) await change(item);
const last = [];
for (let item = 0; item < plan.changes; item++) {
  await pause(plan.pause);
  last.push(await change(item));
}
await pause(50);
console.log(JSON.stringify({ last, doubled, eventBytes }));
process.exit(0);
