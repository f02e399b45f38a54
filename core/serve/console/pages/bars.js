import { element, svgElement, visible } from "./elements.js";

const HEIGHT = 100;
/** Fewer values leave room on the right. */
const VALUES_MIN = 60;
/** Kinds with a colour of their own; the rest share the last. */
export const KINDS_MAX = 8;

/**
 * Values of a time line, the oldest first; null is a gap, which is not nothing. What it shows is in
 * the table below, too.
 */
export function bars(values, label) {
  return stackedBars(values.map((value) => value === null ? null : { "": value }), label, [""]);
}

/**
 * `columns`: how much of each kind, or null where that is unknown; the oldest first. Several kinds
 * are told apart below.
 */
export function stackedBars(columns, text, kinds) {
  const label = columns.includes(null) ? `${text}; shaded where it is not known` : text;
  const sums = columns.map((column) => kinds.reduce((sum, kind) => sum + (column?.[kind] ?? 0), 0));
  const max = Math.max(...sums, 0);
  const rects = columns.flatMap((column, index) => {
    if (column === null) return svgElement("rect", { class: "gap", x: index * 10, y: 0, width: 10, height: HEIGHT });
    let y = HEIGHT;
    return kinds.map((kind, at) => {
      const value = column[kind] ?? 0;
      const height = max === 0 ? 0 : Math.max(value > 0 ? 1 : 0, HEIGHT * value / max);
      y -= height;
      return svgElement("rect", { class: colour(at), x: index * 10 + 1, y, width: 8, height });
    });
  });
  const viewBox = `0 0 ${Math.max(VALUES_MIN, columns.length) * 10} ${HEIGHT}`;
  const drawing = svgElement(
    "svg",
    { class: "bars", role: "img", "aria-label": label, viewBox, preserveAspectRatio: "none" },
    rects,
  );
  const caption = element("p", { class: "quiet" }, label);
  return kinds.length < 2 ? [caption, drawing] : [caption, drawing, legend(kinds)];
}

function legend(kinds) {
  return element(
    "ul",
    { class: "legend" },
    kinds.map((kind, at) =>
      element(
        "li",
        {},
        svgElement(
          "svg",
          { class: "swatch", "aria-hidden": "true", viewBox: "0 0 10 10" },
          svgElement("rect", { class: colour(at), width: 10, height: 10 }),
        ),
        visible(kind),
      )
    ),
  );
}

function colour(at) {
  return `kind-${Math.min(at, KINDS_MAX - 1)}`;
}
