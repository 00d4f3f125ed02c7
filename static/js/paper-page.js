// One page of a <doc-paper>: its box, and its drawing and text by pdf.js when it comes near.

export const base = new URL(`${document.body.dataset.vendor}pdfjs/`, location.href);
const MAX_PIXELS = 5_000_000; // old tablets kill the page above this
const MIN_WIDTH = 240;
const EDGES = 16; // left and right of a page together

let library = null;

/** The library, loaded when the first paper is opened. */
export function pdfjs() {
  library ??= import(new URL("pdf.min.mjs", base).href).then((module) => {
    module.GlobalWorkerOptions.workerSrc = new URL("pdf.worker.min.mjs", base).href;
    return module;
  });
  return library;
}

export class PaperPage {
  near = false; // seen, or soon to be
  #pdf;
  #page;
  #shape;
  #width = 0;
  #zoom = 1;
  #scale = 0;
  #drawnScale = 0;
  #drawing = null;

  /**
   * @param {object} pdf pdf.js' document
   * @param {number} number from 1
   * @param {object} shape its viewport at scale 1 as far as is known: that of the first page
   * @param {object | null} page pdf.js' page, where it was asked for already
   */
  constructor(pdf, number, shape, page = null) {
    this.#pdf = pdf;
    this.#page = page;
    this.#shape = shape;
    this.number = number;
    this.box = Object.assign(document.createElement("div"), { className: "paper-page" });
    this.box.dataset.page = number;
  }

  get isDrawn() {
    return this.box.firstChild !== null;
  }

  /** Take the size for this width of the paper in CSS pixels; what is near is to be drawn again, sharp. */
  fit(width, zoom) {
    this.#width = width;
    this.#zoom = zoom;
    this.#size();
    this.#drawnScale = 0;
  }

  /** Draw the page and its text, unless they stand there at this size. Answers whether they were drawn anew. */
  async draw() {
    if (this.#drawnScale === this.#scale) return false;
    this.#drawnScale = this.#scale;
    this.#drawing?.cancel();
    try {
      const { TextLayer } = await pdfjs();
      this.#page ??= await this.#pdf.getPage(this.number);
      this.#takeOwnShape();
      const scale = this.#scale;
      const canvas = this.#canvas();
      await this.#drawing.promise;
      const text = await this.#text(TextLayer);
      if (scale !== this.#scale) return false; // another size was asked for meanwhile: this one would be blurred
      this.box.replaceChildren(canvas, text);
      return true;
    } catch (error) {
      if (error?.name !== "RenderingCancelledException" && this.#pdf) console.warn("paper page", this.number, error);
      return false;
    }
  }

  /** Drop the drawing; the box keeps its size. */
  clear() {
    this.box.replaceChildren();
    this.#drawnScale = 0;
  }

  /** Nothing is drawn any more: the paper is closed. */
  close() {
    this.#pdf = null;
    this.#drawing?.cancel();
  }

  #size() {
    const scale = (Math.max(MIN_WIDTH, this.#width - EDGES) / this.#shape.width) * this.#zoom;
    this.#scale = scale;
    this.box.style.width = `${Math.floor(this.#shape.width * scale)}px`;
    this.box.style.height = `${Math.floor(this.#shape.height * scale)}px`;
    this.box.style.setProperty("--total-scale-factor", scale);
    this.box.style.setProperty("--scale-round-x", "1px");
    this.box.style.setProperty("--scale-round-y", "1px");
  }

  #takeOwnShape() {
    const own = this.#page.getViewport({ scale: 1 });
    if (own.width === this.#shape.width && own.height === this.#shape.height) return;
    this.#shape = own;
    this.#size();
    this.#drawnScale = this.#scale;
  }

  #canvas() {
    const pixels = this.#shape.width * this.#shape.height;
    const sharp = Math.min(devicePixelRatio || 1, 2, Math.sqrt(MAX_PIXELS / pixels) / this.#scale);
    const viewport = this.#page.getViewport({ scale: this.#scale * sharp });
    const canvas = document.createElement("canvas");
    canvas.width = Math.floor(viewport.width);
    canvas.height = Math.floor(viewport.height);
    canvas.setAttribute("aria-hidden", "true");
    this.#drawing = this.#page.render({ canvas, viewport });
    return canvas;
  }

  async #text(TextLayer) {
    const layer = Object.assign(document.createElement("div"), { className: "textLayer" });
    const text = new TextLayer({
      textContentSource: this.#page.streamTextContent({ includeMarkedContent: true }),
      container: layer,
      viewport: this.#page.getViewport({ scale: this.#scale }),
    });
    await text.render();
    return layer;
  }
}
