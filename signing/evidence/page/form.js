// The outer form of a pack, made anew and compared byte for byte; then the manifest and its signature.

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (let n = 0; n < bytes.length; n++) crc = CRC[(crc ^ bytes[n]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** Numbers of 2 and 4 bytes, least first. `shape` has one digit for each. */
function packed(shape, ...values) {
  const out = [];
  values.forEach((value, n) => { for (let i = 0; i < +shape[n]; i++) out.push(Math.floor(value / 256 ** i) & 0xff); });
  return Uint8Array.from(out);
}

function localHeader(one) {
  return joined(packed("4" + "22222" + "444" + "22", 0x04034b50, 20, 0x0800, 0, 0, 0x21, one.crc, one.size, one.size, one.name.length, 0), utf8(one.name));
}

function directory(entries, at) {
  const lines = entries.map((one) => joined(
    packed("4" + "222222" + "444" + "22222" + "44", 0x02014b50, 20, 20, 0x0800, 0, 0, 0x21, one.crc, one.size, one.size, one.name.length, 0, 0, 0, 0, 0, one.place),
    utf8(one.name)));
  const size = lines.reduce((sum, line) => sum + line.length, 0);
  return joined(...lines, packed("4" + "2222" + "44" + "2", 0x06054b50, 0, 0, entries.length, entries.length, size, at, 0));
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(\/[A-Za-z0-9][A-Za-z0-9._-]{0,99}){0,3}$/;

function notAPack(at) {
  return finding("NOT_A_PACK", "invalid", `Tệp không phải là hồ sơ bằng chứng nguyên vẹn: vỏ ZIP bị sửa ở byte ${at}.`,
    `This file is no whole evidence pack: its ZIP form was changed at byte ${at}.`);
}

/** Every file of the pack by its name: bytes and SHA-256. Throws a finding. */
async function readForm(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const found = new Map();
  const entries = [];
  let at = 0;
  while (at + 30 <= data.length && view.getUint32(at, true) === 0x04034b50) {
    const size = view.getUint32(at + 22, true);
    const length = view.getUint16(at + 26, true);
    const start = at + 30 + length;
    if (start + size > data.length) throw notAPack(at);
    const bytes = data.subarray(start, start + size);
    const one = { name: ascii(data.subarray(at + 30, start)), size, crc: crc32(bytes), place: at };
    if (!NAME.test(one.name) || found.has(one.name) || !same(localHeader(one), data.subarray(at, start))) throw notAPack(at);
    found.set(one.name, { bytes, size, sha256: hex(await sha256(bytes)) });
    entries.push(one);
    at = start + size;
  }
  if (!same(directory(entries, at), data.subarray(at))) throw notAPack(at);
  const first = entries[0];
  if (!first || first.name !== "mimetype" || ascii(found.get("mimetype").bytes) !== "application/vnd.etsi.asic-e+zip") throw notAPack(0);
  return found;
}

/** A statement: header and claims when one of `keys` has signed it, else null. */
async function statement(jws, keys, kind) {
  try {
    const parts = jws.split(".");
    const header = JSON.parse(textOf(unbase64url(parts[0])));
    const claims = JSON.parse(textOf(unbase64url(parts[1])));
    const signature = unbase64url(parts[2]);
    const jwk = keys.get(header.kid);
    if (parts.length !== 3 || header.alg !== "ES256" || header.typ !== kind || !jwk) return null;
    const { kty, crv, x, y } = jwk;
    const ec = { name: "ECDSA", namedCurve: "P-256" };
    const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, ec, false, ["verify"]);
    const right = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, utf8(`${parts[0]}.${parts[1]}`));
    return right ? claims : null;
  } catch { return null; }
}

/** The pack with its manifest and keys, in which nothing was changed since it was signed. Throws a finding. */
async function wholePack(data) {
  const files = await readForm(data);
  const malformed = finding("MANIFEST_MALFORMED", "invalid", "Hồ sơ thiếu bản kê, hoặc bản kê không đọc được.", "The pack has no manifest that can be read.");
  let manifest, keys, jws;
  try {
    manifest = JSON.parse(textOf(files.get("META-INF/manifest.json").bytes));
    keys = new Map(JSON.parse(textOf(files.get("keys/keys.json").bytes)).keys.map((jwk) => [jwk.kid, jwk]));
    jws = textOf(files.get("META-INF/manifest.jws").bytes);
    if (manifest.format !== "lienthong-evidence/1") throw malformed;
  } catch { throw malformed; }
  const listed = new Map(manifest.files.map((one) => [one.name, one]));
  const own = ["META-INF/manifest.json", "META-INF/manifest.jws"];
  for (const name of new Set([...files.keys(), ...listed.keys()])) {
    if (own.includes(name)) continue;
    const there = files.get(name), wanted = listed.get(name);
    if (!there || !wanted || there.sha256 !== wanted.sha256 || there.size !== wanted.size)
      throw finding("FILE_CHANGED", "invalid", `Tệp ${name} bị sửa, bị thêm vào hoặc bị bỏ đi.`, `The file ${name} was changed, added or removed.`, name);
  }
  const claims = await statement(jws, keys, "lienthong-pack+jwt");
  if (!claims || claims.sha256 !== files.get(own[0]).sha256 || [...files.keys()].pop() !== own[1])
    throw finding("PACK_SIGNATURE", "invalid", "Bản kê không còn khớp với chữ ký của hệ thống đã lập hồ sơ.", "The manifest does not match the signature of the installation that made the pack.", own[1]);
  return { files, manifest, keys, text: (name) => textOf(files.get(name).bytes), bytes: (name) => files.get(name).bytes, sha256: (name) => files.get(name).sha256 };
}
