import type { InstantSpelling } from "./contract.ts";
import { lenientMicrosText } from "./instant_spelling.ts";

type Shapes = readonly (readonly [shape: RegExp, reason: string])[];

const LENIENT = "date-time-lenient";

/** Numbers that are times since 1970 in our days, by what takes them. */
const EPOCHS: readonly (readonly [shape: RegExp, taker: string])[] = [
  [/^\d{10}(\.\d+)?$/, "epoch-seconds"],
  [/^\d{13}(\.\d+)?$/, "epoch-millis"],
  [/^\d{16}(\.\d+)?$/, "epoch-micros"],
];

/** What no spelling of a date-time has, by its shape; the first that fits is told. */
const FAULTS: Shapes = [
  [/^0000-/, "year 0 does not exist"],
  [/^[+-]?\d{5,}-/, "years end with 9999"],
  [/^\d{10,19}(\.\d+)?$/, "digits alone are no date"],
  [/[T ]\d\d:\d\d( ?(?:Z|UTC|[+-]\d\d:?\d\d))?$/i, "the seconds are missing"],
  [/[T ]\d\d:\d\d:60/i, "a leap second has no place in microseconds since 1970"],
  [/[T ]24:/i, "hours end with 23"],
  [/[T ]\d\d:\d\d:\d\d,\d/i, "a comma stands for the point"],
];

/** What RFC 3339 does not have, and `date-time-lenient` does. */
const SPELLINGS: Shapes = [
  [/^\d{4}-\d\d-\d\d$/, "a date alone has no time"],
  [/^\d{4}-\d\d-\d\d /, "there is a space instead of the T"],
  [/T\d\d:\d\d:\d\d(\.\d+)?$/i, "the offset is missing"],
  [/T\d\d:\d\d:\d\d(\.\d+)? \S+$/i, "there is a space before the offset"],
  [/T\d\d:\d\d:\d\d(\.\d+)?UTC$/i, "UTC stands for the Z"],
  [/T\d\d:\d\d:\d\d(\.\d+)?[+-]\d{4}$/i, "the offset lacks its colon"],
  [/T\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d$/i, "the offset lacks its minutes"],
];

const OUTSIDE: Shapes = [[/^(0001-01-01|9999-12-31)T/i, "in UTC it lies outside years 0001 to 9999"]];

/**
 * Why a string or number is no instant of this spelling, for people, and what takes it; undefined
 * where there is no more to say than that it is none.
 */
export function whyNotInstant(
  text: string,
  written: InstantSpelling | undefined,
  kind: "string" | "number",
): string | undefined {
  if (written?.as === "epoch") return undefined;
  if (written?.as === "lenient") {
    const lacksOffset = written.assumeOffset === undefined && lenientMicrosText(text, "Z") !== undefined;
    return lacksOffset ? "the offset is missing, which --assume-offset gives" : first([...FAULTS, ...OUTSIDE], text);
  }
  const reason = first([...FAULTS, ...SPELLINGS, ...OUTSIDE], text), taker = takerOf(text, kind);
  return reason === undefined || taker === undefined ? reason : `${reason}, which ${taker} takes`;
}

function takerOf(text: string, kind: "string" | "number"): string | undefined {
  const epoch = first(EPOCHS, text);
  if (epoch !== undefined) return kind === "string" ? `${epoch} with x-coerce` : epoch;
  if (lenientMicrosText(text, undefined) !== undefined) return LENIENT;
  return lenientMicrosText(text, "Z") === undefined ? undefined : `${LENIENT} with --assume-offset`;
}

function first(shapes: Shapes, text: string): string | undefined {
  return shapes.find(([shape]) => shape.test(text))?.[1];
}
