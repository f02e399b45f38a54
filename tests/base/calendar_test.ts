import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { civilFromDay, dayFromCivil, floorDivide } from "../../core/base/calendar.ts";
import fc from "../support/property.ts";

Deno.test("a day's date is the one that Date knows, as far as it reaches", () => {
  fc.assert(fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (day) => {
    const date = new Date(day * 86_400_000);
    const parts = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
    deepStrictEqual(civilFromDay(day), parts);
  }));
});

Deno.test("a date leads back to its day, beyond Date's years too", () => {
  fc.assert(fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (day) => {
    strictEqual(dayFromCivil(civilFromDay(day)), day);
  }));
});

Deno.test("a quotient is rounded down on both sides of zero", () => {
  for (
    const [value, divisor, quotient] of [[7n, 2n, 3n], [-7n, 2n, -4n], [-8n, 2n, -4n], [-1n, 86_400n, -1n]] as const
  ) {
    strictEqual(floorDivide(value, divisor), quotient);
  }
});
