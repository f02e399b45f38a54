import { strictEqual } from "node:assert/strict";
import { withSeed } from "../../support/seed.ts";
import { isThorough } from "../../support/thorough.ts";
import type { Random } from "../../../core/base/random.ts";
import { contractOf, TestReader } from "./test_reader.ts";

const RUNS = isThorough ? 200 : 4;
const NUMBERS = 10_000;

const contract = contractOf({
  properties: { d: { type: "number" }, f: { type: "number", format: "float" } },
});

Deno.test("doubles and floats are read as Number reads them, in every spelling", async () => {
  await withSeed((random) => {
    for (let run = 0; run < RUNS; run++) {
      const numbers = Array.from({ length: NUMBERS }, () => spelling(random));
      compare(numbers);
    }
    return Promise.resolve();
  });
});

Deno.test("doubles at the edges of their range and between two of them", () => {
  const halves = ["9007199254740993", "9007199254740995", "9007199254740992.5", "5e-324", "2.4703282292062328e-324"];
  const edges = ["1.7976931348623157e308", "1.7976931348623158e308", "2.2250738585072014e-308", "4.9e-324", "1e-400"];
  const ties = ["1e23", "8.5e22", "6.1e22", "1.00000000000000011102230246251565", "0.000000000000000000000000000001"];
  compare([...halves, ...edges, ...ties, "-0", "-0.0", "0e999", "123456789012345678901234567890", "1e22", "-1e23"]);
});

/** Few are left to the judge, and the others are the same to the last bit. */
function compare(numbers: readonly string[]): void {
  const reader = new TestReader(contract);
  const { rows, odd } = reader.scanArray(`[${numbers.map((text) => `{"d":${text},"f":${text}}`).join()}]`);
  const left = new Set(odd);
  const taken = numbers.filter((_, i) => !left.has(i));
  strictEqual(rows.length, taken.length);
  for (const [i, text] of taken.entries()) {
    const value = Number(text);
    strictEqual(rows[i]!.d, shown(value), text);
    strictEqual(rows[i]!.f, shown(Math.fround(value)), text);
  }
  const fit = numbers.filter((text) => Number.isFinite(Math.fround(Number(text)))).length;
  if (fit - taken.length > numbers.length / 100 + 5) throw new Error(`${fit - taken.length} are left to the judge`);
}

function shown(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function spelling(random: Random): string {
  const choice = Math.floor(random.next() * 5);
  const value = anyDouble(random);
  const digits = Math.floor(random.next() * 21);
  switch (choice) {
    case 0:
      return String(value);
    case 1:
      return value.toExponential(digits);
    case 2:
      return value.toPrecision(digits + 1);
    case 3:
      return `${Math.floor(random.next() * 1e6)}.${String(random.next()).slice(2)}`;
    default:
      return Math.fround(random.next() * 1e3).toFixed(digits);
  }
}

function anyDouble(random: Random): number {
  const value = new Float64Array(random.bytes(8).slice().buffer)[0]!;
  return Number.isFinite(value) ? value : random.next();
}
