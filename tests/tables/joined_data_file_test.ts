import { deepStrictEqual } from "node:assert/strict";
import { buildDataFile, type ColumnStatistics } from "../../core/iceberg/data_file_builder.ts";
import type { Schema } from "../../core/iceberg/format/schema.ts";
import { joinedDataFile } from "../../core/tables/write/joined_data_file.ts";

const schema: Schema = {
  schemaId: 0,
  fields: [
    { id: 1, name: "id", required: true, type: { type: "long" } },
    { id: 2, name: "text", required: false, type: { type: "string" } },
    { id: 3, name: "real", required: false, type: { type: "double" } },
  ],
};

function file(records: number, columns: ColumnStatistics[]) {
  return buildDataFile(
    { path: `file:///${records}`, specId: 0, partition: [7], recordCount: records, fileSizeBytes: 9, columns },
    schema,
  );
}

const place = { uri: "file:///joined", fileSizeBytes: 100, splitOffsets: [4, 50] };

Deno.test("statistics of a joined file take in those of its parts", () => {
  const counts = (valueCount: number, nullCount: number) => ({ valueCount, nullCount, sizeBytes: 10 });
  const joined = joinedDataFile(
    [
      file(2, [{ fieldId: 1, ...counts(2, 0), min: 5n, max: 300n }, {
        fieldId: 2,
        ...counts(2, 0),
        min: "b",
        max: "\u{10000}",
      }]),
      file(3, [{ fieldId: 1, ...counts(3, 0), min: -1n, max: 6n }, { fieldId: 2, ...counts(3, 3) }]),
      file(1, [{ fieldId: 1, ...counts(1, 0), min: 7n, max: 7n }, {
        fieldId: 2,
        ...counts(1, 0),
        min: "c",
        max: "\u{ffff}",
      }]),
    ],
    place,
    schema,
  );
  const wanted = file(6, [
    { fieldId: 1, ...counts(6, 0), sizeBytes: 30, min: -1n, max: 300n },
    { fieldId: 2, ...counts(6, 3), sizeBytes: 30, min: "b", max: "\u{10000}" },
  ]);
  deepStrictEqual(joined, { ...wanted, path: place.uri, fileSizeBytes: 100, splitOffsets: [4, 50] });
});

Deno.test("a joined file has no statistics that one of its parts lacks", () => {
  const known = { valueCount: 2, nullCount: 0, nanCount: 0, sizeBytes: 1 };
  const joined = joinedDataFile(
    [
      file(2, [{ fieldId: 3, ...known, min: 1, max: 2 }, { fieldId: 1, ...known, min: 1n, max: 2n }]),
      file(2, [{ fieldId: 3, ...known, nanCount: undefined, min: undefined, max: undefined }]),
    ],
    place,
    schema,
  );
  deepStrictEqual([...joined.lowerBounds!.keys(), ...joined.upperBounds!.keys()], []);
  deepStrictEqual([[...joined.valueCounts!], [...joined.nanValueCounts!]], [[[3, 4]], []]);
});
