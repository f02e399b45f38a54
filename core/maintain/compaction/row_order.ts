import { counted } from "../../base/counted.ts";
import { StreamlabError } from "../../base/errors.ts";
import { identifierText, type LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { fieldsById, findFieldByPath, type Schema } from "../../iceberg/format/schema.ts";
import { sameSortField, type SortField } from "../../iceberg/format/sort_order.ts";
import { currentSchema, defaultSortOrder, type TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { transformToText } from "../../iceberg/format/transform.ts";
import { isPrimitive } from "../../iceberg/format/type.ts";
import { type OrderedColumn, orderedColumn } from "../../tables/ordered_column.ts";
import { sortKeySql } from "../../tables/sort_sql.ts";
import { Z_ORDER_COLUMNS_MAX } from "../../tables/z_order_sql.ts";

/** How the rows of new files are put in order. */
export interface RowOrder {
  /** What stands in ORDER BY, or columns whose bits take turns. */
  keys: readonly (string | readonly OrderedColumn[])[];
  /** The order of the table that files so sorted have. */
  sortOrderId?: number | undefined;
}

/** A key as it was asked for: a column, or columns that count alike. */
type AskedKey = SortField | { zOrder: number[] };

/**
 * As people ask for it, `user_id`, `event_timestamp desc`, `zorder(a, b)`; without it the table's
 * own order, where that can be made. `usage` for a column that is not there or has no order.
 */
export function rowOrderOf(
  table: Pick<LoadedTable, "identifier" | "metadata">,
  sortBy: readonly string[],
): RowOrder | undefined {
  const { identifier, metadata } = table;
  const schema = currentSchema(metadata);
  const isAsked = sortBy.length > 0;
  const keys = isAsked
    ? sortBy.map((item) => askedKey(item, schema, identifierText(identifier)))
    : defaultSortOrder(metadata).fields;
  return orderBy(keys, schema, metadata);
}

/** The keys of the table's own order that SQL does not have, so that its rows stay as they are. */
export function unkeptOrder({ metadata }: Pick<LoadedTable, "metadata">): string | undefined {
  const schema = currentSchema(metadata);
  const unknown = defaultSortOrder(metadata).fields.filter((field) => sortKeySql(schema, field) === undefined);
  if (unknown.length === 0) return undefined;
  return unknown.map(({ transform, sourceId }) => {
    const source = fieldsById(schema).get(sourceId)?.path ?? `field ${sourceId}`;
    return transform.name === "identity" ? source : `${transformToText(transform)}(${source})`;
  }).join(", ");
}

function orderBy(
  asked: readonly AskedKey[],
  schema: Schema,
  { sortOrders, defaultSortOrderId }: TableMetadata,
): RowOrder | undefined {
  const keys = asked.map((key): RowOrder["keys"] | undefined =>
    "zOrder" in key ? [key.zOrder.map((id) => orderedColumn(schema, id)!)] : sortKeySql(schema, key)
  );
  if (!keys.every((key) => key !== undefined) || keys.flat().length === 0) return undefined;
  // Rows that are sorted by more keys have the order, too.
  const known = sortOrders.filter((order) => order.fields.length > 0)
    .filter((order) => order.fields.every((field, at) => isSame(field, asked[at])));
  const order = known.find(({ orderId }) => orderId === defaultSortOrderId) ?? known.at(-1);
  return { keys: keys.flat(), sortOrderId: order?.orderId };
}

function isSame(field: SortField, key: AskedKey | undefined): boolean {
  return key !== undefined && !("zOrder" in key) && sameSortField(field, key);
}

function askedKey(item: string, schema: Schema, table: string): AskedKey {
  const inner = /^zorder\s*\((.*)\)$/is.exec(item.trim())?.[1];
  if (inner === undefined) return sortField(item, schema, table);
  const columns = inner.match(/(?:"[^"]*"|[^,"])+/g) ?? [];
  if (columns.length === 0 || columns.length > Z_ORDER_COLUMNS_MAX) {
    throw new StreamlabError(
      "usage",
      `Cannot sort ${table} by "${item}": it has ${counted(columns.length, "column")}`,
      {
        hint: `Give one to ${Z_ORDER_COLUMNS_MAX}, as in zorder(user_id, event_timestamp)`,
      },
    );
  }
  return { zOrder: columns.map((column) => columnId(column.trim(), schema, table)) };
}

function sortField(item: string, schema: Schema, table: string): SortField {
  const match = /^(.+?)(?:\s+(asc|desc))?(?:\s+nulls\s+(first|last))?$/i.exec(item.trim());
  const sourceId = columnId(match?.[1] ?? item, schema, table);
  return {
    transform: { name: "identity" },
    sourceId,
    direction: match?.[2]?.toLowerCase() === "desc" ? "desc" : "asc",
    nullOrder: match?.[3]?.toLowerCase() === "last" ? "nulls-last" : "nulls-first",
  };
}

function columnId(path: string, schema: Schema, table: string): number {
  const field = findFieldByPath(schema, path) ?? findFieldByPath(schema, path.replace(/^"(.*)"$/, "$1"));
  if (field !== undefined && isPrimitive(field.type) && fieldsById(schema).get(field.id)?.repeated === false) {
    return field.id;
  }
  const names = schema.fields.filter(({ type }) => isPrimitive(type)).map(({ name }) => name);
  throw new StreamlabError("usage", `Cannot sort ${table} by "${path}": there is no such column with an order`, {
    hint: `There are ${names.join(", ")}`,
  });
}
