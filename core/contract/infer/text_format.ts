import { isDate, utcMicrosText, uuidText } from "../instant_text.ts";

/** A format of a contract that a text can be of. */
export type DateTimeSpelling = "date" | "date-time" | "date-time-local" | "uuid";

/** The format that the text is of. */
export function spellingOf(text: string): DateTimeSpelling | undefined {
  if (text.length < 10 || text.length > 40) return undefined;
  if (text.length === 10) return isDate(text) ? "date" : undefined;
  if (utcMicrosText(text) !== undefined) return "date-time";
  if (/^\d{4}-\d\d-\d\dT[\d:.]+$/.test(text) && utcMicrosText(`${text}Z`) !== undefined) return "date-time-local";
  return text.length === 36 && uuidText(text) !== undefined ? "uuid" : undefined;
}
