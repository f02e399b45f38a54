import { floorDivide } from "../../base/calendar.ts";

const formats = new Map<string, Intl.DateTimeFormat>();
/** Offsets change at whole quarters of an hour of UTC, but for the years of local mean times. */
const STEP_SECONDS = 900n;
const offsets = new Map<string, number>();
const OFFSETS_MAX = 10_000;
/** What JavaScript can name the day of. */
const DATE_SECONDS_MAX = 8_640_000_000_000n;

/** How many seconds a time zone is ahead of UTC at an instant. */
export function zoneOffset(timeZone: string, micros: bigint): number {
  const step = floorDivide(micros, STEP_SECONDS * 1_000_000n);
  const key = `${timeZone} ${step}`;
  let offset = offsets.get(key);
  if (offset === undefined) {
    offset = offsetAt(timeZone, step * STEP_SECONDS);
    if (offsets.size >= OFFSETS_MAX) offsets.clear();
    offsets.set(key, offset);
  }
  return offset;
}

function offsetAt(timeZone: string, seconds: bigint): number {
  if (seconds > DATE_SECONDS_MAX || seconds < -DATE_SECONDS_MAX) return 0;
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
    formats.set(timeZone, format);
  }
  const name = format.formatToParts(Number(seconds) * 1_000).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const [, sign, hours = "0", minutes = "0", rest = "0"] = /^GMT([+-])(\d+):(\d+)(?::(\d+))?$/.exec(name) ?? [];
  const size = (Number(hours) * 60 + Number(minutes)) * 60 + Number(rest);
  return sign === "-" ? -size : size;
}

/** `Z`, `+01:00`: as RFC 3339 has it; whole minutes. */
export function rfcOffset(seconds: number): string {
  const text = offsetText(seconds);
  return seconds === 0 ? "Z" : text.includes(":") ? text : `${text}:00`;
}

/** `+01`, `+05:30`: minutes and seconds only where there are some. */
export function offsetText(seconds: number): string {
  const size = Math.abs(seconds);
  const parts = [Math.floor(size / 3_600), Math.floor(size / 60) % 60, size % 60];
  while (parts.length > 1 && parts.at(-1) === 0) parts.pop();
  return `${seconds < 0 ? "-" : "+"}${parts.map((part) => String(part).padStart(2, "0")).join(":")}`;
}
