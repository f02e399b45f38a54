import { strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { isDate, utcMicrosText } from "../../core/contract/instant_text.ts";

const pad = (number: number, length: number) => String(number).padStart(length, "0");

Deno.test("instants are those of the standard library, at every offset", () => {
  const field = (max: number) => fc.integer({ min: 0, max });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9999 }),
      fc.tuple(field(13), field(32), field(24), field(60), field(60)),
      fc.tuple(fc.constantFrom("+", "-"), field(23), field(59)),
      fc.string({ unit: fc.constantFrom(..."0123456789"), maxLength: 9 }),
      (year, [month, day, hour, minute, second], [sign, offsetHour, offsetMinute], digits) => {
        const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
        const local = `${date}T${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}`;
        const offset = `${sign}${pad(offsetHour, 2)}:${pad(offsetMinute, 2)}`;
        const text = `${local}${digits === "" ? "" : `.${digits}`}${offset}`;
        const exists = (instant: string) => {
          const time = new Date(instant);
          return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(instant.slice(0, 19))
            ? time
            : undefined;
        };
        const atUtc = exists(`${local}Z`);
        strictEqual(isDate(date), exists(`${date}T00:00:00Z`) !== undefined, date);
        if (atUtc === undefined) return strictEqual(utcMicrosText(text), undefined, text);
        const shift = (sign === "+" ? -1 : 1) * (offsetHour * 60 + offsetMinute) * 60_000;
        const utc = new Date(atUtc.getTime() + shift).toISOString();
        const inRange = /^\d{4}-/.test(utc) && !utc.startsWith("0000");
        strictEqual(
          utcMicrosText(text),
          inRange ? `${utc.slice(0, 19)}.${digits.slice(0, 6).padEnd(6, "0")}Z` : undefined,
          text,
        );
      },
    ),
    { numRuns: 5000 },
  );
});
