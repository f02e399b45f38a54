/**
 * DuckDB returns sort keys instead of the values: -0.0 becomes 0.0 in a float column that is sorted
 * by. A column that is the argument of a function is not a key and keeps its sign.
 */
import { type Connection, quoteText } from "../engine/duckdb.ts";
import { SqlError } from "../engine/sql_error.ts";
import { splitOrderBy } from "./sql_text.ts";

/**
 * A SELECT with the same answer, in which each zero has its sign. Unchanged if it sorts by an alias
 * of an expression as well as by a column that is not in the answer.
 */
export async function keepZeroSigns(connection: Connection, sql: string): Promise<string> {
  const parts = splitOrderBy(sql);
  if (parts === undefined) return sql;
  const columns = await describe(connection, sql);
  if (columns === undefined || !columns.some(({ type }) => /\b(FLOAT|DOUBLE)\b/.test(type))) return sql;
  const names = columns.map(({ name }) => name);
  const items = parts.items.flatMap((item) => orderItems(item, names));
  const query = /^([^]*)\border\s+by$/i.exec(parts.before)?.[1];
  const isByOutput = query !== undefined && items.every(({ output }) => output !== undefined);
  const plain = isByOutput ? undefined : await plainColumns(connection, sql);
  const order = items.map((item) => unkeyed(item, plain)).join(", ");
  // Inside a function `#1` is the first column of what stands after FROM.
  const rewritten = isByOutput
    ? `SELECT * FROM (${query}\n) ORDER BY ${order}\n${parts.after}`
    : `${parts.before} ${order}\n${parts.after}`;
  const isSame = JSON.stringify(await describe(connection, rewritten)) === JSON.stringify(columns);
  return isSame ? rewritten : sql;
}

/** The columns that a SELECT would have; undefined where it does not fit its tables. */
async function describe(connection: Connection, sql: string): Promise<{ name: string; type: string }[] | undefined> {
  try {
    const rows = await connection.rows(`DESCRIBE (\n${sql}\n)`);
    return rows.map((row) => ({ name: String(row.column_name), type: String(row.column_type) }));
  } catch (error) {
    if (error instanceof SqlError) return undefined;
    throw error;
  }
}

interface OrderItem {
  /** An expression, as written. */
  text: string;
  /** ASC, DESC, NULLS FIRST, NULLS LAST. */
  direction: string;
  /** The column that it means, where that is one of those put out: from 0. */
  output?: number;
}

/** A bare name or a number means a column that is put out, where there is one. */
function orderItems(item: string, names: readonly string[]): OrderItem[] {
  const [, text = item, direction = ""] = /^([^]*?)((?:\s+(?:asc|desc))?(?:\s+nulls\s+(?:first|last))?)$/i.exec(item) ??
    [];
  if (/^all$/i.test(text)) return names.map((_, output) => ({ text, direction, output }));
  if (/^\d+$/.test(text)) return [{ text, direction, output: Number(text) - 1 }];
  const name = nameOf(text);
  const output = names.findIndex((each) => each.toLowerCase() === name);
  return [{ text, direction, output: output >= 0 ? output : undefined }];
}

function nameOf(text: string): string {
  return (/^"([^]*)"$/.exec(text)?.[1]?.replaceAll('""', '"') ?? text).toLowerCase();
}

/** `plain`: undefined where the item is about a query whose columns are those that are put out. */
function unkeyed({ text, direction, output }: OrderItem, plain: readonly string[] | undefined): string {
  if (plain === undefined) return `coalesce(#${output! + 1})${direction}`;
  // A name that is given to something else would mean a column of the table inside a function.
  const isKept = output !== undefined && !plain.includes(nameOf(text));
  return isKept || /\bcollate\b/i.test(text) ? `${text}${direction}` : `coalesce(${text}\n)${direction}`;
}

/** The columns that a SELECT puts out under their own names. */
async function plainColumns(connection: Connection, sql: string): Promise<string[]> {
  const [row] = await connection.rows(`SELECT json_serialize_sql(${quoteText(sql)}::VARCHAR)::VARCHAR AS tree`);
  const tree = JSON.parse(String(row!.tree)) as { statements?: { node?: { select_list?: SelectItem[] } }[] };
  const items = tree.statements?.[0]?.node?.select_list ?? [];
  return items.flatMap(({ class: kind, alias, column_names: path }) => {
    const name = kind === "COLUMN_REF" ? path?.at(-1)?.toLowerCase() : undefined;
    return name !== undefined && ["", name].includes(alias.toLowerCase()) ? [name] : [];
  });
}

interface SelectItem {
  class: string;
  alias: string;
  column_names?: string[];
}
