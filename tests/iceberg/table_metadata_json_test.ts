import { deepStrictEqual as assertEquals, throws as assertThrows } from "node:assert/strict";
import fc from "../support/property.ts";
import { type Json, parseJson, stringifyJson } from "../../core/base/json.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { currentSchema, snapshotAsOf, snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { applyUpdates } from "../../core/iceberg/format/table_update_applier.ts";
import { tableMetadataFromText, tableMetadataToText } from "../../core/iceberg/table_metadata_json.ts";

/**
 * As another engine might write it: unknown fields at every level, ids beyond 2^53, an order of its
 * own.
 */
const foreign: { [key: string]: Json } = {
  "next-engine-setting": { deep: [1, 2.5, null, "x"] },
  "format-version": 2,
  "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
  location: "s3://bucket/table/",
  "last-sequence-number": 34,
  "last-updated-ms": 1602638573590,
  "last-column-id": 3,
  "current-schema-id": 1,
  schemas: [
    { type: "struct", "schema-id": 0, fields: [{ id: 1, name: "x", required: true, type: "long" }] },
    {
      "engine-note": "kept",
      type: "struct",
      "schema-id": 1,
      "identifier-field-ids": [1],
      fields: [
        { id: 1, name: "x", required: true, type: "long", doc: "an id" },
        { id: 3, name: "d", required: false, type: "decimal( 9 , 2 )" },
      ],
    },
  ],
  "default-spec-id": 0,
  "partition-specs": [{
    "spec-id": 0,
    fields: [{ name: "x", transform: "identity", "source-id": 1, "field-id": 1000 }],
  }],
  "last-partition-id": 1000,
  "default-sort-order-id": 3,
  "sort-orders": [{
    "order-id": 3,
    fields: [{ transform: "zorder[4]", "source-id": 1, direction: "desc", "null-order": "nulls-last" }],
  }],
  properties: { owner: "somebody" },
  "current-snapshot-id": 9223372036854775807n,
  snapshots: [
    {
      "snapshot-id": 9223372036854775806n,
      "timestamp-ms": 1515100955770,
      "sequence-number": 0,
      summary: { operation: "append" },
      "manifest-list": "s3://a/b/1.avro",
    },
    {
      "snapshot-id": 9223372036854775807n,
      "parent-snapshot-id": 9223372036854775806n,
      "timestamp-ms": 1555100955770,
      "sequence-number": 34,
      summary: { operation: "append", engine: "other" },
      "manifest-list": "s3://a/b/2.avro",
      "schema-id": 1,
      "added-by": "engine",
    },
  ],
  "snapshot-log": [
    { "snapshot-id": 9223372036854775806n, "timestamp-ms": 1515100955770 },
    { "snapshot-id": 9223372036854775807n, "timestamp-ms": 1555100955770 },
  ],
  "metadata-log": [{ "metadata-file": "s3://bucket/.../v1.json", "timestamp-ms": 1515100 }],
  refs: {
    main: { "snapshot-id": 9223372036854775807n, type: "branch", "max-ref-age-ms": 9223372036854775807n },
    test: { "snapshot-id": 9223372036854775806n, type: "tag", why: "kept" },
  },
  statistics: [{ "snapshot-id": 9223372036854775807n, "statistics-path": "s3://a/s.puffin", "blob-metadata": [] }],
};
const foreignText = stringifyJson(foreign);
const read = (json: Json) => tableMetadataFromText(stringifyJson(json), "test");

Deno.test("foreign metadata comes out as it was, byte for byte where nothing was touched", () => {
  const metadata = tableMetadataFromText(foreignText, "test");
  const written = tableMetadataToText(metadata);
  // Lists that were left out are written empty at the end, as the reference implementation does.
  assertEquals(written, foreignText.replace(/}$/, ',"partition-statistics":[]}'));
  const changed = tableMetadataToText(applyUpdates(metadata, setProperties({ a: "b" }).updates, 1602638573999));
  assertEquals(
    changed,
    written.replace('{"owner":"somebody"}', '{"owner":"somebody","a":"b"}').replace("1602638573590", "1602638573999"),
  );
});

Deno.test("ids of 64 bits and ages of for ever are exact", () => {
  const metadata = tableMetadataFromText(foreignText, "test");
  assertEquals(metadata.currentSnapshotId, 9223372036854775807n);
  assertEquals(snapshotOfRef(metadata)!.parentSnapshotId, 9223372036854775806n);
  assertEquals(snapshotOfRef(metadata, "test")!.snapshotId, 9223372036854775806n);
  assertEquals(snapshotAsOf(metadata, 1555100955769)!.snapshotId, 9223372036854775806n);
  assertEquals(snapshotAsOf(metadata, 1515100955769), undefined);
  fc.assert(fc.property(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), (id) => {
    const text = foreignText.replaceAll("9223372036854775807", String(id));
    const again = tableMetadataFromText(text, "test");
    assertEquals(again.currentSnapshotId, id);
    assertEquals(
      String((parseJson(tableMetadataToText(again)) as typeof foreign)["current-snapshot-id"]),
      String(id),
    );
  }));
});

Deno.test("no snapshot is said by -1, null or nothing, and refs may be missing", () => {
  for (const current of [-1, null, undefined]) {
    const { refs: _refs, "current-snapshot-id": _id, ...rest } = foreign;
    const metadata = read(current === undefined ? rest : { ...rest, "current-snapshot-id": current });
    assertEquals(metadata.currentSnapshotId, undefined);
    assertEquals(metadata.refs, {});
    assertEquals(tableMetadataToText(metadata).includes("current-snapshot-id"), false);
  }
  const { refs: _refs, ...withoutRefs } = foreign;
  assertEquals(read(withoutRefs).refs.main, { snapshotId: 9223372036854775807n, type: "branch" });
});

const version1 = {
  "format-version": 1,
  location: "s3://bucket/v1",
  "last-updated-ms": 1602638573874,
  "last-column-id": 2,
  schema: {
    type: "struct",
    fields: [{ id: 1, name: "x", required: true, type: "long" }, { id: 2, name: "y", required: false, type: "string" }],
  },
  "partition-spec": [{ name: "x", transform: "identity", "source-id": 1 }],
  properties: {},
  "current-snapshot-id": 5,
  snapshots: [{ "snapshot-id": 5, "timestamp-ms": 1602638573590, manifests: ["s3://bucket/v1/m.avro"] }],
};

Deno.test("a table of version 1 is read, not written, and can be upgraded", () => {
  const metadata = read(version1);
  assertEquals(currentSchema(metadata).fields.length, 2);
  assertEquals(metadata.partitionSpecs[0]!.fields[0]!.fieldId, 1000);
  assertEquals([metadata.lastSequenceNumber, metadata.lastPartitionId], [0n, 1000]);
  assertEquals(snapshotOfRef(metadata)!.manifests, ["s3://bucket/v1/m.avro"]);
  assertThrows(() => tableMetadataToText(metadata), /Cannot write a table of format version 1/);
  const upgraded = applyUpdates(metadata, [
    { action: "assign-uuid", uuid: "9c12d441-03fe-4693-9a96-a0705ddf69c1" },
    { action: "upgrade-format-version", formatVersion: 2 },
  ], 1602638573900);
  const json = parseJson(tableMetadataToText(upgraded)) as Record<string, unknown>;
  for (const key of ["schema", "partition-spec"]) assertEquals(key in json, false);
  const required = "format-version table-uuid location last-sequence-number last-updated-ms last-column-id schemas " +
    "current-schema-id partition-specs default-spec-id last-partition-id sort-orders default-sort-order-id";
  for (const key of required.split(" ")) assertEquals(key in json, true, key);
});

Deno.test("version 3 is read where it uses nothing beyond version 2, and named where it does", () => {
  const version3 = { ...foreign, "format-version": 3, "next-row-id": 100 };
  assertEquals(read(version3).formatVersion, 3);
  const withField = (field: { [key: string]: Json }) => ({
    ...version3,
    schemas: [{ type: "struct", "schema-id": 1, fields: [{ id: 1, name: "x", required: true, ...field }] }],
  });
  for (const type of ["variant", "timestamp_ns", "timestamptz_ns", "unknown", "geometry(srid:4326)", "geography"]) {
    assertThrows(() => read(withField({ type })), /belongs to version 3/, type);
  }
  assertThrows(() => read(withField({ type: "long", "initial-default": 5 })), /"x": it has an initial-default/);
  assertThrows(() => read({ ...foreign, "format-version": 4 }), /format version 4 is not known/);
  assertThrows(() => tableMetadataToText(read(version3)), /Cannot write a table of format version 3/);
});

Deno.test("broken metadata is corrupt, with the field and the file named", () => {
  assertThrows(() => tableMetadataFromText("{", "v7"), /Cannot read the table metadata v7/);
  assertThrows(() => read({ ...foreign, location: 5 }), /"location" must be a string, found 5/);
  assertThrows(() => read({ ...foreign, "last-column-id": 1.5 }), /"last-column-id" must be an integer/);
});
