// <doc-paper src="…pdf">: the paper in the page, by pdf.js, with its text (to select, to search, for screen readers).
// Pages are drawn when they come near; the first one first. Without this module the link inside stays.
//
// paper.goTo(page, y = 0)   y: 0 top … 1 bottom of the page
// event "paper-moved" {page, y, pages, byReader}; event "paper-ready" {pages}
const base = new URL(`${document.body.dataset.vendor}pdfjs/`, location.href);
const NEAR = "120% 0px";
const MOST_PIXELS = 5_000_000; // old tablets kill the page above this
const MOST_DRAWN = 8;
const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3];

let library = null;

function pdfjs() {
  library ??= import(new URL("pdf.min.mjs", base).href).then((module) => {
    module.GlobalWorkerOptions.workerSrc = new URL("pdf.worker.min.mjs", base).href;
    return module;
  });
  return library;
}

export class DocPaper extends HTMLElement {
  static observedAttributes = ["src"];
  #pdf = null;
  #task = null;
  #pages = [];
  #zoom = 1;
  #width = 0;
  #seen = null;
  #sized = null;
  #moving = false;
  #fallback = null;
  #count = null;

  connectedCallback() {
    this.#fallback ??= this.querySelector(".paper-link");
    this.#open();
  }

  disconnectedCallback() {
    this.#close();
  }

  attributeChangedCallback(name, was) {
    if (was !== null && this.isConnected) this.#open();
  }

  get pages() {
    return this.#pages.length;
  }

  /** Show `page` (from 1), `y` of its height down; says nothing to listeners of the reader's own moves. */
  goTo(page, y = 0) {
    const sheet = this.#pages[page - 1];
    if (!sheet) return;
    this.#moving = true;
    this.scrollTop = sheet.box.offsetTop - this.#top() + y * sheet.box.offsetHeight;
    requestAnimationFrame(() => requestAnimationFrame(() => { this.#moving = false; }));
  }

  async #open() {
    this.#close();
    const src = this.getAttribute("src");
    if (!src) return;
    this.#state(this.dataset.loading);
    try {
      const { getDocument } = await pdfjs();
      if (src !== this.getAttribute("src") || !this.isConnected) return;
      this.#task = getDocument({
        url: new URL(src, location.href).href,
        withCredentials: false,
        standardFontDataUrl: new URL("standard_fonts/", base).href,
        wasmUrl: new URL("wasm/", base).href,
        enableXfa: false,
        isEvalSupported: false,
      });
      this.#pdf = await this.#task.promise;
      await this.#layOut();
    } catch (error) {
      if (src !== this.getAttribute("src") || !this.isConnected) return;
      console.warn("paper", error);
      this.#close();
      this.#state(this.dataset.broken, "bad");
      if (this.#fallback) this.append(this.#fallback);
    }
  }

  #close() {
    this.#seen?.disconnect();
    this.#sized?.disconnect();
    this.removeEventListener("scroll", this.#scrolled);
    for (const sheet of this.#pages) sheet.drawing?.cancel();
    this.#task?.destroy();
    this.#task = this.#pdf = null;
    this.#pages = [];
  }

  #state(text, tone = "") {
    const box = Object.assign(document.createElement("p"), { className: `paper-state ${tone}`, textContent: text ?? "" });
    this.replaceChildren(box);
  }

  async #layOut() {
    const first = await this.#pdf.getPage(1);
    const shape = first.getViewport({ scale: 1 });
    this.replaceChildren(this.#tools());
    for (let n = 1; n <= this.#pdf.numPages; n += 1) {
      const box = Object.assign(document.createElement("div"), { className: "paper-page" });
      box.dataset.page = n;
      this.#pages.push({ n, box, page: n === 1 ? first : null, shape, drawn: 0, drawing: null });
      this.append(box);
    }
    this.#seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const sheet = this.#pages[entry.target.dataset.page - 1];
        if (!sheet) continue;
        sheet.near = entry.isIntersecting;
        if (sheet.near) this.#draw(sheet);
      }
    }, { root: this, rootMargin: NEAR });
    this.#fit();
    for (const sheet of this.#pages) this.#seen.observe(sheet.box);
    this.#sized = new ResizeObserver(() => {
      if (Math.abs(this.clientWidth - this.#width) > 2) this.#fit();
    });
    this.#sized.observe(this);
    this.addEventListener("scroll", this.#scrolled, { passive: true });
    this.#tell();
    this.dispatchEvent(new CustomEvent("paper-ready", { bubbles: true, detail: { pages: this.pages } }));
  }

  #tools() {
    const bar = Object.assign(document.createElement("div"), { className: "paper-tools" });
    this.#count = Object.assign(document.createElement("span"), { className: "paper-count" });
    const step = (by) => {
      const at = ZOOMS.findIndex((zoom) => zoom >= this.#zoom);
      this.#zoomTo(ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, at + by))]);
    };
    const apart = Object.assign(document.createElement("a"), { href: this.getAttribute("src"), target: "_blank", rel: "noopener" });
    bar.append(
      this.#count,
      tool("button", this.dataset.smaller, "zoom-out", () => step(-1)),
      tool("button", this.dataset.fit, "arrows-angle-contract", () => this.#zoomTo(1)),
      tool("button", this.dataset.larger, "zoom-in", () => step(1)),
      tool(apart, this.dataset.apart, "box-arrow-up-right"),
    );
    return bar;
  }

  #zoomTo(zoom) {
    const { page, y } = this.#place();
    this.#zoom = zoom;
    this.#fit();
    this.goTo(page, y);
  }

  /** Give each page its size for this width; what is near is drawn again, sharp. */
  #fit() {
    this.#width = this.clientWidth;
    for (const sheet of this.#pages) {
      this.#size(sheet);
      sheet.drawn = 0;
      if (sheet.near || sheet.n === 1) this.#draw(sheet);
    }
  }

  #size(sheet) {
    const scale = (Math.max(240, this.#width - 16) / sheet.shape.width) * this.#zoom;
    sheet.scale = scale;
    sheet.box.style.width = `${Math.floor(sheet.shape.width * scale)}px`;
    sheet.box.style.height = `${Math.floor(sheet.shape.height * scale)}px`;
    sheet.box.style.setProperty("--total-scale-factor", scale);
    sheet.box.style.setProperty("--scale-round-x", "1px");
    sheet.box.style.setProperty("--scale-round-y", "1px");
  }

  async #draw(sheet) {
    if (sheet.drawn === sheet.scale) return;
    const wanted = sheet.scale;
    sheet.drawn = wanted;
    sheet.drawing?.cancel();
    try {
      const { TextLayer } = await pdfjs();
      sheet.page ??= await this.#pdf.getPage(sheet.n);
      const own = sheet.page.getViewport({ scale: 1 });
      if (own.width !== sheet.shape.width || own.height !== sheet.shape.height) {
        sheet.shape = own;
        this.#size(sheet);
        sheet.drawn = sheet.scale;
      }
      const sharp = Math.min(devicePixelRatio || 1, 2, Math.sqrt(MOST_PIXELS / (own.width * own.height)) / sheet.scale);
      const viewport = sheet.page.getViewport({ scale: sheet.scale * sharp });
      const canvas = document.createElement("canvas");
      canvas.width = Math.floor(viewport.width);
      canvas.height = Math.floor(viewport.height);
      canvas.setAttribute("aria-hidden", "true");
      sheet.drawing = sheet.page.render({ canvas, viewport });
      await sheet.drawing.promise;
      const layer = Object.assign(document.createElement("div"), { className: "textLayer" });
      const text = new TextLayer({
        textContentSource: sheet.page.streamTextContent({ includeMarkedContent: true }),
        container: layer,
        viewport: sheet.page.getViewport({ scale: sheet.scale }),
      });
      await text.render();
      sheet.box.replaceChildren(canvas, layer);
      this.#forget();
    } catch (error) {
      if (error?.name !== "RenderingCancelledException" && this.#pdf) console.warn("paper page", sheet.n, error);
    }
  }

  /** Drop drawings that are far away, so that a paper of 300 pages fits an old tablet. */
  #forget() {
    const drawn = this.#pages.filter((sheet) => sheet.box.firstChild && !sheet.near);
    const { page } = this.#place();
    drawn.sort((a, b) => Math.abs(b.n - page) - Math.abs(a.n - page));
    while (drawn.length > MOST_DRAWN) {
      const sheet = drawn.shift();
      sheet.box.replaceChildren();
      sheet.drawn = 0;
    }
  }

  /** Where reading begins: below the tools and a finger's breadth of ground. */
  #top() {
    return (this.querySelector(".paper-tools")?.offsetHeight ?? 0) + 8;
  }

  #place(top = this.scrollTop + this.#top() + 1) {
    const sheet = this.#pages.find(({ box }) => box.offsetTop + box.offsetHeight > top) ?? this.#pages.at(-1);
    if (!sheet) return { page: 1, y: 0 };
    return { page: sheet.n, y: Math.min(1, Math.max(0, (top - sheet.box.offsetTop) / sheet.box.offsetHeight)) };
  }

  #scrolled = () => {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = null;
      this.#tell();
    });
  };
  #frame = null;

  #tell() {
    const { page, y } = this.#place();
    // The page that is read is the one across the middle: a short last page never reaches the top.
    const read = this.#place(this.scrollTop + this.clientHeight / 2).page;
    if (this.#count) this.#count.textContent = (this.dataset.page ?? "{n} / {all}").replace("{n}", read).replace("{all}", this.pages);
    const detail = { page, y, pages: this.pages, byReader: !this.#moving };
    this.dispatchEvent(new CustomEvent("paper-moved", { bubbles: true, detail }));
  }
}

function tool(kind, label, icon, press) {
  const element = typeof kind === "string" ? Object.assign(document.createElement(kind), { type: "button" }) : kind;
  element.setAttribute("aria-label", label ?? "");
  element.title = label ?? "";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${icon}`);
  svg.append(use);
  element.append(svg);
  if (press) element.addEventListener("click", press);
  return element;
}

customElements.define("doc-paper", DocPaper);
