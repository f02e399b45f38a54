import { type FixedText, fixedText, setFixedText } from "./fixed_text.ts";

const MICROS_PER_DAY = 86_400_000_000;
/** Late events fall on few other days. */
const DAYS_KEPT_MAX = 16;

interface Day {
  text: string;
  /** Behind its key, as in every event. */
  bytes: FixedText;
}

const days = new Map<number, Day>();

/** RFC 3339 in UTC with six digits and a numeric offset. */
export function timestampText(timestampUs: number): string {
  const { day, seconds, micros } = partsOf(timestampUs);
  const time = `${twoDigits(seconds / 3_600 | 0)}:${twoDigits((seconds / 60 | 0) % 60)}:${twoDigits(seconds % 60)}`;
  return `${day.text}T${time}.${String(1e6 + micros).slice(1)}+00:00`;
}

const KEY = '","event_timestamp":"';
/** What follows the day: `T00:00:00.000000+00:00`. */
const TIME_LENGTH = 22;
/** Bytes: years have four digits. */
export const TIMESTAMP_MEMBER_LENGTH = KEY.length + "2026-03-01".length + TIME_LENGTH;
const ASCII = { T: 0x54, colon: 0x3a, point: 0x2e, plus: 0x2b };

/** Two decimal digits of every number below 100, as a little-endian word. */
const digitPairs = Uint16Array.from({ length: 100 }, (_, number) => {
  const digits = twoDigits(number);
  return digits.charCodeAt(0) | digits.charCodeAt(1) << 8;
});

/** Writes what `timestampText` returns behind its key. Returns where it ends. */
export function setTimestampMember(view: DataView, at: number, timestampUs: number): number {
  const { day, seconds, micros } = partsOf(timestampUs);
  const time = setFixedText(view, at, day.bytes);
  view.setUint8(time, ASCII.T);
  view.setUint16(time + 1, digitPairs[seconds / 3_600 | 0]!, true);
  view.setUint8(time + 3, ASCII.colon);
  view.setUint16(time + 4, digitPairs[(seconds / 60 | 0) % 60]!, true);
  view.setUint8(time + 6, ASCII.colon);
  view.setUint16(time + 7, digitPairs[seconds % 60]!, true);
  view.setUint8(time + 9, ASCII.point);
  view.setUint16(time + 10, digitPairs[micros / 10_000 | 0]!, true);
  view.setUint16(time + 12, digitPairs[(micros / 100 | 0) % 100]!, true);
  view.setUint16(time + 14, digitPairs[micros % 100]!, true);
  view.setUint8(time + 16, ASCII.plus);
  view.setUint16(time + 17, digitPairs[0]!, true);
  view.setUint8(time + 19, ASCII.colon);
  view.setUint16(time + 20, digitPairs[0]!, true);
  return time + TIME_LENGTH;
}

function partsOf(timestampUs: number): { day: Day; seconds: number; micros: number } {
  const day = Math.floor(timestampUs / MICROS_PER_DAY);
  const rest = timestampUs - day * MICROS_PER_DAY;
  return { day: dayOf(day), seconds: rest / 1e6 | 0, micros: rest % 1e6 | 0 };
}

function dayOf(number: number): Day {
  let day = days.get(number);
  if (day === undefined) {
    if (days.size === DAYS_KEPT_MAX) days.clear();
    const text = new Date(number * MICROS_PER_DAY / 1_000).toISOString().slice(0, "2026-03-01".length);
    day = { text, bytes: fixedText(KEY + text) };
    days.set(number, day);
  }
  return day;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, "0");
}
