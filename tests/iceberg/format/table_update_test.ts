import { deepStrictEqual as assertEquals, throws as assertThrows } from "node:assert/strict";
import { seededRandom } from "../../../core/base/random.ts";
import { createTable } from "../../../core/iceberg/action/create_table.ts";
import { setRef } from "../../../core/iceberg/action/update_refs.ts";
import { replaceSortOrder, updateSpec } from "../../../core/iceberg/action/update_partitioning.ts";
import { upgradeTable } from "../../../core/iceberg/action/upgrade_table.ts";
import type { Snapshot } from "../../../core/iceberg/format/snapshot.ts";
import { summarize } from "../../../core/iceberg/format/snapshot_summary.ts";
import type { DataFile } from "../../../core/iceberg/format/data_file.ts";
import type { TableMetadata } from "../../../core/iceberg/format/table_metadata.ts";
import { checkRequirements, type TableRequirement } from "../../../core/iceberg/format/table_requirement.ts";
import type { TableUpdate } from "../../../core/iceberg/format/table_update.ts";
import { applyUpdates } from "../../../core/iceberg/format/table_update_applier.ts";
import { byDay, sampleFields } from "../sample_table.ts";

const random = seededRandom(4);
const change = createTable({ fields: sampleFields, partitionBy: byDay, location: "s3://b/t/", random });
const table = applyUpdates(undefined, change.updates, 1000);

function snapshot(id: bigint, sequenceNumber: bigint, parentSnapshotId?: bigint): Snapshot {
  const parent = parentSnapshotId === undefined ? {} : { parentSnapshotId };
  return {
    snapshotId: id,
    sequenceNumber,
    ...parent,
    timestampMs: 1000 + Number(id),
    summary: { operation: "append" },
  };
}

const main = (snapshotId: bigint): TableUpdate => ({
  action: "set-snapshot-ref",
  refName: "main",
  ref: { snapshotId, type: "branch" },
});
const filled = applyUpdates(table, [
  { action: "add-snapshot", snapshot: snapshot(1n, 1n) },
  main(1n),
  { action: "add-snapshot", snapshot: snapshot(2n, 2n, 1n) },
  main(2n),
  { action: "add-snapshot", snapshot: snapshot(3n, 3n, 2n) },
  main(3n),
], 2000);

Deno.test("a table begins with ids from 1 for columns and 1000 for partition fields", () => {
  assertEquals([table.lastColumnId, table.lastPartitionId, table.formatVersion], [6, 1000, 2]);
  assertEquals([table.currentSchemaId, table.defaultSpecId, table.defaultSortOrderId], [0, 0, 0]);
  assertEquals(table.location, "s3://b/t");
  const plain = applyUpdates(undefined, createTable({ fields: sampleFields, location: "x", random }).updates, 1000);
  assertEquals(plain.lastPartitionId, 999);
  assertEquals(plain.partitionSpecs, [{ specId: 0, fields: [] }]);
});

Deno.test("snapshots raise the sequence number, the head is logged, time never goes back", () => {
  assertEquals(filled.lastSequenceNumber, 3n);
  assertEquals(filled.snapshotLog.map((entry) => [entry.snapshotId, entry.timestampMs]), [[1n, 1001], [2n, 1002], [
    3n,
    1003,
  ]]);
  assertEquals(applyUpdates(filled, [], 5).lastUpdatedMs, 2000);
  const back = applyUpdates(filled, setRef(filled, "main", { snapshotId: 1n, type: "branch" }).updates, 3000);
  assertEquals([back.currentSnapshotId, back.refs.main!.snapshotId], [1n, 1n]);
  assertEquals(back.snapshotLog.at(-1), { snapshotId: 1n, timestampMs: 3000 });
});

Deno.test("removed snapshots take their references, statistics and the log before them along", () => {
  const tagged = applyUpdates(filled, [
    { action: "set-snapshot-ref", refName: "old", ref: { snapshotId: 2n, type: "tag" } },
    { action: "set-statistics", statistics: { "snapshot-id": 2, "statistics-path": "a" } },
    { action: "set-statistics", statistics: { "snapshot-id": 3, "statistics-path": "b" } },
    { action: "set-statistics", statistics: { "snapshot-id": 3, "statistics-path": "c" } },
    { action: "set-partition-statistics", partitionStatistics: { "snapshot-id": 2, "statistics-path": "d" } },
  ], 2000);
  assertEquals(tagged.statistics.map((item) => item["statistics-path"]), ["a", "c"]);
  const removed = applyUpdates(tagged, [{ action: "remove-snapshots", snapshotIds: [2n] }], 2000);
  assertEquals(removed.snapshots.map((item) => item.snapshotId), [1n, 3n]);
  assertEquals(Object.keys(removed.refs), ["main"]);
  assertEquals(removed.snapshotLog.map((entry) => entry.snapshotId), [3n]);
  assertEquals([removed.statistics.length, removed.partitionStatistics.length], [1, 0]);
  const none = applyUpdates(tagged, [
    { action: "remove-statistics", snapshotId: 3n },
    { action: "remove-partition-statistics", snapshotId: 2n },
    { action: "remove-snapshot-ref", refName: "old" },
  ], 2000);
  assertEquals([none.statistics.length, none.partitionStatistics.length, Object.keys(none.refs)], [1, 0, ["main"]]);
});

Deno.test("what is equal to something that was there gets its id back, everything else a new one", () => {
  const bucket = { column: "id", transform: { name: "bucket" as const, buckets: 4 } };
  const added = applyUpdates(table, updateSpec(table, { add: [bucket] }).updates, 1000);
  const removed = applyUpdates(added, updateSpec(added, { remove: ["id_bucket"] }).updates, 1000);
  assertEquals([added.defaultSpecId, removed.defaultSpecId, removed.partitionSpecs.length], [1, 0, 2]);
  const again = applyUpdates(removed, updateSpec(removed, { add: [bucket] }).updates, 1000);
  assertEquals([again.defaultSpecId, again.lastPartitionId], [1, 1001]);
  assertThrows(() => updateSpec(table, { remove: ["nothing"] }), /there is no field "nothing"/);
  const order = replaceSortOrder(table, [
    { column: "id", transform: { name: "identity" }, direction: "desc", nullOrder: "nulls-last" },
  ]);
  const sorted = applyUpdates(applyUpdates(table, order.updates, 1000), order.updates, 1000);
  assertEquals([sorted.defaultSortOrderId, sorted.sortOrders.length], [1, 2]);
  assertEquals(applyUpdates(sorted, replaceSortOrder(sorted, []).updates, 1000).defaultSortOrderId, 0);
  const [schema] = table.schemas;
  const same = applyUpdates(table, [{ action: "add-schema", schema: { ...schema!, schemaId: 9 } }, {
    action: "set-current-schema",
    schemaId: -1,
  }], 1);
  assertEquals([same.schemas.length, same.currentSchemaId], [1, 0]);
});

Deno.test("changes that make no sense are refused", () => {
  const cases: [TableUpdate, RegExp][] = [
    [{ action: "assign-uuid", uuid: "other" }, /keeps its UUID/],
    [{ action: "upgrade-format-version", formatVersion: 1 }, /never goes back/],
    [{ action: "upgrade-format-version", formatVersion: 3 }, /version 3 is not written/],
    [{ action: "set-current-schema", schemaId: 7 }, /no schema 7/],
    [{ action: "remove-schemas", schemaIds: [0] }, /current schema cannot be removed/],
    [{ action: "set-default-spec", specId: 7 }, /no partition spec 7/],
    [{ action: "remove-partition-specs", specIds: [0] }, /default partition spec cannot be removed/],
    [{ action: "set-default-sort-order", sortOrderId: 7 }, /no sort order 7/],
    [{ action: "add-snapshot", snapshot: snapshot(3n, 4n, 3n) }, /snapshot 3 exists already/],
    [{ action: "add-snapshot", snapshot: snapshot(4n, 3n, 3n) }, /sequence number 3 is not above/],
    [main(7n), /snapshot 7, which is not there/],
    [{ action: "set-snapshot-ref", refName: "main", ref: { snapshotId: 1n, type: "tag" } }, /"main" is a branch/],
  ];
  for (const [update, message] of cases) assertThrows(() => applyUpdates(filled, [update], 1), message);
  const bad = { specId: 5, fields: [{ sourceId: 3, fieldId: 1001, name: "x", transform: { name: "day" as const } }] };
  assertThrows(
    () => applyUpdates(table, [{ action: "add-spec", spec: bad }], 1),
    /"tags" is a map, which it does not take/,
  );
  assertEquals(upgradeTable(table, random).updates, []);
});

Deno.test("each requirement holds of the table it was made from and of no other", () => {
  const requirements = (metadata: TableMetadata): TableRequirement[] => [
    { type: "assert-table-uuid", uuid: metadata.tableUuid },
    { type: "assert-ref-snapshot-id", ref: "main", snapshotId: metadata.currentSnapshotId },
    { type: "assert-last-assigned-field-id", lastAssignedFieldId: metadata.lastColumnId },
    { type: "assert-current-schema-id", currentSchemaId: metadata.currentSchemaId },
    { type: "assert-last-assigned-partition-id", lastAssignedPartitionId: metadata.lastPartitionId },
    { type: "assert-default-spec-id", defaultSpecId: metadata.defaultSpecId },
    { type: "assert-default-sort-order-id", defaultSortOrderId: metadata.defaultSortOrderId },
  ];
  const other = {
    ...filled,
    tableUuid: "x",
    refs: {},
    lastColumnId: 9,
    currentSchemaId: 9,
    lastPartitionId: 9,
    defaultSpecId: 9,
    defaultSortOrderId: 9,
  };
  checkRequirements(requirements(filled), filled);
  for (const requirement of requirements(filled)) {
    assertThrows(() => checkRequirements([requirement], other), /Cannot commit: /);
    assertThrows(() => checkRequirements([requirement], undefined), /the table does not exist/);
  }
  assertThrows(() => checkRequirements([{ type: "assert-create" }], filled), /exists already/);
  checkRequirements([{ type: "assert-create" }], undefined);
});

Deno.test("totals go on from the parent's, in 64 bits, and are left out where they cannot be known", () => {
  const file = (recordCount: number): DataFile => ({
    content: "data",
    path: "x",
    format: "parquet",
    specId: 0,
    partition: [recordCount],
    recordCount,
    fileSizeBytes: 10,
  });
  const parent = { "total-records": "9007199254740993", "total-data-files": "1", "total-files-size": "unknown" };
  const summary = summarize("overwrite", [file(5), file(6)], [file(5)], parent, { extra: "1" });
  assertEquals(summary, {
    operation: "overwrite",
    extra: "1",
    "added-files-size": "20",
    "added-data-files": "2",
    "added-records": "11",
    "removed-files-size": "10",
    "deleted-data-files": "1",
    "deleted-records": "5",
    "changed-partition-count": "2",
    "total-records": "9007199254740999",
    "total-data-files": "2",
  });
});
