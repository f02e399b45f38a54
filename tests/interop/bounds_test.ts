import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { lowerBound, upperBound } from "../../core/iceberg/format/bound.ts";
import type { Value } from "../../core/iceberg/format/single_value.ts";
import { compareValues } from "../../core/iceberg/format/value_order.ts";
import { icebergJava, restCatalogTest } from "../support/rest_catalog_server.ts";

const each = 10_000;
/**
 * Near each other, so that order and increments are decided late: emoji, the edges of the
 * surrogates, the last code points.
 */
const edge = fc.constantFrom("a", "z", "\u007f", "é", "\ud7ff", "\ue000", "\uffff", "😀", "\u{10fffe}", "\u{10ffff}");
const text = fc.oneof(
  fc.string({ unit: edge, minLength: 0, maxLength: 20 }),
  fc.string({ unit: edge, minLength: 15, maxLength: 18 }),
  fc.string({ unit: "binary", maxLength: 24 }),
);
const byte = fc.constantFrom(0, 1, 0x7f, 0x80, 0xfe, 0xff);
const bytes = fc.oneof(
  fc.array(byte, { minLength: 14, maxLength: 19 }).map((list) => Uint8Array.from(list)),
  fc.uint8Array({ maxLength: 24 }),
);
const double = fc.oneof(fc.double(), fc.constantFrom(-0, 0, NaN, Infinity, -Infinity));

const sampled = <T>(values: fc.Arbitrary<T>, seed: number) => fc.sample(values, { seed, numRuns: each });
const utf8 = new TextEncoder();
const hexOf = (value: Value) => (typeof value === "string" ? utf8.encode(value) : value as Uint8Array).toHex();

restCatalogTest(
  "bounds and order are those of Iceberg's own implementation, on thirty thousand random values",
  async () => {
    const strings = sampled(text, 1), binaries = sampled(bytes, 2), doubles = sampled(double, 3);
    const lines = [
      ...strings.map((value) => `string ${hexOf(value)}`),
      ...binaries.map((value) => `binary ${hexOf(value)}`),
      ...doubles.map((value) => `double ${Object.is(value, -0) ? "-0.0" : value}`),
    ];
    const path = await Deno.makeTempFile({ suffix: ".txt" });
    let judged: string[];
    try {
      await Deno.writeTextFile(path, lines.join("\n") + "\n");
      judged = (await icebergJava("JudgeBounds.java", path)).trimEnd().split("\n");
    } finally {
      await Deno.remove(path);
    }
    strictEqual(judged.length, 2 * each + 3);
    const shown = (value: Value | undefined) => value === undefined ? "-" : `x${hexOf(value)}`;
    for (const [type, values, from] of [["string", strings, 0], ["binary", binaries, each]] as const) {
      values.forEach((value: Value, i) => {
        const bounds = `${shown(lowerBound({ type }, value))} ${shown(upperBound({ type }, value))}`;
        strictEqual(bounds, judged[from + i], `${type} ${hexOf(value)}`);
      });
    }
    for (const [i, values] of ([strings, binaries, doubles] as Value[][]).entries()) {
      const numbers = values.map((_value, number) => number);
      const ours = numbers.toSorted((a, b) => compareValues(values[a]!, values[b]!));
      deepStrictEqual(ours.join(" "), judged[2 * each + i]);
    }
  },
);
