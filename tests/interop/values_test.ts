import { deepStrictEqual as assertEquals } from "node:assert/strict";
import fc from "../support/property.ts";
import { type Value, valueFromBytes, valueToBytes } from "../../core/iceberg/format/single_value.ts";
import { applyTransform, transformAccepts, transformFromText } from "../../core/iceberg/format/transform.ts";
import type { PrimitiveType } from "../../core/iceberg/format/type.ts";
import { typeFromJson, typeToJson } from "../../core/iceberg/format/type_json.ts";
import { pythonTest } from "../support/python.ts";

/**
 * Truncating the very smallest ones wraps around in Java, as here, and leaves 64 bits in Python.
 */
const int64 = fc.bigInt({ min: -(2n ** 63n) + 10n, max: 2n ** 63n - 1n });
/** Years 1 to 9999, which is what Python's own dates can tell. */
const micros = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n });
/** Whole characters only: a lone surrogate is no text, and has no UTF-8. */
const text = fc.string({ unit: "binary", maxLength: 24 });
const bytes = fc.uint8Array({ maxLength: 24 });

const types: [string, fc.Arbitrary<Value>][] = [
  ["boolean", fc.boolean()],
  ["int", fc.integer({ min: -(2 ** 31) + 10, max: 2 ** 31 - 1 })],
  ["long", int64],
  ["float", fc.float({ noNaN: true, noDefaultInfinity: true })],
  ["double", fc.double({ noNaN: true, noDefaultInfinity: true })],
  ["date", fc.integer({ min: -719_162, max: 2_932_896 })],
  ["time", fc.bigInt({ min: 0n, max: 86_399_999_999n })],
  ["timestamp", micros],
  ["timestamptz", micros],
  ["string", text],
  ["uuid", fc.uuid()],
  ["binary", bytes],
  ["fixed[7]", fc.uint8Array({ minLength: 7, maxLength: 7 })],
  ["decimal(9, 2)", fc.bigInt({ min: -(10n ** 9n) + 1n, max: 10n ** 9n - 1n })],
  ["decimal(38, 10)", fc.bigInt({ min: -(10n ** 27n) + 1n, max: 10n ** 27n - 1n })],
];
const valuesOfEachType = 2000;

type Judgement = [string, string, Record<string, string | null>];

pythonTest(
  "single values and transforms are PyIceberg's, on thirty thousand random values of every type",
  async (python) => {
    const seed = 20_260_301;
    const cases = types.map(([name, values], i) => ({
      type: name,
      values: fc.sample(values, { seed: seed + i, numRuns: valuesOfEachType }),
    }));
    const path = await Deno.makeTempFile({ suffix: ".json" });
    try {
      await Deno.writeTextFile(
        path,
        JSON.stringify(cases.map((item) => ({ type: item.type, values: item.values.map(textOf) }))),
      );
      const judged = await python.json<Judgement[][]>("judge_values.py", path);
      for (const [i, { type: name, values }] of cases.entries()) {
        const type = typeFromJson(name) as PrimitiveType;
        assertEquals(typeToJson(type), name);
        values.forEach((value, j) => assertJudged(type, value, judged[i]![j]!));
      }
    } finally {
      await Deno.remove(path);
    }
  },
);

function assertJudged(type: PrimitiveType, value: Value, [hex, _back, transforms]: Judgement): void {
  const where = `${type.type} ${textOf(value)}`;
  const encoded = valueToBytes(type, value);
  assertEquals(encoded.toHex(), hex, where);
  assertEquals(valueFromBytes(type, encoded), value, where);
  for (const [name, expected] of Object.entries(transforms)) {
    const transform = transformFromText(name);
    assertEquals(transformAccepts(transform, type), true);
    const result = applyTransform(transform, type, value)!;
    assertEquals(textOf(result), expected, `${name} of ${where}`);
  }
}

function textOf(value: Value): string {
  if (value instanceof Uint8Array) return value.toHex();
  return Object.is(value, -0) ? "-0.0" : String(value);
}
