import { deepStrictEqual, throws } from "node:assert/strict";
import type { Field } from "../../../core/iceberg/format/type.ts";
import { bloomFilterSize } from "../../../core/tables/write/parquet/bloom_filter.ts";
import { ParquetSchema } from "../../../core/tables/write/parquet/parquet_schema.ts";
import { inFolder } from "../../support/own_folder.ts";
import { readFooter, type ThriftStruct } from "./thrift_value.ts";
import { writeTable } from "./written_table.ts";

const FIELDS: Field[] = [
  { id: 1, name: "id", required: true, type: { type: "long" } },
  {
    id: 2,
    name: "tags",
    required: true,
    type: { type: "list", elementId: 3, elementRequired: true, element: { type: "string" } },
  },
  { id: 4, name: "flag", required: true, type: { type: "boolean" } },
];

const START = "write.parquet.bloom-filter";

/** Bytes of the filter of each leaf, with its header; 0 without one. */
function filterBytes(folder: string, properties: Record<string, string>): number[] {
  const rows = Array.from({ length: 1000 }, (_, i) => ({ id: BigInt(i * 7), tags: [`t${i % 10}`], flag: i % 2 === 0 }));
  const path = Deno.makeTempDirSync({ dir: folder }) + "/a.parquet";
  writeTable(path, FIELDS, rows, { properties });
  const [group] = readFooter(Deno.readFileSync(path))[4] as ThriftStruct[];
  return (group![1] as ThriftStruct[]).map((chunk) => ((chunk[3] as ThriftStruct)[15] as number | undefined) ?? 0);
}

Deno.test("a table's properties name the columns that have a Bloom filter, and how large it may be", () =>
  inFolder((folder) => {
    const header = 15;
    const of = (properties: Record<string, string>) => filterBytes(folder, properties);
    const id = { [`${START}-enabled.column.id`]: "true" };
    deepStrictEqual(of({}), [0, 0, 0]);
    // A thousand values of ten bits are 1,250 bytes; sizes are powers of two.
    deepStrictEqual(of(id), [2048 + header + 1, 0, 0]);
    deepStrictEqual(of({ ...id, [`${START}-fpp.column.id`]: "0.3" }), [512 + header + 1, 0, 0]);
    deepStrictEqual(of({ ...id, [`${START}-ndv.column.id`]: "100" }), [128 + header + 1, 0, 0]);
    deepStrictEqual(of({ ...id, [`${START}-max-bytes`]: "1000" }), [512 + header + 1, 0, 0]);
    // Of the ten values that there are.
    deepStrictEqual(of({ [`${START}-enabled.column.tags.element`]: "TRUE" }), [0, 32 + header, 0]);
    deepStrictEqual(of({ [`${START}-enabled.column.flag`]: "true", [`${START}-enabled.column.id`]: "false" }), [
      0,
      0,
      0,
    ]);
  }));

Deno.test("a property that is no such number is refused by name", () => {
  const leaf = new ParquetSchema(FIELDS).leaves[0]!;
  for (
    const [key, value] of [["-fpp.column.id", "1"], ["-fpp.column.id", ""], ["-max-bytes", "1.5"], [
      "-ndv.column.id",
      "x",
    ]]
  ) {
    const properties = { [`${START}-enabled.column.id`]: "true", [`${START}${key}`]: value! };
    throws(() => bloomFilterSize(properties, leaf), {
      kind: "usage",
      message: new RegExp(`${START}${key} is "${value}"`),
    });
  }
});
