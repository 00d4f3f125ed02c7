// DER (X.690), as much of it as certificates, CMS, revocation lists and OCSP answers need.

class BadDer extends Error {}

/** One value: `bytes` with its header, `content` without; `kids` when it is constructed. */
class Der {
  constructor(data, at, most) {
    if (at + 2 > most) throw new BadDer("cut off");
    this.tag = data[at];
    let length = data[at + 1];
    let start = at + 2;
    if (length & 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4) throw new BadDer("a length");
      length = 0;
      for (let n = 0; n < count; n++) length = length * 256 + data[start + n];
      start += count;
    }
    if (!(start + length <= most)) throw new BadDer("cut off");
    this.data = data;
    this.at = at;
    this.start = start;
    this.end = start + length;
  }
  get bytes() { return this.data.subarray(this.at, this.end); }
  get content() { return this.data.subarray(this.start, this.end); }
  get kids() {
    if (this._kids === undefined) {
      this._kids = [];
      for (let at = this.start; at < this.end;) {
        const kid = new Der(this.data, at, this.end);
        this._kids.push(kid);
        at = kid.end;
      }
    }
    return this._kids;
  }
  kid(number) {
    const found = this.kids[number];
    if (!found) throw new BadDer("something is missing");
    return found;
  }
  /** The kid with a context tag, or undefined. */
  tagged(number) { return this.kids.find((kid) => (kid.tag & 0xdf) === (0x80 | number)); }
  get oid() {
    const c = this.content;
    const parts = [];
    let value = 0;
    for (const byte of c) {
      value = value * 128 + (byte & 0x7f);
      if (!(byte & 0x80)) { parts.push(value); value = 0; }
    }
    const first = Math.min(2, Math.floor(parts[0] / 40));
    return [first, parts[0] - 40 * first, ...parts.slice(1)].join(".");
  }
  get hex() { return hex(this.content); }
  get time() {
    const text = ascii(this.content);
    const m = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/.exec(text);
    if (!m || (m[1].length === 2) !== (this.tag === 0x17)) throw new BadDer("a time");
    const year = m[1].length === 4 ? +m[1] : +m[1] + (+m[1] < 50 ? 2000 : 1900);
    return Date.UTC(year, +m[2] - 1, +m[3], +m[4], +m[5], +m[6]);
  }
  get text() {
    if (this.tag === 0x1e) return new TextDecoder("utf-16be").decode(this.content);
    return new TextDecoder(this.tag === 0x0c ? "utf-8" : "latin1").decode(this.content);
  }
}

/** The one value that `bytes` hold; nothing may follow it. */
function der(bytes) {
  const found = new Der(bytes, 0, bytes.length);
  if (found.end !== bytes.length) throw new BadDer("something follows");
  return found;
}

function hex(bytes) { return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""); }
function unhex(text) {
  if (!/^([0-9a-f]{2})*$/i.test(text)) throw new BadDer("no hexadecimal digits");
  return Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
}
function ascii(bytes) { return new TextDecoder("latin1").decode(bytes); }
function utf8(text) { return new TextEncoder().encode(text); }
function textOf(bytes) { return new TextDecoder("utf-8", { fatal: true }).decode(bytes); }
function same(a, b) { return a.length === b.length && a.every((byte, n) => byte === b[n]); }
function joined(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
}
function unbase64(text) { return Uint8Array.from(atob(text.replace(/\s+/g, "")), (c) => c.charCodeAt(0)); }
/** Base64url without padding (RFC 7515), strictly: no other text may stand for the same bytes. */
function unbase64url(text) {
  const bytes = unbase64(text.replace(/-/g, "+").replace(/_/g, "/"));
  const again = btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  if (again !== text) throw new BadDer("Base64");
  return bytes;
}
/** The DER of each block of a PEM file. */
function unpem(text) {
  return [...text.matchAll(/-----BEGIN [^-]+-----([^-]+)-----END [^-]+-----/g)].map((m) => unbase64(m[1]));
}
async function digest(name, bytes) { return new Uint8Array(await crypto.subtle.digest(name, bytes)); }
async function sha256(bytes) { return digest("SHA-256", bytes); }
