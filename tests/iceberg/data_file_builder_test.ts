import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { buildDataFile, type ColumnStatistics } from "../../core/iceberg/data_file_builder.ts";
import { assignFieldIds, type Schema } from "../../core/iceberg/format/schema.ts";
import { valueFromBytes } from "../../core/iceberg/format/single_value.ts";
import type { Field, Type } from "../../core/iceberg/format/type.ts";

const field = (name: string, type: Type): Field => ({ id: 0, name, required: false, type });
const schema: Schema = {
  schemaId: 0,
  fields: assignFieldIds([
    field("d", { type: "double" }),
    field("s", { type: "string" }),
    field("list", { type: "list", elementId: 0, elementRequired: false, element: { type: "int" } }),
    field("struct", { type: "struct", fields: [field("x", { type: "long" })] }),
  ], 1).fields,
};
const [d, s, element, x] = [1, 2, 5, 6];

function build(columns: ColumnStatistics[], splitOffsets?: number[]) {
  const facts = { path: "p", specId: 0, partition: [], recordCount: 3, fileSizeBytes: 9, columns };
  return buildDataFile(splitOffsets ? { ...facts, splitOffsets } : facts, schema);
}

Deno.test("bounds are cut and rounded up, and left out for columns below a list", () => {
  const file = build([
    { fieldId: s!, min: "a".repeat(20), max: "b".repeat(20), valueCount: 3, nullCount: 1, sizeBytes: 50 },
    { fieldId: element!, min: 1, max: 2, valueCount: 7, nullCount: 2 },
    { fieldId: x!, min: -5n, max: 5n },
  ]);
  assertEquals([...file.lowerBounds!.keys()], [s, x]);
  assertEquals(valueFromBytes({ type: "string" }, file.lowerBounds!.get(s!)!), "a".repeat(16));
  assertEquals(valueFromBytes({ type: "string" }, file.upperBounds!.get(s!)!), "b".repeat(15) + "c");
  assertEquals(valueFromBytes({ type: "long" }, file.lowerBounds!.get(x!)!), -5n);
  assertEquals(file.valueCounts, new Map([[s, 3], [element, 7]]));
  assertEquals(file.nullValueCounts, new Map([[s, 1], [element, 2]]));
  assertEquals(file.columnSizes, new Map([[s, 50]]));
});

Deno.test("NaN is no bound, and a zero bound takes in both zeros", () => {
  const bounds = (min: number, max: number) => {
    const file = build([{ fieldId: d!, min, max, nanCount: 1 }]);
    const value = (bytes?: Uint8Array) => bytes && valueFromBytes({ type: "double" }, bytes);
    return [value(file.lowerBounds!.get(d!)), value(file.upperBounds!.get(d!)), file.nanValueCounts!.get(d!)];
  };
  assertEquals(bounds(0, 0), [-0, 0, 1]);
  assertEquals(bounds(-0, -0), [-0, 0, 1]);
  assertEquals(bounds(NaN, NaN), [undefined, undefined, 1]);
  assertEquals(bounds(-Infinity, Infinity), [-Infinity, Infinity, 1]);
});

Deno.test("split offsets ascend, and none are told where there are none", () => {
  assertEquals(build([], [900, 4]).splitOffsets, [4, 900]);
  assertEquals("splitOffsets" in build([], []), false);
});
