import { StreamlabError } from "../../base/errors.ts";
import type { TableChange } from "../catalog/catalog.ts";
import { defaultPartitionFieldName, type PartitionField } from "../format/partition_spec.ts";
import { findFieldByPath } from "../format/schema.ts";
import type { SortField } from "../format/sort_order.ts";
import { currentSchema, defaultSpec, type TableMetadata } from "../format/table_metadata.ts";
import { LAST_ADDED } from "../format/table_update.ts";
import { transformToText } from "../format/transform.ts";
import type { PartitionColumnChoice } from "./create_table.ts";

/**
 * Partitions new files otherwise; old ones stay as they are (specification: "Partition Evolution").
 * A field that once was there comes back with its old id and never gets another's.
 */
export function updateSpec(
  metadata: TableMetadata,
  change: { add?: PartitionColumnChoice[]; remove?: string[] },
): TableChange {
  let nextFieldId = metadata.lastPartitionId + 1;
  const known = metadata.partitionSpecs.flatMap((spec) => spec.fields);
  const remove = new Set(change.remove ?? []);
  const kept = defaultSpec(metadata).fields.filter((field) => !remove.delete(field.name));
  for (const name of remove) {
    throw new StreamlabError("usage", `Cannot change the partitioning: there is no field "${name}"`);
  }
  const added = (change.add ?? []).map((choice): PartitionField => {
    const column = findFieldByPath(currentSchema(metadata), choice.column);
    if (!column) throw new StreamlabError("usage", `Cannot partition by "${choice.column}": there is no such column`);
    const text = transformToText(choice.transform);
    const former = known.find((field) => field.sourceId === column.id && transformToText(field.transform) === text);
    const name = choice.name ?? former?.name ?? defaultPartitionFieldName(choice.column, choice.transform);
    return { sourceId: column.id, fieldId: former?.fieldId ?? nextFieldId++, name, transform: choice.transform };
  });
  return {
    requirements: [
      { type: "assert-default-spec-id", defaultSpecId: metadata.defaultSpecId },
      { type: "assert-last-assigned-partition-id", lastAssignedPartitionId: metadata.lastPartitionId },
    ],
    updates: [
      { action: "add-spec", spec: { specId: nextSpecId(metadata), fields: [...kept, ...added] } },
      { action: "set-default-spec", specId: LAST_ADDED },
    ],
  };
}

/** The order that writers are asked to sort by; an empty one asks for none. */
export function replaceSortOrder(
  metadata: TableMetadata,
  fields: (Omit<SortField, "sourceId"> & { column: string })[],
): TableChange {
  const sortFields = fields.map(({ column, ...field }) => {
    const source = findFieldByPath(currentSchema(metadata), column);
    if (!source) throw new StreamlabError("usage", `Cannot sort by "${column}": there is no such column`);
    return { ...field, sourceId: source.id };
  });
  const orderId = fields.length === 0 ? 0 : Math.max(0, ...metadata.sortOrders.map((order) => order.orderId)) + 1;
  return {
    requirements: [{ type: "assert-default-sort-order-id", defaultSortOrderId: metadata.defaultSortOrderId }],
    updates: [
      { action: "add-sort-order", sortOrder: { orderId, fields: sortFields } },
      { action: "set-default-sort-order", sortOrderId: LAST_ADDED },
    ],
  };
}

function nextSpecId(metadata: TableMetadata): number {
  return Math.max(...metadata.partitionSpecs.map((spec) => spec.specId)) + 1;
}
