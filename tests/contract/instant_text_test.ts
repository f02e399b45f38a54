import { match, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { isDate, utcMicrosText } from "../../core/contract/instant_text.ts";
import { type ContractOptions, parseContractDocument } from "../../core/contract/json_schema.ts";
import { Judge } from "../../core/contract/judge.ts";

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

/** The words that a letter names, as a field's schema and the run's options. */
const TAKERS: Readonly<Record<string, [schema: object, options?: ContractOptions]>> = {
  "date-time-lenient": [{ type: "string", format: "date-time-lenient" }],
  "date-time-lenient with --assume-offset": [{ type: "string", format: "date-time-lenient" }, { assumeOffset: "Z" }],
  "epoch-seconds": [{ type: "number", format: "epoch-seconds" }],
  "epoch-millis": [{ type: "integer", format: "epoch-millis" }],
  "epoch-millis with x-coerce": [{ type: "integer", format: "epoch-millis", "x-coerce": true }],
  "epoch-micros with x-coerce": [{ type: "integer", format: "epoch-micros", "x-coerce": true }],
};

function detailBy(value: unknown, schema: object, options: ContractOptions = {}): string | undefined {
  const contract = { type: "object", properties: { v: schema } };
  const judge = new Judge(parseContractDocument(JSON.stringify(contract), options).contract, "dead-letter");
  const judgement = judge.judge(JSON.stringify({ v: value }));
  return judgement.kind === "event" ? undefined : judgement.detail;
}

Deno.test("the letter of a strict date-time names what takes the value, and that does", () => {
  const taken: [value: unknown, taker: string][] = [
    ["2026-03-01 10:00:00Z", "date-time-lenient"],
    ["2026-03-01 10:00:00.5 UTC", "date-time-lenient"],
    ["2026-03-01T10:00:00 +01:00", "date-time-lenient"],
    ["2026-03-01T10:00:00UTC", "date-time-lenient"],
    ["2026-03-01T10:00:00+0100", "date-time-lenient"],
    ["2026-03-01T10:00:00+01", "date-time-lenient"],
    ["2026-03-01", "date-time-lenient"],
    ["2026-03-01T10:00:00", "date-time-lenient with --assume-offset"],
    ["2026-03-01 10:00:00.123", "date-time-lenient with --assume-offset"],
    [1772359200.5, "epoch-seconds"],
    [1772359200000, "epoch-millis"],
    ["1772359200000", "epoch-millis with x-coerce"],
    ["1772359200000000", "epoch-micros with x-coerce"],
  ];
  for (const [value, taker] of taken) {
    const detail = detailBy(value, { type: "string", format: "date-time" });
    strictEqual(/, which (.*) takes, found/.exec(detail!)?.[1], taker, detail);
    strictEqual(detailBy(value, ...TAKERS[taker]!), undefined);
  }
});

Deno.test("the letter of a lenient date-time asks for an offset where that is all it lacks", () => {
  const lenient = { type: "string", format: "date-time-lenient" };
  for (const value of ["2026-03-01T10:00:00", "2026-03-01 10:00:00.123"]) {
    match(detailBy(value, lenient)!, /: the offset is missing, which --assume-offset gives, found/);
  }
  match(detailBy("2026-03-01 10:00", lenient)!, /: the seconds are missing, found/);
  match(detailBy("2026-02-29 10:00:00", lenient)!, /expected date-time with an offset, found/);
});
