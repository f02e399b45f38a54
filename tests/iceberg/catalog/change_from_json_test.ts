import { deepStrictEqual, throws } from "node:assert/strict";
import { isKind } from "../../../core/base/errors.ts";
import { changeFromJson } from "../../../core/iceberg/catalog/change_from_json.ts";
import type { JsonObject } from "../../../core/iceberg/format/json_field.ts";
import type { TableRequirement } from "../../../core/iceberg/format/table_requirement.ts";
import type { TableUpdate } from "../../../core/iceberg/format/table_update.ts";
import { requirementToJson, updateToJson } from "../../../core/iceberg/format/table_update_json.ts";

const LONG = 2n ** 62n + 1n;

/** One of each, by its name: none can be forgotten. */
const requirements: { [Type in TableRequirement["type"]]: Extract<TableRequirement, { type: Type }> } = {
  "assert-create": { type: "assert-create" },
  "assert-table-uuid": { type: "assert-table-uuid", uuid: "u" },
  "assert-ref-snapshot-id": { type: "assert-ref-snapshot-id", ref: "main", snapshotId: LONG },
  "assert-last-assigned-field-id": { type: "assert-last-assigned-field-id", lastAssignedFieldId: 1 },
  "assert-current-schema-id": { type: "assert-current-schema-id", currentSchemaId: 2 },
  "assert-last-assigned-partition-id": { type: "assert-last-assigned-partition-id", lastAssignedPartitionId: 3 },
  "assert-default-spec-id": { type: "assert-default-spec-id", defaultSpecId: 4 },
  "assert-default-sort-order-id": { type: "assert-default-sort-order-id", defaultSortOrderId: 5 },
};

const updates: { [Action in TableUpdate["action"]]: Extract<TableUpdate, { action: Action }> } = {
  "assign-uuid": { action: "assign-uuid", uuid: "u" },
  "upgrade-format-version": { action: "upgrade-format-version", formatVersion: 2 },
  "add-schema": {
    action: "add-schema",
    schema: { schemaId: 0, fields: [{ id: 1, name: "a", required: true, type: { type: "long" } }] },
  },
  "set-current-schema": { action: "set-current-schema", schemaId: -1 },
  "remove-schemas": { action: "remove-schemas", schemaIds: [1, 2] },
  "add-spec": {
    action: "add-spec",
    spec: { specId: 0, fields: [{ sourceId: 1, fieldId: 1000, name: "a", transform: { name: "identity" } }] },
  },
  "set-default-spec": { action: "set-default-spec", specId: -1 },
  "remove-partition-specs": { action: "remove-partition-specs", specIds: [3] },
  "add-sort-order": {
    action: "add-sort-order",
    sortOrder: {
      orderId: 0,
      fields: [{ sourceId: 1, transform: { name: "identity" }, direction: "desc", nullOrder: "nulls-last" }],
    },
  },
  "set-default-sort-order": { action: "set-default-sort-order", sortOrderId: -1 },
  "add-snapshot": {
    action: "add-snapshot",
    snapshot: {
      snapshotId: LONG,
      sequenceNumber: 7n,
      timestampMs: 1,
      summary: { operation: "append" },
      parentSnapshotId: 5n,
      manifestList: "file:///x.avro",
      schemaId: 0,
    },
  },
  "set-snapshot-ref": {
    action: "set-snapshot-ref",
    refName: "main",
    ref: { snapshotId: LONG, type: "branch", minSnapshotsToKeep: 1, maxSnapshotAgeMs: 2, maxRefAgeMs: 3 },
  },
  "remove-snapshots": { action: "remove-snapshots", snapshotIds: [1n, LONG] },
  "remove-snapshot-ref": { action: "remove-snapshot-ref", refName: "b" },
  "set-location": { action: "set-location", location: "file:///x" },
  "set-properties": { action: "set-properties", updates: { a: "1" } },
  "remove-properties": { action: "remove-properties", removals: ["a"] },
  "set-statistics": {
    action: "set-statistics",
    statistics: { "snapshot-id": LONG, "statistics-path": "file:///x.puffin" },
  },
  "remove-statistics": { action: "remove-statistics", snapshotId: LONG },
  "set-partition-statistics": {
    action: "set-partition-statistics",
    partitionStatistics: { "snapshot-id": LONG, "statistics-path": "file:///x.parquet" },
  },
  "remove-partition-statistics": { action: "remove-partition-statistics", snapshotId: LONG },
};

Deno.test("a server reads every requirement and every update as a client has meant it", () => {
  const change = { requirements: Object.values(requirements), updates: Object.values(updates) };
  const sent = {
    requirements: change.requirements.map(requirementToJson),
    updates: change.updates.map(updateToJson),
  };
  deepStrictEqual(changeFromJson(sent), change);
});

Deno.test("a change that is none is refused as the client's fault, whatever is wrong with it", () => {
  const wrong: JsonObject[] = [
    {},
    { requirements: [], updates: [null] },
    { requirements: [{}], updates: [] },
    { requirements: [{ type: "assert-view-uuid", uuid: "u" }], updates: [] },
    { requirements: [], updates: [{ action: "add-view-version" }] },
    { requirements: [], updates: [{ action: "add-snapshot", snapshot: { "snapshot-id": 1.5 } }] },
    { requirements: [], updates: [{ action: "set-properties" }] },
    { requirements: [], updates: [{ action: "remove-properties", removals: [1] }] },
    { requirements: [], updates: [{ action: "set-statistics", statistics: { "snapshot-id": 1 } }] },
    {
      requirements: [],
      updates: [{ action: "add-spec", spec: { fields: [{ "source-id": 1, name: "a", transform: "identity" }] } }],
    },
  ];
  for (const body of wrong) throws(() => changeFromJson(body), (error) => isKind(error, "usage"), JSON.stringify(body));
});
