import { type Json, stringifyJson } from "../base/json.ts";
import { quoteText } from "../engine/duckdb.ts";
import type { RowShape } from "./metadata/metadata_table_shape.ts";

/**
 * A SELECT of rows that are at hand, typed by the shape; values of types that JSON lacks are given
 * as text. The text is a table's value: of a constant DuckDB makes the rows one by one while it
 * plans, which took four times as long.
 */
export function rowSelect(shape: RowShape, rows: readonly { [column: string]: Json }[]): string {
  const json = quoteText(stringifyJson([...rows]));
  const structure = quoteText(JSON.stringify([shape]));
  return `SELECT r.* FROM (SELECT unnest(from_json(t, ${structure})) AS r FROM (VALUES (${json})) v(t))`;
}
