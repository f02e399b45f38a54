import type { Contract } from "../contract/contract.ts";
import { judgedColumns, judgedStruct } from "./sql/routing_sql.ts";
import { OUR_COLUMNS } from "../lake/our_columns.ts";
import { quoteName, quotePath, quoteText } from "../engine/duckdb.ts";
import type { ColumnExpression } from "../tables/write/target_table.ts";

export interface JudgedSource {
  /** The file of JSON lines. */
  path: string;
  /** See `JudgedRows`. */
  lineBytesMax: number;
  contract: Contract;
  /** Names of the batch's files by number. */
  names: ReadonlyMap<number, string>;
  metadata: readonly ColumnExpression[];
}

/** The rows of judged events, and the names of their columns. */
export function judgedEventsSql(source: JudgedSource, rescued: boolean): { query: string; columns: string[] } {
  const own = rescued ? [`rescued AS ${quoteName(OUR_COLUMNS.rescued)}`] : [];
  return {
    query: select(source, own, [["rescued", "VARCHAR"]]),
    columns: [...names(source), ...(rescued ? [OUR_COLUMNS.rescued] : []), ...source.metadata.map(([name]) => name)],
  };
}

/** The rows of dead letters, and the names of their columns. */
export function deadLettersSql(source: JudgedSource): { query: string; columns: string[] } {
  const { deadLetterReason, deadLetterDetail, rawRecord } = OUR_COLUMNS;
  const own = [
    `reason AS ${quoteName(deadLetterReason)}`,
    `detail AS ${quoteName(deadLetterDetail)}`,
    `raw AS ${quoteName(rawRecord)}`,
  ];
  return {
    query: select(source, own, [["reason", "VARCHAR"], ["detail", "VARCHAR"], ["raw", "VARCHAR"]]),
    columns: [
      deadLetterReason,
      deadLetterDetail,
      rawRecord,
      ...names(source),
      ...source.metadata.map(([name]) => name),
    ],
  };
}

function select(source: JudgedSource, own: readonly string[], extra: readonly (readonly [string, string])[]): string {
  const struct = judgedStruct(source.contract);
  const members = [["file", "INTEGER"], ["position", "BIGINT"], ["values", struct], ...extra];
  const columns = members.map(([name, type]) => `${quoteName(name!)}: ${quoteText(type!)}`).join(", ");
  // A join would hold several copies of each vector of values: too much of thousands of columns.
  const last = Math.max(...source.names.keys());
  const listed = Array.from({ length: last + 1 }, (_, file) => quoteText(source.names.get(file) ?? ""));
  const selected = [
    ...own,
    ...judgedColumns(source.contract, `judged."values"`),
    ...source.metadata.map(([name, sql]) => `${sql} AS ${quoteName(name)}`),
  ];
  return `SELECT ${selected.join(", ")} FROM (SELECT *, position AS _position, ([${
    listed.join(", ")
  }])[file + 1] AS _name FROM read_json(${quotePath(source.path)}, format = 'newline_delimited',
  columns = {${columns}}, maximum_object_size = ${Math.max(source.lineBytesMax + 1024, 1 << 20)})) judged`;
}

function names(source: JudgedSource): string[] {
  return source.contract.fields.map((field) => field.name);
}
