// <doc-paper src="…pdf">: the paper in the page, by pdf.js, with its text (to select, to search, for screen readers).
// Pages are drawn when they come near; the first one first. Without this module the link inside stays.
//
// paper.goTo(page, y = 0)   y: 0 top … 1 bottom of the page
// event "paper-moved" {page, y, pages, byReader}; event "paper-ready" {pages}
import { icon } from "./dom.js";
import { base, PaperPage, pdfjs } from "./paper-page.js";

const NEAR = "120% 0px";
const MAX_DRAWN = 8; // pages that are away from the reader
const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3];

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
    const box = this.#pages[page - 1]?.box;
    if (!box) return;
    this.#moving = true;
    this.scrollTop = box.offsetTop - this.#top() + y * box.offsetHeight;
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
    for (const page of this.#pages) page.close();
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
      const page = new PaperPage(this.#pdf, n, shape, n === 1 ? first : null);
      this.#pages.push(page);
      this.append(page.box);
    }
    this.#seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const page = this.#pages[entry.target.dataset.page - 1];
        if (!page) continue;
        page.near = entry.isIntersecting;
        if (page.near) this.#draw(page);
      }
    }, { root: this, rootMargin: NEAR });
    this.#fit();
    for (const page of this.#pages) this.#seen.observe(page.box);
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
    const link = Object.assign(document.createElement("a"), { href: this.getAttribute("src"), target: "_blank", rel: "noopener" });
    bar.append(
      this.#count,
      tool(button(), this.dataset.smaller, "zoom-out", () => step(-1)),
      tool(button(), this.dataset.fit, "arrows-angle-contract", () => this.#zoomTo(1)),
      tool(button(), this.dataset.larger, "zoom-in", () => step(1)),
      tool(link, this.dataset.apart, "box-arrow-up-right"),
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
    for (const page of this.#pages) {
      page.fit(this.#width, this.#zoom);
      if (page.near || page.number === 1) this.#draw(page);
    }
  }

  async #draw(page) {
    if (await page.draw()) this.#forget();
  }

  /** Drop drawings that are far away, so that a paper of 300 pages fits an old tablet. */
  #forget() {
    const away = this.#pages.filter((page) => page.isDrawn && !page.near);
    const { page: read } = this.#place();
    away.sort((a, b) => Math.abs(b.number - read) - Math.abs(a.number - read));
    while (away.length > MAX_DRAWN) away.shift().clear();
  }

  /** Where reading begins: below the tools and a finger's breadth of ground. */
  #top() {
    return (this.querySelector(".paper-tools")?.offsetHeight ?? 0) + 8;
  }

  #place(top = this.scrollTop + this.#top() + 1) {
    const found = this.#pages.find(({ box }) => box.offsetTop + box.offsetHeight > top) ?? this.#pages.at(-1);
    if (!found) return { page: 1, y: 0 };
    const { number, box } = found;
    return { page: number, y: Math.min(1, Math.max(0, (top - box.offsetTop) / box.offsetHeight)) };
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

/** Makes `element` one of the tools over the paper: a drawing with a label. */
function tool(element, label, iconName, press = null) {
  element.setAttribute("aria-label", label ?? "");
  element.title = label ?? "";
  element.append(icon(iconName));
  if (press) element.addEventListener("click", press);
  return element;
}

const button = () => Object.assign(document.createElement("button"), { type: "button" });

customElements.define("doc-paper", DocPaper);
