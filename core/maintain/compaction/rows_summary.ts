import { counted } from "../../base/counted.ts";
import { type Connection, quoteName } from "../../engine/duckdb.ts";
import type { Field } from "../../iceberg/format/type.ts";
import { columnPrintSql, negativeZeroSql } from "../../tables/row_print_sql.ts";

/** What rows say, in whatever order they come. */
export interface RowsSummary {
  rows: number;
  /** By column: how many values are not null, and a checksum of all. */
  columns: ReadonlyMap<string, string>;
  /** A checksum of whole rows: which values belong together. */
  print: string;
  hasNegativeZero: boolean;
}

/**
 * In one pass over the rows: 63 bits of each value, and 63 of each row, made of those. A bit less
 * than the hashes have, for DuckDB adds up whole numbers with a sign much faster.
 */
export async function summaryOf(
  connection: Connection,
  select: string,
  fields: readonly Field[],
): Promise<RowsSummary> {
  const valueOf = ({ name }: { name: string }) => `r.${quoteName(name)}`;
  const sum = (print: string) => `coalesce(sum((${print} >> 1)::BIGINT), 0)::VARCHAR`;
  const negative = negativeZeroSql(fields, valueOf) ?? "false";
  const prints = fields.map((field, i) =>
    `${columnPrintSql(field, valueOf(field))} AS p${i}, ${valueOf(field)} AS v${i}`
  );
  const columns = fields.map((_field, i) => `count(v${i}) || ' ' || ${sum(`p${i}`)} AS c${i}`);
  const [row] = await connection.rows(
    `SELECT count(*) AS rows, coalesce(bool_or(negative), false) AS negative,
  ${sum(`hash(${fields.map((_field, i) => `p${i}`).join(", ")})`)} AS print, ${columns.join(", ")}
FROM (SELECT ${negative} AS negative, ${prints.join(", ")} FROM (${select}) r)`,
  );
  return {
    rows: Number(row!.rows),
    columns: new Map(fields.map(({ name }, i) => [name, row![`c${i}`] as string])),
    print: row!.print as string,
    hasNegativeZero: row!.negative as boolean,
  };
}

/** In what two summaries differ, in words; undefined where they agree. */
export function difference(before: RowsSummary, after: RowsSummary): string | undefined {
  if (before.rows !== after.rows) return `${counted(after.rows, "row")} instead of ${before.rows}`;
  const columns = [...before.columns.keys()].filter((name) => before.columns.get(name) !== after.columns.get(name));
  if (columns.length > 0) return `other values of ${columns.join(", ")}`;
  return before.print === after.print ? undefined : "values that belonged to other rows";
}
