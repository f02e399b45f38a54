import { svgElement } from "./elements.js";

const HEIGHT = 100;
/** Fewer values leave room on the right. */
const VALUES_MIN = 60;

/** Values of a time line, the oldest first. What it shows is in the table below, too. */
export function bars(values, label) {
  const max = Math.max(...values, 0);
  const rects = values.map((value, index) => {
    const height = max === 0 ? 0 : Math.max(value > 0 ? 1 : 0, HEIGHT * value / max);
    return svgElement("rect", { x: index * 10 + 1, y: HEIGHT - height, width: 8, height });
  });
  const viewBox = `0 0 ${Math.max(VALUES_MIN, values.length) * 10} ${HEIGHT}`;
  return svgElement(
    "svg",
    { class: "bars", role: "img", "aria-label": label, viewBox, preserveAspectRatio: "none" },
    rects,
  );
}
