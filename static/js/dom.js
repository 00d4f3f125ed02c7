// Building nodes in scripts: elements, icons and chips as templates/_parts/ui.html draws them.

/**
 * An element: h("p", { class: "quiet", hidden: true }, "text", node, null).
 * @param {string} name
 * @param {Record<string, unknown>} [attributes] `true` sets an empty attribute; false, null and undefined leave it out
 * @param {...(Node | string | null | undefined | false | Array<Node | string | null | undefined | false>)} children
 * @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, String(value));
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** An icon of the sprite that the page names. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** State as an icon and a word; `tone` is good, waiting, bad, info or plain. */
export const chip = (tone, iconName, text) => h("span", { class: `chip chip-${tone}` }, icon(iconName), text);
