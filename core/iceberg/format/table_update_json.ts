import type { Json } from "../../base/json.ts";
import { type JsonObject, longToJson } from "./json_field.ts";
import { partitionSpecToJson } from "./partition_spec.ts";
import { schemaToJson } from "./schema.ts";
import { refToJson, snapshotToJson } from "./snapshot_json.ts";
import { sortOrderToJson } from "./sort_order.ts";
import type { TableRequirement } from "./table_requirement.ts";
import type { TableUpdate } from "./table_update.ts";

/**
 * Requirements and updates in the JSON of the REST catalog specification (TableRequirement,
 * TableUpdate).
 */
export function requirementToJson(requirement: TableRequirement): JsonObject {
  const { type } = requirement;
  switch (type) {
    case "assert-create":
      return { type };
    case "assert-table-uuid":
      return { type, uuid: requirement.uuid };
    case "assert-ref-snapshot-id":
      return { type, ref: requirement.ref, "snapshot-id": optionalLong(requirement.snapshotId) };
    case "assert-last-assigned-field-id":
      return { type, "last-assigned-field-id": requirement.lastAssignedFieldId };
    case "assert-current-schema-id":
      return { type, "current-schema-id": requirement.currentSchemaId };
    case "assert-last-assigned-partition-id":
      return { type, "last-assigned-partition-id": requirement.lastAssignedPartitionId };
    case "assert-default-spec-id":
      return { type, "default-spec-id": requirement.defaultSpecId };
    case "assert-default-sort-order-id":
      return { type, "default-sort-order-id": requirement.defaultSortOrderId };
  }
}

export function updateToJson(update: TableUpdate): JsonObject {
  return { action: update.action, ...fieldsOf(update) };
}

function fieldsOf(update: TableUpdate): JsonObject {
  switch (update.action) {
    case "assign-uuid":
      return { uuid: update.uuid };
    case "upgrade-format-version":
      return { "format-version": update.formatVersion };
    case "add-schema":
      // `last-column-id` is deprecated: servers find the highest assigned id themselves.
      return { schema: schemaToJson(update.schema) };
    case "set-current-schema":
      return { "schema-id": update.schemaId };
    case "remove-schemas":
      return { "schema-ids": update.schemaIds };
    case "add-spec":
      return { spec: partitionSpecToJson(update.spec) };
    case "set-default-spec":
      return { "spec-id": update.specId };
    case "remove-partition-specs":
      return { "spec-ids": update.specIds };
    case "add-sort-order":
      return { "sort-order": sortOrderToJson(update.sortOrder) };
    case "set-default-sort-order":
      return { "sort-order-id": update.sortOrderId };
    case "add-snapshot":
      return { snapshot: snapshotToJson(update.snapshot) };
    case "set-snapshot-ref":
      return { "ref-name": update.refName, ...refToJson(update.ref) };
    case "remove-snapshots":
      return { "snapshot-ids": update.snapshotIds.map(longToJson) };
    case "remove-snapshot-ref":
      return { "ref-name": update.refName };
    case "set-location":
      return { location: update.location };
    case "set-properties":
      return { updates: update.updates };
    case "remove-properties":
      return { removals: update.removals };
    case "set-statistics":
      return { "snapshot-id": update.statistics["snapshot-id"]!, statistics: update.statistics };
    case "set-partition-statistics":
      return { "partition-statistics": update.partitionStatistics };
    case "remove-statistics":
    case "remove-partition-statistics":
      return { "snapshot-id": longToJson(update.snapshotId) };
  }
}

function optionalLong(value: bigint | undefined): Json {
  return value === undefined ? null : longToJson(value);
}
