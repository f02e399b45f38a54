import { deepStrictEqual } from "node:assert/strict";
import type { PartitionSpec } from "../../../core/iceberg/format/partition_spec.ts";
import { expectRows, planEvents, planLetters } from "../../../core/routing/reader/column_plan.ts";
import { compiledReader, HASH_KEY_BYTES, ReaderInstance } from "../../../core/routing/reader/reader_instance.ts";
import type { Reading } from "../../../core/routing/reader/reading.ts";
import { targetOf, WHOLE } from "./read_rows.ts";
import { contractOf } from "./test_reader.ts";

const COLUMNS = 2_000;

for (const transform of ["day", "identity"] as const) {
  Deno.test(`thousands of columns of a large batch have room in the reader's memory, partitioned by ${transform}`, () => {
    const names = Array.from({ length: COLUMNS }, (_, column) => `c${column}`);
    const contract = contractOf({ properties: Object.fromEntries(names.map((name) => [name, { type: "integer" }])) });
    const reader = new ReaderInstance(compiledReader(), new Uint8Array(HASH_KEY_BYTES));
    const spec: PartitionSpec = {
      specId: 0,
      fields: [{ sourceId: 1, fieldId: 1_000, name: "part", transform: { name: transform } }],
    };
    const units = [{ size: 1e9 }] as unknown as Reading["units"];
    expectRows(reader, contract, { units, limits: WHOLE, events: { ...targetOf([]), spec } });
    const tables = [planEvents(reader, contract, { onExtraFields: "rescue" }), planLetters(reader, contract)];
    deepStrictEqual(tables.map(({ columns }) => columns.length > COLUMNS), [true, true]);
  });
}
