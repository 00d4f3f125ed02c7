// Receipts, the Merkle log (RFC 6962, RFC 9162) and the signatures of PDF files: what a pack proves.

async function leafHash(text) { return sha256(joined(Uint8Array.of(0), utf8(text))); }
async function nodeHash(left, right) { return sha256(joined(Uint8Array.of(1), left, right)); }

/** Whether a leaf is number `number` of the tree with this root (RFC 9162 §2.1.3.2). */
async function isIncluded(leaf, number, size, root, path) {
  if (!(Number.isSafeInteger(number) && 0 <= number && number < size)) return false;
  let found = leaf, here = number, last = size - 1;
  for (const step of path) {
    if (last === 0) return false;
    if (here % 2 || here === last) {
      found = await nodeHash(step, found);
      while (here % 2 === 0 && here) { here = Math.floor(here / 2); last = Math.floor(last / 2); }
    } else found = await nodeHash(found, step);
    here = Math.floor(here / 2); last = Math.floor(last / 2);
  }
  return last === 0 && same(found, root);
}

/** What is the same for every check: the pack, certificates and answers in it, the moment, findings so far. */
async function caseOf(pack, now) {
  const { manifest } = pack;
  const read = (name) => (name ? unpem(pack.text(name)).map(certificate) : []);
  const answers = manifest.revocation.flatMap((one) => {
    const raw = one.file.endsWith(".pem") ? unpem(pack.text(one.file)) : [pack.bytes(one.file)];
    return raw.map(readAnswer);
  });
  return { pack, manifest, now, roots: read(manifest.certificates.roots), between: read(manifest.certificates.others), answers, found: [], since: new Map(), usedRoots: new Map(), signers: [] };
}

async function checkReceipts(c) {
  const seen = new Set(c.manifest.receipts.map((one) => c.pack.sha256(one.file)));
  let missing = 0;
  for (const { file, kind } of c.manifest.receipts) {
    const claims = await statement(c.pack.text(file), c.pack.keys, "lienthong-receipt+jwt");
    if (!claims) c.found.push(finding("RECEIPT_SIGNATURE", "invalid", `Biên nhận ${file} không có chữ ký đúng của hệ thống.`, `The receipt ${file} has no right signature of the installation.`, file));
    else if (claims.sha256 !== c.pack.sha256(c.manifest.envelope) || claims.kind !== kind) c.found.push(finding("RECEIPT_OTHER", "invalid", `Biên nhận ${file} không phải của phong bì này.`, `The receipt ${file} is about another envelope.`, file));
    else if (claims.previous && !seen.has(claims.previous)) missing++;
  }
  if (missing) c.found.push(finding("RECEIPT_BEFORE", "valid", `${missing} biên nhận nhắc tới biên nhận trước đó không có trong hồ sơ này.`, `${missing} receipts name an earlier one that is not in this pack.`));
}

async function checkLog(c) {
  const heads = new Map();
  for (const head of c.manifest.log.heads) {
    const jws = c.pack.text(head.file);
    const claims = await statement(jws, c.pack.keys, "lienthong-log-head+jwt");
    if (!claims || claims.size !== head.size) {
      c.found.push(finding("HEAD_SIGNATURE", "invalid", `Mốc nhật ký ${head.file} không có chữ ký đúng của hệ thống.`, `The head ${head.file} has no right signature of the installation.`, head.file));
      continue;
    }
    const at = head.time_stamp ? await stampTime(c, c.pack.bytes(head.time_stamp), utf8(jws), head.time_stamp) : undefined;
    heads.set(head.size, { root: unhex(claims.root), at });
  }
  const proved = new Set();
  for (const proof of JSON.parse(c.pack.text(c.manifest.log.proofs))) {
    const head = heads.get(proof.size), leaf = JSON.parse(proof.leaf), print = c.pack.sha256(proof.file);
    const about = leaf.kind === proof.kind && leaf.sha256 === print;
    if (!head || !about || !(await isIncluded(await leafHash(proof.leaf), proof.number, proof.size, head.root, proof.path.map(unhex)))) {
      c.found.push(finding("LOG_PROOF", "invalid", `Chứng minh rằng ${proof.file} có trong nhật ký là sai.`, `The proof that ${proof.file} is in the log is wrong.`, proof.file));
      continue;
    }
    proved.add(`${proof.kind} ${print}`);
    if (head.at !== undefined) c.since.set(print, head.at);
  }
  const documents = [c.manifest.envelope, ...c.manifest.papers.map((one) => one.file)];
  for (const file of documents)
    if (!proved.has(`document ${c.pack.sha256(file)}`)) c.found.push(finding("NOT_IN_LOG", "unclear", `${file} chưa có số trong nhật ký bằng chứng khi lập hồ sơ.`, `${file} had no number in the evidence log when the pack was made.`, file));
  const others = [...c.manifest.receipts.map((one) => `receipt ${c.pack.sha256(one.file)}`), ...c.manifest.verdicts.map((one) => `verdict ${c.pack.sha256(one.file)}`)];
  const young = others.filter((fact) => !proved.has(fact)).length;
  if (young) c.found.push(finding("NOT_IN_LOG", "valid", `${young} biên nhận, kết luận chưa có số trong nhật ký bằng chứng khi lập hồ sơ.`, `${young} receipts and verdicts had no number in the evidence log when the pack was made.`));
}

/** The moment that a time-stamp proves; undefined when it proves none, which is then among the findings. */
async function stampTime(c, token, data, file) {
  const broken = finding("TIMESTAMP_BROKEN", "invalid", `Dấu thời gian ${file} sai hoặc không đọc được.`, `The time-stamp ${file} is wrong or cannot be read.`, file);
  let stamp;
  try { stamp = await stampOf(token, data); } catch (error) {
    c.found.push(error instanceof NotKnown ? notKnown(file, error) : broken);
    return undefined;
  }
  if (!stamp.intact || !stamp.right || !stamp.about) { c.found.push(broken); return undefined; }
  if (!stamp.purpose || !(await checkChain(c, stamp, c.now, file))) {
    c.found.push(finding("TIMESTAMP_UNTRUSTED", "unclear", `Dấu thời gian ${file} không dẫn tới chứng thư gốc nào, hoặc chứng thư không dùng để cấp dấu thời gian.`, `The time-stamp ${file} leads to no root, or its certificate is not for time-stamps.`, file));
    return undefined;
  }
  return stamp.at;
}

function notKnown(file, error) {
  return finding("NOT_KNOWN_HERE", "unclear", `${file}: trang này không kiểm tra được (${error.message}).`, `${file}: this page cannot check it (${error.message}).`, file);
}

/** Whether a signer's certificate leads to a root and was good at `moment`; what is wrong is put among the findings. */
async function checkChain(c, cms, moment, file) {
  const path = await pathOf(cms.signer, [...cms.embedded, ...c.between], c.roots);
  if (!path) return false;
  const root = path[path.length - 1];
  c.usedRoots.set(hex(await sha256(root.bytes)), root);
  for (let n = 0; n + 1 < path.length; n++) {
    const one = path[n], name = one.name;
    if (moment < one.from - SKEW || moment > one.until + SKEW) {
      c.found.push(finding("EXPIRED", "unclear", `${file}: chứng thư của ${name} không có hiệu lực tại thời điểm xét và không có gì chứng minh chữ ký có từ trước.`, `${file}: the certificate of ${name} is not in force at the moment in question, and nothing proves that the signature is older.`, file));
      continue;
    }
    const status = await statusOf(one, path[n + 1], c.answers, moment);
    if (status === "revoked") c.found.push(finding("REVOKED", "invalid", `${file}: chứng thư của ${name} đã bị thu hồi.`, `${file}: the certificate of ${name} was revoked.`, file));
    if (status === "unknown") c.found.push(finding("REVOCATION_UNKNOWN", "unclear", `${file}: không biết chứng thư của ${name} có bị thu hồi không.`, `${file}: it is not known whether the certificate of ${name} was revoked.`, file));
  }
  return true;
}

async function checkPapers(c) {
  for (const paper of c.manifest.papers) {
    const original = c.pack.bytes(paper.file), bytes = c.pack.bytes(paper.kept || paper.file);
    if (!same(original, bytes.subarray(0, original.length))) c.found.push(finding("KEPT_OTHER", "invalid", `${paper.kept} không phải là bản lưu giữ của ${paper.file}.`, `${paper.kept} is not ${paper.file} as it was kept.`, paper.kept));
    const stamps = [];
    for (const one of [...paper.signatures].reverse()) {
      if (!one.timestamp) continue;
      const at = await stampTime(c, c.pack.bytes(one.file), signedBytes(c, paper, one, bytes), one.file);
      if (at !== undefined) stamps.push({ at, end: one.ranges[1][0] + one.ranges[1][1] });
    }
    for (const one of paper.signatures) if (!one.timestamp) await checkSignature(c, paper, one, bytes, stamps);
    await checkWhole(c, paper, bytes);
  }
  const last = c.manifest.verdicts.filter((one) => one.paper === c.manifest.envelope).map((one) => JSON.parse(c.pack.text(one.file))).pop();
  if (last && last.sha256 !== c.pack.sha256(c.manifest.envelope)) c.found.push(finding("VERDICT_OTHER", "invalid", "Kết luận lưu trong hồ sơ không phải về phong bì này.", "A kept verdict is about another envelope.", c.manifest.envelope));
  if (last) c.found.push(finding("ENVELOPE", last.value === "invalid" ? "invalid" : "valid", `Chữ ký của phong bì, theo kết luận của hệ thống: ${last.summary_vi}`, `The signature of the envelope, as the installation judged it: ${last.summary_en}`, c.manifest.envelope));
}

/** The signed bytes; that the gap between them holds just this signature is checked on the way. */
function signedBytes(c, paper, one, bytes) {
  const [[zero, first], [start, rest]] = one.ranges;
  const gap = ascii(bytes.subarray(first, Math.min(start, first + 2_000_000)));
  const token = hex(c.pack.bytes(one.file));
  const right = zero === 0 && first < start && start + rest <= bytes.length && gap.startsWith("<") && gap.endsWith(">")
    && gap.slice(1, 1 + token.length).toLowerCase() === token && /^0*$/.test(gap.slice(1 + token.length, -1));
  if (!right) c.found.push(finding("SIGNATURE_OTHER", "invalid", `${one.file} không phải là chữ ký nằm trong tệp PDF.`, `${one.file} is not the signature in the PDF.`, one.file));
  return joined(bytes.subarray(0, first), bytes.subarray(start, start + rest));
}

async function checkSignature(c, paper, one, bytes, stamps) {
  const data = signedBytes(c, paper, one, bytes);
  let cms;
  try { cms = await cmsOf(c.pack.bytes(one.file), data); } catch (error) {
    c.found.push(error instanceof NotKnown ? notKnown(one.file, error) : finding("SIGNATURE_UNREADABLE", "invalid", `${one.file} không đọc được.`, `${one.file} cannot be read.`, one.file));
    return;
  }
  if (!cms.intact || !cms.right) {
    c.found.push(finding("SIGNATURE_BROKEN", "invalid", `${one.file}: nội dung bị sửa sau khi ký, hoặc chữ ký sai.`, `${one.file}: the content was changed after signing, or the signature is wrong.`, one.file));
    return;
  }
  if (one.pades && !cms.bound) c.found.push(finding("LOOSE_CERTIFICATE", "unclear", `${one.file}: chữ ký không nêu rõ chứng thư.`, `${one.file}: the signature does not name its certificate.`, one.file));
  const usage = usageOf(cms.signer);
  if (usage === "wrong") c.found.push(finding("WRONG_PURPOSE", "invalid", `${one.file}: chứng thư của ${cms.signer.name} không được cấp để ký văn bản.`, `${one.file}: the certificate of ${cms.signer.name} was not issued for signing documents.`, one.file));
  if (usage === "unclear") c.found.push(finding("PURPOSE_UNCLEAR", "unclear", `${one.file}: chứng thư của ${cms.signer.name} không ghi rõ được dùng để ký văn bản.`, `${one.file}: the certificate of ${cms.signer.name} does not clearly say that it may sign documents.`, one.file));
  const proofs = stamps.filter((stamp) => stamp.end > one.ranges[1][0] + one.ranges[1][1]).map((stamp) => stamp.at);
  if (cms.stamp) proofs.push(await stampTime(c, cms.stamp, cms.signature, one.file));
  proofs.push(c.since.get(c.pack.sha256(paper.file)));
  const known = proofs.filter((at) => at !== undefined && at <= c.now);
  if (!(await checkChain(c, cms, known.length ? Math.min(...known) : c.now, one.file)))
    c.found.push(finding("UNKNOWN_AUTHORITY", "unclear", `${one.file}: chứng thư của ${cms.signer.name} không dẫn tới chứng thư gốc nào trong hồ sơ.`, `${one.file}: the certificate of ${cms.signer.name} leads to no root in the pack.`, one.file));
  c.signers.push({ file: one.file, name: cms.signer.name, test: cms.signer.test, level: one.level });
}

/** What stands behind the last signature, and what was added between signatures, is judged by the kept verdict. */
async function checkWhole(c, paper, bytes) {
  const kept = c.manifest.verdicts.filter((one) => one.paper === paper.file).map((one) => JSON.parse(c.pack.text(one.file)));
  if (kept.some((one) => one.sha256 !== c.pack.sha256(paper.file))) c.found.push(finding("VERDICT_OTHER", "invalid", `Kết luận lưu trong hồ sơ không phải về ${paper.file}.`, `A kept verdict is not about ${paper.file}.`, paper.file));
  if (!paper.signatures.length) {
    if (paper.role === "main") c.found.push(finding("NO_SIGNATURE", "unclear", `${paper.file} không có chữ ký nào mà trang này đọc được.`, `${paper.file} has no signature that this page can read.`, paper.file));
    return;
  }
  const last = kept[kept.length - 1];
  const ends = Math.max(...paper.signatures.map((one) => one.ranges[1][0] + one.ranges[1][1]));
  const whole = ends === bytes.length && paper.signatures.length === 1;
  if (last && last.value === "invalid") c.found.push(finding("VERDICT_INVALID", "invalid", `Kết luận lưu trong hồ sơ: ${last.summary_vi}`, `The kept verdict: ${last.summary_en}`, paper.file));
  else if (last && last.value === "valid") c.found.push(finding("VERDICT_KEPT", "valid", `${paper.file}: người ký cần có và thay đổi giữa các chữ ký do hệ thống đã kết luận: ${last.summary_vi}`, `${paper.file}: who had to sign, and what was added between signatures, was judged by the installation: ${last.summary_en}`, paper.file));
  else if (paper.role === "main" || !whole) c.found.push(finding("NOT_JUDGED_HERE", "unclear", `${paper.file}: trang này không xét được phần thêm vào giữa các chữ ký; hãy dùng lienthong verify.`, `${paper.file}: this page cannot judge what was added between signatures; use lienthong verify.`, paper.file));
}

function checkLevel(c) {
  const level = c.manifest.level;
  if (!level || level === "B-LT" || level === "B-LTA") return;
  const since = c.since.get(c.pack.sha256(c.manifest.envelope));
  if (since !== undefined) c.found.push(finding("LEVEL", "valid", `Chữ ký mới ở mức ${level}, chưa đủ để lưu trữ lâu dài; bằng chứng rằng văn bản đã có từ trước là nhật ký có dấu thời gian trong hồ sơ này.`, `The signatures are at level ${level} only, which is not enough for long keeping; what proves that the document existed is the time-stamped log in this pack.`));
  else c.found.push(finding("LEVEL", "valid", `Chữ ký mới ở mức ${level} và chưa có dấu thời gian nào trên nhật ký. Hãy lấy lại hồ sơ sau.`, `The signatures are at level ${level} only and no head of the log has a time-stamp yet. Get the pack again later.`));
}

/** Why a pack that was valid once no longer is: what authorities said in it has ended. A note; the doubt itself is found elsewhere. */
function checkAge(c) {
  const until = Math.min(...c.answers.flatMap((one) => (one.kind === "crl" ? [one.until] : one.single.map((told) => told.until))));
  if (until + SKEW >= c.now || worst(c.found.map((one) => one.weight)) !== "unclear") return;
  const day = new Date(until).toISOString().slice(0, 10), made = c.manifest.made_at;
  c.found.push(finding("ANSWERS_ENDED", "valid", `Thông tin thu hồi trong hồ sơ chỉ có giá trị đến ${day}, nên nay không đủ để xác nhận chứng thư, kể cả của dấu thời gian. Hãy dùng lienthong verify --at ${made}, hoặc lấy hồ sơ mới.`, `What authorities said about revocation in this pack ended on ${day}, so it no longer confirms certificates, those of time-stamps among them. Use lienthong verify --at ${made}, or get a new pack.`));
}

/** The fingerprint of the key itself, not of what the pack says about it: SHA-256 of its SubjectPublicKeyInfo. */
async function printOfKey({ kid, kty, crv, x, y }) {
  const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
  return { kid, sha256: hex(await sha256(new Uint8Array(await crypto.subtle.exportKey("spki", key)))) };
}

/** Check everything. Answers findings, and the fingerprints that the reader has to compare. */
async function checkPack(data, now) {
  let pack;
  try { pack = await wholePack(data); } catch (error) {
    const found = error.weight ? error : notAPack(0);
    return { found: [found], roots: [], keys: [], manifest: null, pack: null, signers: [], since: undefined };
  }
  try {
    const c = await caseOf(pack, now);
    await checkReceipts(c);
    await checkLog(c);
    await checkPapers(c);
    checkLevel(c);
    checkAge(c);
    const keys = await Promise.all([...pack.keys.values()].map(printOfKey));
    const roots = [...c.usedRoots].map(([print, root]) => ({ sha256: print, name: root.name, test: root.test }));
    return { found: c.found, roots, keys, manifest: pack.manifest, pack, signers: c.signers, since: c.since.get(pack.sha256(c.manifest.envelope)) };
  } catch (error) {
    const found = finding("MANIFEST_MALFORMED", "invalid", `Bản kê của hồ sơ không đúng định dạng (${error.message}).`, `The manifest is not as it must be (${error.message}).`);
    return { found: [found], roots: [], keys: [], manifest: pack.manifest, pack, signers: [], since: undefined };
  }
}
