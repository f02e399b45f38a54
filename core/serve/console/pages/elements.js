/**
 * What pages are made of. Everything becomes a text or an attribute, never markup: the texts come
 * from event files, which anybody may have written.
 */

const SVG = "http://www.w3.org/2000/svg";

/** A function as a property is a listener; false and undefined leave an attribute out. */
export function element(name, properties = {}, ...children) {
  return filled(document.createElement(name), properties, children);
}

export function svgElement(name, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, name), properties, children);
}

function filled(node, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

/** A text in which nothing hides: controls and marks of direction are written out. */
export function visible(text) {
  // deno-lint-ignore no-control-regex -- they are what this is about
  const hidden = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
  return String(text).replace(hidden, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `columns`: a heading, what shows a row, and whether that is a number. */
export function tableOf(caption, columns, rows) {
  const kind = (column) => column.isNumber ? "number" : undefined;
  const head = columns.map((column) => element("th", { scope: "col", class: kind(column) }, column.name));
  const body = rows.map((row) =>
    element(
      "tr",
      {},
      columns.map((column, index) =>
        index === 0 && !column.isNumber
          ? element("th", { scope: "row" }, column.show(row))
          : element("td", { class: kind(column) }, column.show(row))
      ),
    )
  );
  return element(
    "div",
    { class: "wide", tabindex: 0, role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, head)),
      element("tbody", {}, body),
    ),
  );
}

export function quiet(text) {
  return element("p", { class: "quiet" }, text);
}

/** An error with what to do about it. */
export function problem(error, again) {
  return element(
    "div",
    { class: "notice", role: "alert" },
    element("p", {}, element("strong", {}, visible(error.message))),
    error.hint ? element("p", {}, visible(error.hint)) : null,
    again === undefined ? null : element("button", { type: "button", click: again }, "Try again"),
  );
}

/**
 * Puts new content into a place. Whoever is at an element of the old one, by its `data-key`, is at
 * that of the new one.
 */
export function put(place, ...children) {
  const key = place.contains(document.activeElement) ? document.activeElement.dataset?.key : undefined;
  place.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  if (key === undefined) return;
  for (const node of place.querySelectorAll("[data-key]")) if (node.dataset.key === key) node.focus();
}
