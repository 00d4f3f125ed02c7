// A result as a table with a bar in each row, as templates/meetings/voting/_macros.html draws it.
import { h } from "../dom.js";
import { words } from "../say.js";

const SVG = "http://www.w3.org/2000/svg";

/** @param {{words: string, votes: number, share: number, carried: boolean}[]} lines */
export function chart(lines, caption) {
  const head = h("tr", {},
    h("th", { scope: "col" }, words("voteOption")),
    h("th", { scope: "col", class: "vote-number" }, words("voteBallots")),
    h("th", { scope: "col", class: "vote-number" }, h("abbr", { title: words("voteShareOf") }, words("voteShare"))));
  return h("table", { class: "table vote-result" },
    h("caption", { class: "visually-hidden" }, caption),
    h("thead", {}, head),
    h("tbody", {}, lines.map((line, place) => h("tr", { class: line.carried ? "vote-carried" : null, "data-key": `line-${place}` },
      h("th", { scope: "row" }, line.words, bar(line.share)),
      h("td", { class: "vote-number" }, String(line.votes)),
      h("td", { class: "vote-number" }, `${line.share}%`)))));
}

function bar(share) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of [["class", "vote-bar"], ["viewBox", "0 0 100 10"], ["preserveAspectRatio", "none"], ["aria-hidden", "true"]]) {
    svg.setAttribute(name, value);
  }
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("width", String(share));
  rect.setAttribute("height", "10");
  svg.append(rect);
  return svg;
}
