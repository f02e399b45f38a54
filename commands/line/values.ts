/**
 * Texts that people write on a command line, in a variable or in `streamlab.json`, as values. Each
 * parser takes the text and returns the value, or throws a `usage` error that says what it
 * expected.
 */
import { StreamlabError } from "../../core/base/errors.ts";
import { type Location, parseLocation } from "../../core/storage/location.ts";
import type { Limit } from "../../core/base/limit.ts";

/** A lake's place, as written; nothing is opened. */
export type LakeLocation = Location;

export interface TableName {
  namespace: string;
  name: string;
}

function expected(what: string, text: string): StreamlabError {
  return new StreamlabError("usage", `expected ${what}, got "${text}"`);
}

const DURATION_UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `500ms`, `3s`, `1.5h`, `7d`, `1h30m` or a bare `0` → milliseconds. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) {
    throw expected("a duration such as 500ms, 3s, 15m, 1h or 7d", text);
  }
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    ms += Number(amount) * DURATION_UNIT_MS[unit!]!;
  }
  return Math.round(ms);
}

const SIZE_UNIT_BYTES: Record<string, number> = {
  "": 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/**
 * `128MB` (powers of 1000), `512MiB` (powers of 1024) or `4096` → bytes; the units are DuckDB's.
 */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text);
  const unit = match === null ? undefined : SIZE_UNIT_BYTES[match[2]!.toUpperCase()];
  if (match === null || unit === undefined) throw expected("a size such as 128MB, 1.5GiB or 4096", text);
  return Math.round(Number(match[1]) * unit);
}

/** `5000/s`, `300/m`, `1/h` or `5000` (a second) → events a second. */
export function parseRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text);
  const rate = match === null ? 0 : Number(match[1]) * 1_000 / DURATION_UNIT_MS[match[2] ?? "s"]!;
  if (rate <= 0) throw expected("a rate above 0 such as 5000/s or 300/m", text);
  return rate;
}

/** `2026-03-01` (midnight UTC) or RFC 3339 with an offset → milliseconds since 1970. */
export function parseTime(text: string): number {
  const pattern = /^(\d{4}-\d\d-\d\d)([Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?$/;
  const match = pattern.exec(text);
  const iso = text.toUpperCase().replace(" ", "T");
  const ms = match === null ? NaN : Date.parse(iso);
  // Date.parse lets 31 February roll over into March; the same day must come back.
  if (Number.isNaN(ms) || new Date(Date.parse(`${match![1]}T00:00:00Z`)).toISOString().slice(0, 10) !== match![1]) {
    throw expected("a date such as 2026-03-01 or a time with an offset such as 2026-03-01T12:00:00Z", text);
  }
  return ms;
}

/** From now to the time that is meant, both in milliseconds since 1970. */
export type PastTime = (nowMs: number) => number;

const DAY_MS = 86_400_000;

/** As `parseTime` reads it, `-1h` before now, or `now`, `today`, `yesterday`: midnight UTC. */
export function parsePast(text: string): PastTime {
  const word = text.toLowerCase();
  if (word === "now") return (nowMs) => nowMs;
  if (word === "today") return (nowMs) => nowMs - nowMs % DAY_MS;
  if (word === "yesterday") return (nowMs) => nowMs - nowMs % DAY_MS - DAY_MS;
  if (text.startsWith("-")) {
    const agoMs = parseDuration(text.slice(1));
    return (nowMs) => nowMs - agoMs;
  }
  try {
    const ms = parseTime(text);
    return () => ms;
  } catch {
    throw expected("a date, a time with an offset such as 2026-03-01T12:00:00Z, -1h, today or yesterday", text);
  }
}

/** The name of a time zone in the IANA database; `local` is this machine's. */
export function parseTimeZone(text: string): string {
  const name = text === "local" ? new Intl.DateTimeFormat().resolvedOptions().timeZone : text;
  try {
    // Offsets, which it also takes, are no names.
    if (/^[A-Za-z]/.test(name)) return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    // Said below.
  }
  throw expected("a time zone such as Europe/Berlin, UTC or local", text);
}

/** `0` to `1`. */
export function parseChance(text: string): number {
  const chance = /^(\d+(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : NaN;
  if (!(chance >= 0 && chance <= 1)) throw expected("a chance from 0 to 1", text);
  return chance;
}

/** A whole number of things, 0 or more, digits only (`_` may group them). */
export function parseCount(text: string): number {
  const count = /^\d+(_\d+)*$/.test(text) ? Number(text.replaceAll("_", "")) : NaN;
  if (!Number.isSafeInteger(count)) throw expected("a whole number, 0 or more", text);
  return count;
}

/** `1000`, or `2.5%`. */
export function parseLimit(text: string): Limit {
  if (!text.endsWith("%")) {
    try {
      return { kind: "count", count: parseCount(text) };
    } catch {
      throw expected("a whole number, or a percentage such as 5%", text);
    }
  }
  const percent = /^(\d+(\.\d*)?|\.\d+)%$/.test(text) ? Number(text.slice(0, -1)) : NaN;
  if (!(percent >= 0 && percent <= 100)) throw expected("a percentage from 0% to 100%", text);
  return { kind: "percent", percent };
}

/** A snapshot id: a 64-bit integer, exact. */
export function parseId(text: string): bigint {
  if (!/^\d{1,19}$/.test(text)) throw expected("an id of digits", text);
  return BigInt(text);
}

export function parseSwitch(text: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw expected("true or false", text);
}

/** `bronze.events`: a namespace of one level and a name. */
export function parseTableName(text: string): TableName {
  const match = /^([^./\\\s"']+)\.([^./\\\s"']+)$/.exec(text);
  if (match === null) throw expected("a table such as bronze.events", text);
  return { namespace: match[1]!, name: match[2]! };
}

/** A place as `parseLocation` understands it. */
export function parseLakeLocation(text: string): LakeLocation {
  try {
    return parseLocation(text);
  } catch {
    throw expected("local, s3, a path or s3://bucket/prefix", text);
  }
}

/**
 * Comma-separated names or transforms; commas inside parentheses or double quotes belong to an
 * item: `day(ts), bucket(16, id)`.
 */
export function parseList(text: string): string[] {
  const items = [""];
  let depth = 0, quoted = false;
  for (const letter of text) {
    if (letter === '"') quoted = !quoted;
    else if (!quoted && letter === "(") depth++;
    else if (!quoted && letter === ")") depth--;
    if (letter === "," && depth === 0 && !quoted) items.push("");
    else items[items.length - 1] += letter;
  }
  const trimmed = items.map((item) => item.trim());
  if (depth !== 0 || quoted || trimmed.includes("")) throw expected("names with commas between them", text);
  return trimmed;
}
