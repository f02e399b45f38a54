import type { Json } from "../../base/json.ts";
import { type JsonObject, readArray, readInteger, readObject, readString } from "./json_field.ts";
import { type Transform, transformFromText, transformToText } from "./transform.ts";

/** One key of a sort order. */
export interface SortField {
  /** Applied to the column's values before the comparison. */
  transform: Transform;
  /** The column. */
  sourceId: number;
  /** Ascending or descending. */
  direction: "asc" | "desc";
  /** Where nulls stand. */
  nullOrder: "nulls-first" | "nulls-last";
}

/** How rows are ordered in files (specification: "Sorting"). Order 0 means unsorted. */
export interface SortOrder {
  /** Its number in the table. */
  orderId: number;
  /** The first key first. */
  fields: SortField[];
}

export const unsorted: SortOrder = { orderId: 0, fields: [] };

export function sortOrderToJson(order: SortOrder): JsonObject {
  return { "order-id": order.orderId, fields: order.fields.map(sortFieldToJson) };
}

function sortFieldToJson(field: SortField): JsonObject {
  return {
    transform: transformToText(field.transform),
    "source-id": field.sourceId,
    direction: field.direction,
    "null-order": field.nullOrder,
  };
}

export function sortOrderFromJson(json: Json): SortOrder {
  const object = readObject(json, "sort order");
  return {
    orderId: readInteger(object, "order-id"),
    fields: readArray(object, "fields").map((item) => {
      const field = readObject(item, "sort field");
      return {
        transform: transformFromText(readString(field, "transform")),
        sourceId: readInteger(field, "source-id"),
        direction: readString(field, "direction") === "desc" ? "desc" : "asc",
        nullOrder: readString(field, "null-order") === "nulls-last" ? "nulls-last" : "nulls-first",
      };
    }),
  };
}

export function sameSortFields(a: SortOrder, b: SortOrder): boolean {
  return JSON.stringify(sortOrderToJson(a).fields) === JSON.stringify(sortOrderToJson(b).fields);
}

export function sameSortField(a: SortField, b: SortField): boolean {
  return JSON.stringify(sortFieldToJson(a)) === JSON.stringify(sortFieldToJson(b));
}
