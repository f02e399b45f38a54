import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { DuckDBDateValue, DuckDBDecimalValue, DuckDBTimestampTZValue } from "@duckdb/node-api";
import { parsePartitionField } from "../../core/consume/partition_by.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import type { SqlValue } from "../../core/engine/duckdb.ts";
import { quoteText } from "../../core/engine/duckdb.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { partitionColumns } from "../../core/iceberg/format/partition_spec.ts";
import type { Value } from "../../core/iceberg/format/single_value.ts";
import { currentSchema, defaultSpec } from "../../core/iceberg/format/table_metadata.ts";
import { applyTransform } from "../../core/iceberg/format/transform.ts";
import type { Field, PrimitiveType } from "../../core/iceberg/format/type.ts";
import { ConsumeWorld } from "./consume_world.ts";

const contract = parseContract(`{"type":"object","properties":{
  "b":{"type":"boolean"},"i":{"type":"integer","format":"int32"},"l":{"type":"integer"},
  "f":{"type":"number","format":"float"},"db":{"type":"number"},
  "d":{"type":"number","multipleOf":0.01,"minimum":-9999999.99,"maximum":9999999.99},
  "w":{"type":"number","multipleOf":1e-10,"minimum":-1e27,"maximum":1e27},
  "s":{"type":"string"},"u":{"type":"string","format":"uuid"},
  "da":{"type":"string","format":"date"},"ts":{"type":"string","format":"date-time"}}}`);

/** JSON values of each column, at every edge; null stands in each besides. */
const values: Record<string, string[]> = {
  b: ["true", "false"],
  i: ["0", "-1", "7", "-2147483648", "2147483647", "-10", "10"],
  l: ["0", "-1", "9223372036854775807", "-9223372036854775808", "19", "-20"],
  f: ["0", "-0.0", "1.5", "-3e38"],
  db: ["0", "-0.0", "1e300", "0.1"],
  d: ["0", "-0.01", "12.34", "-9999999.99", "9999999.99", "-10"],
  w: ["0.0000000001", "-0.0000000001", "123456789012345678901234567.0123456789", "-99"],
  s: [
    '""',
    '"a"',
    '"a/b=c%20 ü😀"',
    '"😀😀😀😀"',
    '"a\\u0000b"',
    '"null"',
    '"e\\u0301e\\u0301e\\u0301"',
    '"\\uffff\\ud83d\\ude00x"',
    ...[
      '"__HIVE_DEFAULT_PARTITION__"',
      '"v"',
      '"h"',
      JSON.stringify("é".repeat(200)),
      JSON.stringify("x".repeat(3_000)),
    ],
  ],
  u: ['"1cc9f319-60ad-468b-a86b-69a1b3a53aba"', '"FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"'],
  da: ['"1970-01-01"', '"1969-12-31"', '"0001-01-01"', '"9999-12-31"', '"1900-02-28"', '"2024-02-29"', '"1968-12-01"'],
  ts: [
    ...[
      '"1970-01-01T00:00:00Z"',
      '"1969-12-31T23:59:59.999999Z"',
      '"0001-01-01T00:00:00Z"',
      '"2026-03-01T00:30:00+05:30"',
    ],
    ...['"9999-12-31T23:59:59.999999Z"', '"1969-12-31T22:59:59Z"', '"1968-02-29T00:00:00Z"'],
  ],
};

/** Each value of each column at least once. */
const records = Array.from({ length: 16 }, (_, row) => {
  const members = Object.entries(values).map(([name, list], column) => {
    const value = row === 0 ? "null" : list[(row + column) % list.length]!;
    return `"${name}":${value}`;
  });
  return `{${members.join(",")}}`;
});

/** A value of DuckDB's in the memory form of `Value`. */
function icebergValue(type: PrimitiveType, value: SqlValue): Value | null {
  if (value === null) return null;
  switch (type.type) {
    case "date":
      return (value as DuckDBDateValue).days;
    case "timestamptz":
      return (value as DuckDBTimestampTZValue).micros;
    case "decimal":
      return (value as DuckDBDecimalValue).value;
    case "uuid":
      return String(value);
    default:
      return value as Value;
  }
}

const choices = [
  ["b", "i", "l", "d", "w", "s", "u", "da", "ts"],
  ["f", "db"],
  [
    "bucket(16, i)",
    "bucket(7, l)",
    "bucket(3, d)",
    "bucket(5, w)",
    "bucket(s, 16)",
    "bucket(4,u)",
    "bucket(9, da)",
    "bucket(9, ts)",
  ],
  ["truncate(10, i)", "truncate(10, l)", "truncate(10, d)", "truncate(7, w)", "truncate(3, s)"],
  ["year(da)", "year(ts)", "void(s)"],
  ["month(da)", "month(ts)"],
  ["day(da)", "day(ts)"],
  ["hour(ts)", "truncate(200, s)"],
];

for (const partitionBy of choices) {
  Deno.test(`each row of a table partitioned by ${partitionBy.join(", ")} lies in its partition, and is found by its values`, () =>
    ConsumeWorld.use(async (world) => {
      world.put("a.json", `[${records.join(",")}]`);
      await world.consume({ contract, partitionBy: partitionBy.map(parsePartitionField) });
      strictEqual(world.batches[0]!.events, records.length);
      const { io, metadata } = (await world.catalog.loadTable(parseIdentifier("bronze.events")))!;
      const schema = currentSchema(metadata);
      const parts = partitionColumns(defaultSpec(metadata), [schema]);
      strictEqual(parts.length, partitionBy.length);
      const fields = schema.fields.filter(({ name }) => name in values);
      const { files } = await planScan(io, metadata);
      for (const { dataFile } of files) {
        const path = world.store.localPath(io.location.pathOf(dataFile.path))!;
        const rows = await world.rows(`FROM read_parquet(${quoteText(path)}, hive_partitioning = false)`);
        for (const row of rows) {
          const expected = parts.map(({ field, source }) => {
            const { name } = fields.find(({ id }) => id === field.sourceId)!;
            return applyTransform(field.transform, source, icebergValue(source, row[name]!));
          });
          deepStrictEqual(dataFile.partition, expected);
          for (const field of fields) {
            const value = icebergValue(field.type as PrimitiveType, row[field.name]!);
            ok(await isFound(field, value, dataFile.path), `${field.name} = ${String(value)} is not found in its file`);
          }
        }
      }
      async function isFound(field: Field, value: Value | null, file: string): Promise<boolean> {
        const predicate = value === null
          ? { op: "is-null", column: field.name } as const
          : { op: "=", column: field.name, value } as const;
        const found = await planScan(io, metadata, { predicate });
        return found.files.some(({ dataFile }) => dataFile.path === file);
      }
    }));
}

const sources: Record<string, string> = {
  b: "b",
  i: "truncate(10, i)",
  l: "bucket(4, l)",
  d: "truncate(10, d)",
  w: "bucket(5, w)",
  s: "truncate(3, s)",
  u: "bucket(4, u)",
  da: "month(da)",
  ts: "day(ts)",
};
const ALSO = ["hour(ts)", "bucket(4, ts)", "year(ts)", "month(ts)", "ts", "day(da)", "bucket(4, da)", "db", "f"];

for (const partitionBy of [...Object.values(sources), ...ALSO]) {
  Deno.test(`a table partitioned by ${partitionBy} goes on when the contract drops that column, and when it comes back`, () =>
    ConsumeWorld.use(async (world) => {
      const column = /(\w+)\)?$/.exec(partitionBy)![1]!;
      const { properties } = JSON.parse(contract.text);
      const { [column]: _dropped, ...left } = properties;
      const less = parseContract(JSON.stringify({ type: "object", properties: { ...left, n: { type: "integer" } } }));
      const value = values[column]![1]!;
      world.put("1.ndjson", `{"${column}":${value}}`);
      await world.consume({ contract, partitionBy: [parsePartitionField(partitionBy)] });
      // The second is judged: a key with an escape is not plain.
      world.put("2.ndjson", '{"n":1}\n{"\\u006e":2}');
      await world.consume({ contract: less });
      world.put("3.ndjson", `{"${column}":${value}}`);
      await world.consume({ contract });
      deepStrictEqual(world.batches.map(({ events }) => events), [1, 2, 1]);
      const { io, metadata } = (await world.catalog.loadTable(parseIdentifier("bronze.events")))!;
      const { files } = await planScan(io, metadata);
      const partitions = files.map(({ dataFile }) => dataFile.partition[0]);
      const unset = files.filter(({ dataFile }) => dataFile.partition[0] === null);
      strictEqual(unset.reduce((rows, { dataFile }) => rows + dataFile.recordCount, 0), 2);
      const [same, ...others] = partitions.filter((value) => value !== null);
      deepStrictEqual(others, [same]);
    }));
}

Deno.test("a table is partitioned by a column whose name holds a dot", () =>
  ConsumeWorld.use(async (world) => {
    const dotted = parseContract('{"type":"object","properties":{"a.b":{"type":"integer"},"c":{"type":"string"}}}');
    world.put("1.ndjson", '{"a.b":7}');
    await world.consume({ contract: dotted, partitionBy: [parsePartitionField("a.b")] });
    const { io, metadata } = (await world.catalog.loadTable(parseIdentifier("bronze.events")))!;
    const { files } = await planScan(io, metadata);
    deepStrictEqual(files.map(({ dataFile }) => dataFile.partition), [[7n]]);
  }));
