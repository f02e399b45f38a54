import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { openContainer } from "../../../core/avro/container.ts";
import { type Json, parseJson } from "../../../core/base/json.ts";
import { encodeManifest } from "../../../core/iceberg/manifest/manifest_avro.ts";
import { encodeManifestList } from "../../../core/iceberg/manifest/manifest_list_avro.ts";
import { decodeManifest } from "../../../core/iceberg/manifest/manifest_reader.ts";
import { summarizeManifest } from "../../../core/iceberg/manifest/manifest_summary.ts";
import type { DataFile } from "../../../core/iceberg/format/data_file.ts";
import type { PartitionSpec } from "../../../core/iceberg/format/partition_spec.ts";
import { type Schema, schemaFromJson } from "../../../core/iceberg/format/schema.ts";
import { valueFromBytes } from "../../../core/iceberg/format/single_value.ts";

const schema: Schema = {
  schemaId: 3,
  fields: [
    { id: 1, name: "when", required: false, type: { type: "timestamptz" } },
    { id: 2, name: "größe in %", required: false, type: { type: "decimal", precision: 20, scale: 2 } },
    { id: 3, name: "name", required: false, type: { type: "string" } },
    { id: 4, name: "id", required: false, type: { type: "uuid" } },
    { id: 5, name: "f", required: false, type: { type: "double" } },
  ],
};
const spec: PartitionSpec = {
  specId: 7,
  fields: [
    { sourceId: 1, fieldId: 1000, name: "when_day", transform: { name: "day" } },
    { sourceId: 2, fieldId: 1001, name: "größe in %", transform: { name: "identity" } },
    { sourceId: 3, fieldId: 1002, name: "name", transform: { name: "identity" } },
    { sourceId: 4, fieldId: 1003, name: "id", transform: { name: "identity" } },
    { sourceId: 5, fieldId: 1004, name: "f", transform: { name: "identity" } },
  ],
};

function file(name: string | null, f: number | null): DataFile {
  return {
    content: "data",
    path: "s3://b/x.parquet",
    format: "parquet",
    specId: 7,
    partition: [-1, -123456789012345678n, name, "f79c3e09-677c-4bbd-a479-3f349cb785e7", f],
    recordCount: 5,
    fileSizeBytes: 5_000_000_000,
    columnSizes: new Map([[1, 10]]),
    valueCounts: new Map([[1, 5]]),
    nullValueCounts: new Map([[1, 0]]),
    nanValueCounts: new Map([[5, 1]]),
    lowerBounds: new Map([[1, Uint8Array.of(1, 2)]]),
    upperBounds: new Map([[1, new Uint8Array(0)]]),
    keyMetadata: Uint8Array.of(9),
    splitOffsets: [4, 4_000_000_000],
    sortOrderId: 2,
  };
}

const entries = [
  { status: "added" as const, snapshotId: 2n ** 62n + 1n, dataFile: file("é".repeat(20), NaN) },
  {
    status: "existing" as const,
    snapshotId: 5n,
    sequenceNumber: 2n ** 53n + 1n,
    fileSequenceNumber: 3n,
    dataFile: file(null, -0),
  },
  { status: "deleted" as const, snapshotId: 6n, sequenceNumber: 1n, fileSequenceNumber: 1n, dataFile: file("a", null) },
];
const manifest = { schema, spec, content: "data" as const, entries };
const sync = new Uint8Array(16);

/** Every id with its name, of fields, elements, keys and values. */
function ids(node: Json, found: Record<number, string> = {}): Record<number, string> {
  if (Array.isArray(node)) { for (const item of node) ids(item, found); }
  else if (node !== null && typeof node === "object") {
    if (typeof node["field-id"] === "number") found[node["field-id"]] = String(node.name);
    if (typeof node["element-id"] === "number") found[node["element-id"]] = "element";
    for (const item of Object.values(node)) ids(item, found);
  }
  return found;
}

Deno.test("a manifest's record, its fields' ids and its header are what readers go by", () => {
  const { schema: avro, metadata } = openContainer(encodeManifest(manifest, sync));
  assertEquals((avro as { name: string }).name, "manifest_entry");
  assertEquals(Object.keys(ids(avro)).map(Number), [
    0,
    1,
    2,
    3,
    4,
    100,
    101,
    102,
    103,
    104,
    108,
    109,
    110,
    117,
    118,
    119,
    120,
    121,
    122,
    125,
    126,
    127,
    128,
    129,
    130,
    131,
    132,
    133,
    134,
    135,
    136,
    137,
    138,
    139,
    140,
    143,
    1000,
    1001,
    1002,
    1003,
    1004,
  ]);
  assertEquals([ids(avro)[2], ids(avro)[1000], ids(avro)[1001]], [
    "data_file",
    "when_day",
    "gr_xF6_xDFe_x20in_x20_x25",
  ]);
  assertEquals(schemaFromJson(parseJson(metadata.get("schema")!)), schema, "Iceberg's JSON, not Avro's");
  assertEquals(["schema-id", "partition-spec-id", "format-version", "content"].map((key) => metadata.get(key)), [
    "3",
    "7",
    "2",
    "data",
  ]);
  assertEquals((parseJson(metadata.get("partition-spec")!) as Json[])[0], {
    "source-id": 1,
    "field-id": 1000,
    name: "when_day",
    transform: "day",
  });
  const maps = JSON.stringify(avro).match(/"logicalType":"map"/g)!.length;
  assertEquals(maps, 6);
});

Deno.test("a manifest comes back as it went, every kind of partition value and 64 bits exact", () => {
  const decoded = decodeManifest(encodeManifest(manifest, sync), "m", { schemas: [] });
  assertEquals(decoded.entries.map((entry) => ({ ...entry })), entries);
  assertEquals([decoded.spec, decoded.content], [spec, "data"]);
  const kept = decodeManifest(encodeManifest(manifest, sync), "m", {
    schemas: [],
    specId: 9,
    keep: (candidate) =>
      candidate.partition[2] === null && candidate.lowerBounds === undefined && candidate.specId === 9,
  });
  assertEquals(kept.entries.map((entry) => entry.dataFile.lowerBounds), [new Map([[1, Uint8Array.of(1, 2)]])]);
});

Deno.test("a plain type may be written as an object, as DuckDB's extension does in the maps of statistics", () => {
  const marker = Uint8Array.from({ length: 16 }, (_, index) => 200 + index);
  const bytes = encodeManifest(manifest, marker);
  const rewritten = withSchema(bytes, marker, (text) => text.replaceAll('"type":"int"', '"type":{"type":"int"}'));
  assertEquals(rewritten.length > bytes.length, true);
  assertEquals(decodeManifest(rewritten, "m", { schemas: [] }).entries.map((entry) => ({ ...entry })), entries);
});

Deno.test("the list tells files, rows and partitions of a manifest, with bounds cut and rounded up", () => {
  const summary = summarizeManifest(
    { ...manifest, schemas: [], snapshotId: 8n, sequenceNumber: 2n ** 60n },
    "s3://b/m.avro",
    123,
  );
  assertEquals([summary.addedFilesCount, summary.existingFilesCount, summary.deletedFilesCount], [1, 1, 1]);
  assertEquals([summary.addedRowsCount, summary.existingRowsCount, summary.deletedRowsCount], [5, 5, 5]);
  // The deleted file's number does not count, the added one's is the list's.
  assertEquals(summary.minSequenceNumber, 2n ** 53n + 1n);
  const [when, size, name, , f] = summary.partitions!;
  assertEquals(valueFromBytes({ type: "date" }, when!.lowerBound!), -1);
  assertEquals(valueFromBytes({ type: "decimal", precision: 20, scale: 2 }, size!.upperBound!), -123456789012345678n);
  assertEquals([name!.containsNull, valueFromBytes({ type: "string" }, name!.lowerBound!)], [true, "a"]);
  assertEquals(valueFromBytes({ type: "string" }, name!.upperBound!), "é".repeat(15) + "ê");
  assertEquals([f!.containsNan, f!.containsNull, valueFromBytes({ type: "double" }, f!.upperBound!)], [true, true, -0]);
  const list = openContainer(encodeManifestList([summary], { snapshotId: 8n, sequenceNumber: 2n ** 60n }, sync));
  assertEquals((list.schema as { name: string }).name, "manifest_file");
  assertEquals(Object.keys(ids(list.schema)).map(Number), [
    500,
    501,
    502,
    503,
    504,
    505,
    506,
    507,
    508,
    509,
    510,
    511,
    512,
    513,
    514,
    515,
    516,
    517,
    518,
    519,
  ]);
});

/** The same container with another text of its Avro schema. */
function withSchema(bytes: Uint8Array, marker: Uint8Array, change: (text: string) => string): Uint8Array {
  const encoder = new TextEncoder();
  const { metadata } = openContainer(bytes);
  metadata.set("avro.schema", change(metadata.get("avro.schema")!));
  const texts = [...metadata].flat().map((text) => encoder.encode(text));
  const header = [...varint(metadata.size), ...texts.flatMap((text) => [...varint(text.length), ...text]), 0];
  const syncAt = bytes.findIndex((_, at) => marker.every((byte, index) => bytes[at + index] === byte));
  return Uint8Array.of(...bytes.subarray(0, 4), ...header, ...bytes.subarray(syncAt));
}

/** As Avro writes a count: zigzag, in pieces of seven bits. */
function varint(count: number): number[] {
  const pieces = [];
  for (let rest = count * 2; pieces.length === 0 || rest > 0; rest >>>= 7) {
    pieces.push(rest & 0x7f | (rest > 0x7f ? 0x80 : 0));
  }
  return pieces;
}
