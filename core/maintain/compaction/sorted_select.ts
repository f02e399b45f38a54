import { type Connection, quoteName } from "../../engine/duckdb.ts";
import type { Schema } from "../../iceberg/format/schema.ts";
import type { OrderedColumn } from "../../tables/ordered_column.ts";
import { spanSql, zOrderSql } from "../../tables/z_order_sql.ts";
import type { RowOrder } from "./row_order.ts";

/**
 * The query with its rows in order. Where columns take turns, their values are read before, to know
 * what they span.
 */
export async function sortedSelect(
  connection: Connection,
  select: string,
  { keys }: RowOrder,
  { fields }: Pick<Schema, "fields">,
): Promise<string> {
  let source = select;
  const orderBy: string[] = [];
  for (const key of keys) {
    if (typeof key === "string") {
      orderBy.push(key);
      continue;
    }
    const spans = await spansOf(connection, select, key);
    const woven = zOrderSql(source, key, spans, unusedName(fields, `turn${orderBy.length}_`));
    source = woven.select;
    orderBy.push(...woven.keys);
  }
  const columns = fields.map(({ name }) => quoteName(name)).join(", ");
  return `SELECT ${columns} FROM (${source}) ORDER BY ${orderBy.join(", ")}`;
}

async function spansOf(connection: Connection, select: string, columns: readonly OrderedColumn[]) {
  const [row] = await connection.rows(spanSql(select, columns));
  return columns.map((_column, index) => ({
    low: row![`low${index}`] as string | null,
    high: row![`high${index}`] as string | null,
  }));
}

/** With which no column's name begins. */
function unusedName(fields: Schema["fields"], wanted: string): string {
  const isUsed = fields.some(({ name }) => name.toLowerCase().startsWith(wanted));
  return isUsed ? unusedName(fields, `x${wanted}`) : wanted;
}
