// The page itself: a file is chosen, checked, shown. Nothing leaves the browser.

const KNOWN_ROOTS = new Set(/*KNOWN*/[]);
const MOST_BYTES = 1_000_000_000;
let language = (navigator.language || "vi").startsWith("vi") ? "vi" : "en";
let shown = null;

function at(id) { return document.getElementById(id); }
function say(key) { return WORDS[language][key]; }

function element(name, text, className, ...kids) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  if (className) made.className = className;
  made.append(...kids);
  return made;
}

function speak() {
  document.documentElement.lang = language;
  document.title = say("title");
  for (const one of document.querySelectorAll("[data-say]")) one.textContent = say(one.dataset.say);
  if (shown) show();
}

function when(ms) {
  return new Intl.DateTimeFormat(language === "vi" ? "vi-VN" : "en-GB", { dateStyle: "long", timeStyle: "medium", timeZone: "Asia/Ho_Chi_Minh" }).format(ms);
}

/** What the reader has not compared yet keeps everything unclear. */
function value() {
  const open = [...shown.roots, ...shown.keys].some((one) => !one.known && !one.ticked);
  return worst([...shown.found.map((one) => one.weight), ...(open ? ["unclear"] : [])]);
}

function show() {
  const out = at("out");
  const result = value();
  const banner = element("p", say(result), `result ${result}`);
  banner.id = "result";
  banner.dataset.value = result;
  const parts = [banner];
  if (result === "unclear" && worst(shown.found.map((one) => one.weight)) === "valid") parts.push(element("p", say("onlyCompare")));
  if ([...shown.roots, ...shown.signers].some((one) => one.test)) parts.push(element("p", say("test"), "test"));
  if (shown.manifest) parts.push(...told());
  parts.push(element("h2", say("findings")), findings());
  out.replaceChildren(...parts);
  at("busy").textContent = "";
}

function told() {
  const { manifest, pack } = shown;
  const facts = element("dl");
  const fact = (name, text) => { if (text) facts.append(element("dt", name), element("dd", text)); };
  fact(say("document"), [manifest.document.code, manifest.document.subject, manifest.document.sender].filter(Boolean).join(" · "));
  fact(say("made"), `${when(Date.parse(manifest.made_at))} · ${manifest.issuer}`);
  if (shown.since !== undefined) fact(say("since"), when(shown.since));
  fact(say("signatures"), shown.signers.map((one) => `${one.name} (${one.level})`).join("; "));
  const files = element("ul", null, "files");
  for (const paper of pack ? manifest.papers : []) files.append(element("li", null, "", saved(paper)));
  const parts = [facts];
  if (pack && shown.keys.length) parts.push(comparing());
  if (pack && manifest.papers.length) parts.push(element("h2", say("papers")), files);
  return parts;
}

function saved(paper) {
  const link = element("a", `${paper.name} · ${say("save")}`);
  link.href = URL.createObjectURL(new Blob([shown.pack.bytes(paper.file)], { type: "application/octet-stream" }));
  link.download = paper.file.split("/").pop();
  return link;
}

function findings() {
  const list = element("ul", null, "findings");
  const sorted = [...shown.found].sort((a, b) => GRAVITY[b.weight] - GRAVITY[a.weight]);
  for (const one of sorted) {
    const label = one.weight === "valid" ? say("remark") : say(one.weight);
    const row = element("li", null, "", element("span", label, `chip ${one.weight}`), element("span", one[language]));
    row.dataset.code = one.code;
    list.append(row);
  }
  return list;
}

function comparing() {
  const box = element("section", null, "compare", element("h2", say("compare")), element("p", say("compareLead")));
  for (const [kind, one] of [...shown.roots.map((r) => ["root", r]), ...shown.keys.map((k) => ["key", k])]) {
    const text = element("span", null, "", element("b", `${say(kind)}: ${one.name || one.kid}`), element("code", one.sha256.match(/.{1,8}/g).join(" ")));
    if (one.known) { box.append(element("p", null, "one", text, element("span", say("known"), "chip good"))); continue; }
    const tick = element("input");
    tick.type = "checkbox";
    tick.checked = Boolean(one.ticked);
    tick.addEventListener("change", () => { one.ticked = tick.checked; show(); at("out").querySelectorAll("input")[index]?.focus(); });
    const index = box.querySelectorAll("input").length;
    box.append(element("div", null, "one", text, element("label", null, "", tick, element("span", say("checked")))));
  }
  return box;
}

async function take(file) {
  shown = null;
  at("out").replaceChildren();
  if (!globalThis.crypto || !crypto.subtle) { at("busy").textContent = say("noCrypto"); return; }
  if (file.size > MOST_BYTES) { at("busy").textContent = say("tooLarge"); return; }
  at("busy").textContent = say("busy");
  let data;
  try { data = new Uint8Array(await file.arrayBuffer()); } catch { at("busy").textContent = say("broken"); return; }
  shown = await checkPack(data, Date.now());
  for (const root of shown.roots) root.known = KNOWN_ROOTS.has(root.sha256);
  show();
}

at("file").addEventListener("change", (event) => { if (event.target.files[0]) take(event.target.files[0]); });
at("drop").addEventListener("dragover", (event) => { event.preventDefault(); at("drop").classList.add("over"); });
at("drop").addEventListener("dragleave", () => at("drop").classList.remove("over"));
at("drop").addEventListener("drop", (event) => {
  event.preventDefault();
  at("drop").classList.remove("over");
  if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
});
at("language").addEventListener("click", () => { language = language === "vi" ? "en" : "vi"; speak(); });
speak();
