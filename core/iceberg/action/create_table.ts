import { type Random, uuidV4 } from "../../base/random.ts";
import type { TableChange } from "../catalog/catalog.ts";
import { FIRST_PARTITION_FIELD_ID, type PartitionField } from "../format/partition_spec.ts";
import { assignFieldIds, findFieldByPath, type Schema } from "../format/schema.ts";
import type { SortField } from "../format/sort_order.ts";
import type { Field } from "../format/type.ts";
import type { Transform } from "../format/transform.ts";
import { defaultPartitionFieldName } from "../format/partition_spec.ts";
import { LAST_ADDED } from "../format/table_update.ts";
import { StreamlabError } from "../../base/errors.ts";

/**
 * A partition field by the path of its column; `name` defaults to what engines use
 * (`event_timestamp_day`).
 */
export interface PartitionColumnChoice {
  /** A column's name, with dots for a path. */
  column: string;
  /** What makes the partition's value of the column's. */
  transform: Transform;
  /** Of the partition field; default: one made of column and transform. */
  name?: string;
}

/** A new table, as columns by name; ids are given to them. */
export interface CreateTable {
  /** Ids are given anew, from 1 on. */
  fields: Field[];
  /** Default: not partitioned. */
  partitionBy?: PartitionColumnChoice[];
  /** Default: no sort order. */
  sortBy?: (Omit<SortField, "sourceId"> & { column: string })[];
  /** Table properties. */
  properties?: Record<string, string>;
  /** The table's folder, as a URI or a path. */
  location: string;
  /** Makes the table's UUID. */
  random: Random;
}

/** The change that makes a table of format version 2. */
export function createTable(options: CreateTable): TableChange {
  const { fields } = assignFieldIds(options.fields, 1);
  const schema: Schema = { schemaId: 0, fields };
  const sortFields = (options.sortBy ?? []).map(({ column, transform, direction, nullOrder }) => ({
    sourceId: columnId(schema, column),
    transform,
    direction,
    nullOrder,
  }));
  return {
    requirements: [{ type: "assert-create" }],
    updates: [
      { action: "assign-uuid", uuid: uuidV4(options.random) },
      { action: "upgrade-format-version", formatVersion: 2 },
      { action: "set-location", location: options.location },
      { action: "add-schema", schema },
      { action: "set-current-schema", schemaId: LAST_ADDED },
      { action: "add-spec", spec: { specId: 0, fields: partitionFields(schema, options.partitionBy ?? []) } },
      { action: "set-default-spec", specId: LAST_ADDED },
      { action: "add-sort-order", sortOrder: { orderId: sortFields.length === 0 ? 0 : 1, fields: sortFields } },
      { action: "set-default-sort-order", sortOrderId: LAST_ADDED },
      { action: "set-properties", updates: { ...DEFAULT_PROPERTIES, ...options.properties } },
    ],
  };
}

/** A table that is committed to every second would else gather 86,400 metadata files a day. */
export const DEFAULT_PROPERTIES = {
  "write.metadata.delete-after-commit.enabled": "true",
  "write.metadata.previous-versions-max": "100",
  "write.parquet.compression-codec": "zstd",
};

function partitionFields(schema: Schema, choices: PartitionColumnChoice[]): PartitionField[] {
  return choices.map((choice, i) => ({
    sourceId: columnId(schema, choice.column),
    fieldId: FIRST_PARTITION_FIELD_ID + i,
    name: choice.name ?? defaultPartitionFieldName(choice.column, choice.transform),
    transform: choice.transform,
  }));
}

function columnId(schema: Schema, column: string): number {
  const field = findFieldByPath(schema, column);
  if (field) return field.id;
  throw new StreamlabError("usage", `Cannot create the table: there is no column "${column}"`);
}
