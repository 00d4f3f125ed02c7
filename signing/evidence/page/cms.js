// Certificates, CMS signatures, time-stamps and what authorities said about revocation, checked with WebCrypto.

const DIGESTS = {
  "1.3.14.3.2.26": "SHA-1", "2.16.840.1.101.3.4.2.1": "SHA-256", "2.16.840.1.101.3.4.2.2": "SHA-384", "2.16.840.1.101.3.4.2.3": "SHA-512",
};
const SIGNED_WITH = {
  "1.2.840.113549.1.1.11": ["RSA", "SHA-256"], "1.2.840.113549.1.1.12": ["RSA", "SHA-384"], "1.2.840.113549.1.1.13": ["RSA", "SHA-512"],
  "1.2.840.10045.4.3.2": ["EC", "SHA-256"], "1.2.840.10045.4.3.3": ["EC", "SHA-384"], "1.2.840.10045.4.3.4": ["EC", "SHA-512"],
};
const RSA_KEY = "1.2.840.113549.1.1.1", EC_KEY = "1.2.840.10045.2.1";
const CURVES = { "1.2.840.10045.3.1.7": ["P-256", 32], "1.3.132.0.34": ["P-384", 48], "1.3.132.0.35": ["P-521", 66] };
const SKEW = 60_000;
// Bits of keyUsage (RFC 5280 §4.2.1.3) and purposes of extKeyUsage, as signing/verification/certificate_chains.py judges them.
const DIGITAL_SIGNATURE = 0x80, NON_REPUDIATION = 0x40, SIGNS_CERTIFICATES = 0x04, SIGNS_LISTS = 0x02;
const SIGNS_DOCUMENTS = new Set(["1.3.6.1.5.5.7.3.4", "2.5.29.37.0", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.10.3.12", "1.2.840.113583.1.1.5"]);
const SERVER = "1.3.6.1.5.5.7.3.1", CLIENT = "1.3.6.1.5.5.7.3.2";

class NotKnown extends Error {}

/** A certificate, as much of it as the checks need. */
function certificate(bytes) {
  const whole = der(bytes);
  const tbs = whole.kid(0);
  const skip = tbs.kid(0).tag === 0xa0 ? 1 : 0;
  const [serial, , issuer, validity, subject, spki] = [0, 1, 2, 3, 4, 5].map((n) => tbs.kid(skip + n));
  const extensions = new Map();
  const listed = tbs.kids.find((kid) => kid.tag === 0xa3);
  for (const one of listed ? listed.kid(0).kids : []) extensions.set(one.kid(0).oid, one.kids[one.kids.length - 1].content);
  const basic = extensions.get("2.5.29.19");
  const uses = extensions.get("2.5.29.37");
  const usage = extensions.get("2.5.29.15");
  const below = basic === undefined ? undefined : der(basic).kids.find((kid) => kid.tag === 0x02);
  return {
    bytes, tbs: tbs.bytes, algorithm: whole.kid(1), signature: whole.kid(2).content.subarray(1), serial: serial.hex,
    issuer: issuer.bytes, subject: subject.bytes, spki: spki.bytes, spkiBits: spki.kid(1).content.subarray(1),
    from: validity.kid(0).time, until: validity.kid(1).time,
    ca: basic !== undefined && der(basic).kids.some((kid) => kid.tag === 0x01 && kid.content[0] !== 0),
    uses: uses === undefined ? [] : der(uses).kids.map((kid) => kid.oid), limited: uses !== undefined,
    usage: usage === undefined ? undefined : der(usage).content[1] || 0,
    authoritiesBelow: below === undefined ? Infinity : parseInt(below.hex, 16),
    name: nameIn(subject), test: nameIn(subject, true).includes("CHỨNG THƯ THỬ NGHIỆM"),
  };
}

/** Whether a certificate may sign documents: "fitting", "unclear" or "wrong". */
function usageOf(one) {
  const usage = one.usage ?? 0;
  if (one.ca || (one.usage !== undefined && !(usage & (DIGITAL_SIGNATURE | NON_REPUDIATION)))) return "wrong";
  const answersForIt = (usage & NON_REPUDIATION) !== 0;
  if (!one.limited) return answersForIt ? "fitting" : "unclear";
  if (one.uses.some((oid) => SIGNS_DOCUMENTS.has(oid))) return "fitting";
  return answersForIt && one.uses.includes(CLIENT) && !one.uses.includes(SERVER) ? "unclear" : "wrong";
}

/** Whether an authority's certificate is for this; one without keyUsage is for everything. */
function allows(issuer, bit) { return issuer.usage === undefined || (issuer.usage & bit) !== 0; }

function nameIn(subject, whole = false) {
  const parts = subject.kids.flatMap((set) => set.kids).map((pair) => [pair.kid(0).oid, pair.kid(1).text]);
  if (whole) return parts.map((pair) => pair[1]).join(", ");
  const common = parts.filter((pair) => pair[0] === "2.5.4.3").map((pair) => pair[1]);
  return common[0] || parts.map((pair) => pair[1]).join(", ");
}

/** Whether the key in `spki` made this signature. `algorithm` may leave the digest to the caller (RSA in CMS). */
async function signedBy(spki, algorithm, digestName, signature, data) {
  const oid = algorithm.kid(0).oid;
  const [kind, hash] = oid === RSA_KEY ? ["RSA", digestName] : SIGNED_WITH[oid] || [];
  if (!kind || hash === "SHA-1") throw new NotKnown(`algorithm ${oid}`);
  const key = der(spki).kid(0);
  if (kind === "RSA") {
    if (key.kid(0).oid !== RSA_KEY) return false;
    const rsa = { name: "RSASSA-PKCS1-v1_5", hash };
    return crypto.subtle.verify(rsa, await crypto.subtle.importKey("spki", spki, rsa, false, ["verify"]), signature, data);
  }
  const [curve, size] = key.kid(0).oid === EC_KEY ? CURVES[key.kid(1).oid] || [] : [];
  if (!curve) throw new NotKnown("curve");
  const pair = der(signature).kids.map((one) => fixed(one.content, size));
  const imported = await crypto.subtle.importKey("spki", spki, { name: "ECDSA", namedCurve: curve }, false, ["verify"]);
  return crypto.subtle.verify({ name: "ECDSA", hash }, imported, joined(...pair), data);
}

function fixed(number, size) {
  const plain = number.subarray(Math.max(0, number.length - size));
  return joined(new Uint8Array(size - plain.length), plain);
}

async function issuedBy(one, issuer) {
  try {
    return same(one.issuer, issuer.subject) && issuer.ca && allows(issuer, SIGNS_CERTIFICATES) && await signedBy(issuer.spki, one.algorithm, "", one.signature, one.tbs);
  } catch { return false; }
}

/** The way from a certificate to one of `roots`, the certificate first; null when there is none. */
async function pathOf(one, between, roots, depth = 0) {
  for (const root of roots) if (depth <= root.authoritiesBelow && await issuedBy(one, root)) return [one, root];
  if (depth > 5) return null;
  for (const next of between) {
    if (same(next.bytes, one.bytes) || depth > next.authoritiesBelow || !(await issuedBy(one, next))) continue;
    const rest = await pathOf(next, between, roots, depth + 1);
    if (rest) return [one, ...rest];
  }
  return null;
}

/** A CMS signature (RFC 5652) over `content`; with `encapsulated` over what it holds itself. */
async function cmsOf(token, content, encapsulated = false) {
  const signed = der(token).kid(1).kid(0);
  const inner = signed.kid(2);
  const embedded = (signed.kids.find((kid) => kid.tag === 0xa0) || { kids: [] }).kids.filter((kid) => kid.tag === 0x30).map((kid) => certificate(kid.bytes));
  const info = signed.kids[signed.kids.length - 1].kid(0);
  const wanted = info.kid(1);
  const signer = embedded.find((one) => wanted.tag === 0x30 && same(one.issuer, wanted.kid(0).bytes) && one.serial === wanted.kid(1).hex);
  if (!signer) throw new NotKnown("the signer's certificate is not there");
  const digestName = DIGESTS[info.kid(2).kid(0).oid];
  if (!digestName || digestName === "SHA-1") throw new NotKnown("digest");
  const data = encapsulated ? inner.kid(1).kid(0).content : content;
  const attributes = info.kid(3);
  if (attributes.tag !== 0xa0) throw new NotKnown("no signed attributes");
  const named = (oid) => attributes.kids.find((one) => one.kid(0).oid === oid)?.kid(1).kid(0);
  const message = named("1.2.840.113549.1.9.4");
  const type = named("1.2.840.113549.1.9.3");
  const intact = message !== undefined && type !== undefined && type.oid === inner.kid(0).oid && same(message.content, await digest(digestName, data));
  const toSign = joined(Uint8Array.of(0x31), attributes.bytes.subarray(1));
  const right = await signedBy(signer.spki, info.kid(4), digestName, info.kid(5).content, toSign);
  const bound = await namesItsCertificate(named("1.2.840.113549.1.9.16.2.47"), signer);
  const later = info.kids.find((kid) => kid.tag === 0xa1);
  const stamp = later?.kids.find((one) => one.kid(0).oid === "1.2.840.113549.1.9.16.2.14");
  return { intact, right, bound, signer, embedded, data, signature: info.kid(5).content, stamp: stamp?.kid(1).kid(0).bytes };
}

/** signing-certificate-v2 (RFC 5035): which certificate was meant. */
async function namesItsCertificate(attribute, signer) {
  if (!attribute) return false;
  const first = attribute.kid(0).kid(0);
  const named = first.kid(0).tag === 0x30 ? DIGESTS[first.kid(0).kid(0).oid] : "SHA-256";
  const hash = first.kids.find((kid) => kid.tag === 0x04);
  return named !== undefined && hash !== undefined && same(hash.content, await digest(named, signer.bytes));
}

/** What an RFC 3161 token proves about `data`: its moment; the rest as `cmsOf`. */
async function stampOf(token, data) {
  const cms = await cmsOf(token, null, true);
  const info = der(cms.data);
  const imprint = info.kid(2);
  const named = DIGESTS[imprint.kid(0).kid(0).oid];
  const about = named !== undefined && same(imprint.kid(1).content, await digest(named, data));
  const at = info.kids.find((kid) => kid.tag === 0x18).time;
  return { ...cms, about, at, purpose: !cms.signer.ca && cms.signer.uses.includes("1.3.6.1.5.5.7.3.8") };
}

/** Revocation lists and OCSP answers, read once. */
function readAnswer(bytes) {
  const whole = der(bytes);
  if (whole.kid(0).tag === 0x0a) return readOcsp(whole);
  const tbs = whole.kid(0);
  const skip = tbs.kid(0).tag === 0x02 ? 1 : 0;
  const times = tbs.kids.slice(skip + 2).filter((kid) => kid.tag === 0x17 || kid.tag === 0x18);
  const rows = tbs.kids.slice(skip + 2).find((kid) => kid.tag === 0x30);
  const revoked = new Map((rows ? rows.kids : []).map((row) => [row.kid(0).hex, row.kid(1).time]));
  return {
    kind: "crl", issuer: tbs.kid(skip + 1).bytes, from: times[0].time, until: times[1] ? times[1].time : Infinity, revoked,
    tbs: tbs.bytes, algorithm: whole.kid(1), signature: whole.kid(2).content.subarray(1), embedded: [],
  };
}

function readOcsp(whole) {
  const basic = der(whole.tagged(0).kid(0).kid(1).content);
  const tbs = basic.kid(0);
  const responses = tbs.kids.find((kid) => kid.tag === 0x30);
  const embedded = basic.tagged(0);
  const single = responses.kids.map((one) => {
    const id = one.kid(0);
    const until = one.kids.find((kid) => kid.tag === 0xa0);
    return {
      hash: DIGESTS[id.kid(0).kid(0).oid], issuerName: id.kid(1).content, issuerKey: id.kid(2).content, serial: id.kid(3).hex,
      status: one.kid(1).tag & 0x1f, at: (one.kid(1).tag & 0x1f) === 1 ? one.kid(1).kid(0).time : 0,
      from: one.kids.find((kid) => kid.tag === 0x18).time, until: until ? until.kid(0).time : Infinity,
    };
  });
  return {
    kind: "ocsp", single, tbs: tbs.bytes, algorithm: basic.kid(1), signature: basic.kid(2).content.subarray(1),
    embedded: embedded ? embedded.kid(0).kids.map((kid) => certificate(kid.bytes)) : [],
  };
}

/** What is known about a certificate as of `moment`: "good", "revoked" or "unknown". */
async function statusOf(one, issuer, answers, moment) {
  const said = [];
  for (const answer of answers) {
    for (const told of answer.kind === "crl" ? await fromList(answer, one, issuer) : await fromOcsp(answer, one, issuer)) said.push(told);
  }
  if (said.some((told) => told.revoked !== undefined && told.revoked <= moment)) return "revoked";
  const fresh = said.filter((told) => told.good && told.until + SKEW >= moment && told.from <= one.until);
  return fresh.length ? "good" : "unknown";
}

async function fromList(answer, one, issuer) {
  if (!same(answer.issuer, one.issuer) || !allows(issuer, SIGNS_LISTS) || !(await answerSigned(answer, issuer))) return [];
  const revoked = answer.revoked.get(one.serial);
  return [{ good: revoked === undefined, revoked, from: answer.from, until: answer.until }];
}

async function fromOcsp(answer, one, issuer) {
  const signers = [issuer];
  for (const other of answer.embedded)
    if (other.uses.includes("1.3.6.1.5.5.7.3.9") && await issuedBy(other, issuer)) signers.push(other);
  let right = false;
  for (const signer of signers) right = right || await answerSigned(answer, signer);
  if (!right) return [];
  const out = [];
  for (const told of answer.single) {
    if (told.serial !== one.serial || !told.hash) continue;
    if (!same(told.issuerName, await digest(told.hash, one.issuer)) || !same(told.issuerKey, await digest(told.hash, issuer.spkiBits))) continue;
    out.push({ good: told.status === 0, revoked: told.status === 1 ? told.at : undefined, from: told.from, until: told.until });
  }
  return out;
}

async function answerSigned(answer, signer) {
  try { return await signedBy(signer.spki, answer.algorithm, "", answer.signature, answer.tbs); } catch { return false; }
}
