import { StreamlabError } from "../../base/errors.ts";
import { readLong } from "./json_field.ts";
import { samePartitionFields, validatePartitionSpec } from "./partition_spec.ts";
import { highestFieldId, sameSchema } from "./schema.ts";
import { type AddedIds, applySnapshotUpdate } from "./snapshot_update_applier.ts";
import { sameSortFields } from "./sort_order.ts";
import { currentSchema, emptyTableMetadata, type TableMetadata } from "./table_metadata.ts";
import { LAST_ADDED, type TableUpdate } from "./table_update.ts";

/**
 * Applies the updates in order. `metadata` is undefined for a new table. `nowMs` becomes the time
 * of the change unless the clock went back. Throws `usage` for an invalid update. The catalog keeps
 * the metadata log.
 */
export function applyUpdates(
  metadata: TableMetadata | undefined,
  updates: TableUpdate[],
  nowMs: number,
): TableMetadata {
  const added: AddedIds = { snapshotIds: new Set() };
  let next: TableMetadata = {
    ...(metadata ?? emptyTableMetadata),
    lastUpdatedMs: Math.max(nowMs, metadata?.lastUpdatedMs ?? 0),
  };
  for (const update of updates) next = applyUpdate(next, update, added);
  return next;
}

function applyUpdate(metadata: TableMetadata, update: TableUpdate, added: AddedIds): TableMetadata {
  switch (update.action) {
    case "add-schema":
    case "set-current-schema":
    case "remove-schemas":
      return applySchemaUpdate(metadata, update, added);
    case "add-spec":
    case "set-default-spec":
    case "remove-partition-specs":
      return applySpecUpdate(metadata, update, added);
    case "add-sort-order":
    case "set-default-sort-order":
      return applySortOrderUpdate(metadata, update, added);
    case "add-snapshot":
    case "set-snapshot-ref":
    case "remove-snapshots":
    case "remove-snapshot-ref":
      return applySnapshotUpdate(metadata, update, added);
    case "set-statistics":
    case "remove-statistics":
    case "set-partition-statistics":
    case "remove-partition-statistics":
      return applyStatisticsUpdate(metadata, update);
    default:
      return applyTableUpdate(metadata, update);
  }
}

type UpdateOf<Action extends TableUpdate["action"]> = Extract<TableUpdate, { action: Action }>;

function applyTableUpdate(
  metadata: TableMetadata,
  update: UpdateOf<
    "assign-uuid" | "upgrade-format-version" | "set-location" | "set-properties" | "remove-properties"
  >,
): TableMetadata {
  switch (update.action) {
    case "assign-uuid":
      if (metadata.tableUuid !== "" && metadata.tableUuid !== update.uuid) refuse("a table keeps its UUID");
      return { ...metadata, tableUuid: update.uuid };
    case "upgrade-format-version":
      if (update.formatVersion < metadata.formatVersion) refuse("the format version never goes back");
      if (update.formatVersion > 2) refuse(`format version ${update.formatVersion} is not written here`);
      return { ...metadata, formatVersion: update.formatVersion };
    case "set-location":
      return { ...metadata, location: update.location.replace(/\/+$/, "") };
    case "set-properties":
      return { ...metadata, properties: { ...metadata.properties, ...update.updates } };
    case "remove-properties": {
      const properties = { ...metadata.properties };
      for (const key of update.removals) delete properties[key];
      return { ...metadata, properties };
    }
  }
}

function applySchemaUpdate(
  metadata: TableMetadata,
  update: UpdateOf<"add-schema" | "set-current-schema" | "remove-schemas">,
  added: AddedIds,
): TableMetadata {
  if (update.action === "set-current-schema") {
    const schemaId = update.schemaId === LAST_ADDED ? added.schemaId : update.schemaId;
    if (!metadata.schemas.some((schema) => schema.schemaId === schemaId)) refuse(`there is no schema ${schemaId}`);
    return { ...metadata, currentSchemaId: schemaId! };
  }
  if (update.action === "remove-schemas") {
    if (update.schemaIds.includes(metadata.currentSchemaId)) refuse("the current schema cannot be removed");
    return { ...metadata, schemas: metadata.schemas.filter((schema) => !update.schemaIds.includes(schema.schemaId)) };
  }
  const lastColumnId = Math.max(metadata.lastColumnId, highestFieldId(update.schema));
  const equal = metadata.schemas.find((schema) => sameSchema(schema, update.schema));
  added.schemaId = equal?.schemaId ?? nextId(metadata.schemas.map((schema) => schema.schemaId), 0);
  if (equal) return { ...metadata, lastColumnId };
  const schema = { ...update.schema, schemaId: added.schemaId };
  return { ...metadata, lastColumnId, schemas: [...metadata.schemas, schema] };
}

function applySpecUpdate(
  metadata: TableMetadata,
  update: UpdateOf<"add-spec" | "set-default-spec" | "remove-partition-specs">,
  added: AddedIds,
): TableMetadata {
  if (update.action === "set-default-spec") {
    const specId = update.specId === LAST_ADDED ? added.specId : update.specId;
    if (!metadata.partitionSpecs.some((spec) => spec.specId === specId)) refuse(`there is no partition spec ${specId}`);
    return { ...metadata, defaultSpecId: specId! };
  }
  if (update.action === "remove-partition-specs") {
    if (update.specIds.includes(metadata.defaultSpecId)) refuse("the default partition spec cannot be removed");
    const partitionSpecs = metadata.partitionSpecs.filter((spec) => !update.specIds.includes(spec.specId));
    return { ...metadata, partitionSpecs };
  }
  const schemaId = added.schemaId ?? metadata.currentSchemaId;
  const schema = metadata.schemas.find((candidate) => candidate.schemaId === schemaId) ?? currentSchema(metadata);
  validatePartitionSpec(update.spec, schema);
  const equal = metadata.partitionSpecs.find((spec) => samePartitionFields(spec, update.spec));
  added.specId = equal?.specId ?? nextId(metadata.partitionSpecs.map((spec) => spec.specId), 0);
  const lastPartitionId = Math.max(metadata.lastPartitionId, ...update.spec.fields.map((field) => field.fieldId));
  if (equal) return { ...metadata, lastPartitionId };
  const spec = { ...update.spec, specId: added.specId };
  return { ...metadata, lastPartitionId, partitionSpecs: [...metadata.partitionSpecs, spec] };
}

function applySortOrderUpdate(
  metadata: TableMetadata,
  update: UpdateOf<"add-sort-order" | "set-default-sort-order">,
  added: AddedIds,
): TableMetadata {
  if (update.action === "set-default-sort-order") {
    const orderId = update.sortOrderId === LAST_ADDED ? added.sortOrderId : update.sortOrderId;
    if (!metadata.sortOrders.some((order) => order.orderId === orderId)) refuse(`there is no sort order ${orderId}`);
    return { ...metadata, defaultSortOrderId: orderId! };
  }
  const equal = metadata.sortOrders.find((order) => sameSortFields(order, update.sortOrder));
  // Order id 0 is reserved for "unsorted" (specification: "Sorting").
  const isUnsorted = update.sortOrder.fields.length === 0;
  const fresh = isUnsorted ? 0 : nextId(metadata.sortOrders.map((order) => order.orderId), 1);
  added.sortOrderId = equal?.orderId ?? fresh;
  if (equal) return metadata;
  return { ...metadata, sortOrders: [...metadata.sortOrders, { ...update.sortOrder, orderId: fresh }] };
}

function applyStatisticsUpdate(
  metadata: TableMetadata,
  update: UpdateOf<
    "set-statistics" | "remove-statistics" | "set-partition-statistics" | "remove-partition-statistics"
  >,
): TableMetadata {
  const without = (list: TableMetadata["statistics"], snapshotId: bigint) =>
    list.filter((statistics) => readLong(statistics, "snapshot-id") !== snapshotId);
  switch (update.action) {
    case "set-statistics": {
      const rest = without(metadata.statistics, readLong(update.statistics, "snapshot-id"));
      return { ...metadata, statistics: [...rest, update.statistics] };
    }
    case "remove-statistics":
      return { ...metadata, statistics: without(metadata.statistics, update.snapshotId) };
    case "set-partition-statistics": {
      const rest = without(metadata.partitionStatistics, readLong(update.partitionStatistics, "snapshot-id"));
      return { ...metadata, partitionStatistics: [...rest, update.partitionStatistics] };
    }
    case "remove-partition-statistics":
      return { ...metadata, partitionStatistics: without(metadata.partitionStatistics, update.snapshotId) };
  }
}

function nextId(ids: number[], first: number): number {
  return Math.max(first - 1, ...ids) + 1;
}

function refuse(reason: string): never {
  throw new StreamlabError("usage", `Cannot change the table: ${reason}`);
}
