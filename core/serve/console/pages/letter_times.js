import { addressOf } from "./address.js";
import { KINDS_MAX, stackedBars } from "./bars.js";
import { element, quiet, tableOf, visible } from "./elements.js";
import { count, time } from "./numbers.js";

/** By the name that stands in the address. */
const SPANS = {
  "24h": { by: "hour", last: 24, text: "24 hours" },
  "7d": { by: "hour", last: 168, text: "7 days" },
  "30d": { by: "day", last: 30, text: "30 days" },
  "1y": { by: "day", last: 365, text: "A year" },
};
const LENGTHS_MS = { hour: 3_600_000, day: 86_400_000 };
const OTHERS = "others";

/** The span that an address asks for. */
export function spanOf({ span }) {
  return SPANS[span] ?? SPANS["7d"];
}

/** How many letters came when, of the reason and place that the address names, if any. */
export function overTime(state, { by, groups, periods }) {
  const chosen = spanOf(state);
  const links = Object.entries(SPANS).map(([span, { text }]) =>
    element(
      "a",
      {
        href: addressOf("/letters", { ...state, span, offset: undefined }),
        "aria-current": SPANS[span] === chosen && "true",
      },
      text,
    )
  );
  const heading = [
    element("h2", {}, "Over time"),
    element("nav", { class: "row", "aria-label": "How far back" }, links),
  ];
  if (groups.length === 0) return [heading, quiet("None came in that time.")];
  const names = groups.map(nameOf);
  const kinds = names.length > KINDS_MAX ? [...names.slice(0, KINDS_MAX - 1), OTHERS] : names;
  const columns = periods.map(({ counts }) => columnOf(counts, names, kinds));
  const most = Math.max(...periods.map(({ counts }) => sum(counts)));
  const filled = periods.filter(({ counts }) => sum(counts) > 0).reverse();
  return [
    heading,
    stackedBars(columns, `Dead letters ${by} by ${by}, the newest on the right; at most ${count(most)}`, kinds),
    element("details", {}, element("summary", {}, "As a table"), periodTable(state, by, filled, names)),
  ];
}

function periodTable(state, by, periods, names) {
  return tableOf(`The newest first; ${by === "hour" ? "hours" : "days"} without letters are left out`, [
    {
      name: by === "hour" ? "Hour" : "Day",
      show: ({ at }) => {
        const to = new Date(Date.parse(at) + LENGTHS_MS[by]).toISOString();
        const href = addressOf("/letters", { ...state, from: at, to, offset: undefined });
        return element("a", { href }, by === "hour" ? time(at) : at.slice(0, 10));
      },
    },
    { name: "Letters", isNumber: true, show: ({ counts }) => count(sum(counts)) },
    { name: "By reason and place", show: ({ counts }) => textOf(counts, names) },
  ], periods);
}

function sum(counts) {
  return counts.reduce((total, letters) => total + letters, 0);
}

function textOf(counts, names) {
  return names.flatMap((name, at) => counts[at] > 0 ? [`${visible(name)}: ${count(counts[at])}`] : []).join(", ");
}

function columnOf(counts, names, kinds) {
  const column = {};
  names.forEach((name, at) => {
    const kind = kinds.includes(name) ? name : OTHERS;
    column[kind] = (column[kind] ?? 0) + counts[at];
  });
  return column;
}

function nameOf({ reason, place }) {
  if (reason === null) return OTHERS;
  return place === "" ? reason : `${reason} at ${place}`;
}
