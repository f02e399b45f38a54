import { type Json, stringifyJson } from "../base/json.ts";
import { quoteText } from "../engine/duckdb.ts";
import type { RowShape } from "./metadata/metadata_table_shape.ts";

/**
 * A SELECT of rows that are at hand, typed by the shape; values of types that JSON lacks are given
 * as text.
 */
export function rowSelect(shape: RowShape, rows: readonly { [column: string]: Json }[]): string {
  const json = quoteText(stringifyJson([...rows]));
  return `SELECT r.* FROM (SELECT unnest(from_json(${json}, ${quoteText(JSON.stringify([shape]))})) AS r)`;
}
