/**
 * Answers as text: pieces to be written one after another. No more than a few thousand rows are
 * held at once.
 */
import type { SqlValue } from "../../engine/duckdb.ts";
import type { RowStream, SqlColumn } from "../../engine/duckdb_stream.ts";
import { jsonOf } from "./value_json.ts";
import { textOf } from "./value_text.ts";

/** One array of objects, one object a line. */
export async function* formatJson(answer: RowStream): AsyncIterable<string> {
  let before = "[";
  for await (const rows of answer.chunks) {
    let text = "";
    for (const row of rows) {
      text += `${before}${rowJson(answer.columns, row)}`;
      before = ",\n";
    }
    yield text;
  }
  yield before === "[" ? "[]\n" : "]\n";
}

/** An object a line. */
export async function* formatNdjson(answer: RowStream): AsyncIterable<string> {
  for await (const rows of answer.chunks) {
    yield rows.map((row) => `${rowJson(answer.columns, row)}\n`).join("");
  }
}

/** RFC 4180 with a header and `\n`; null is nothing, the empty text is `""`. */
export async function* formatCsv(answer: RowStream): AsyncIterable<string> {
  yield `${answer.columns.map(({ name }) => csvField(name)).join(",")}\n`;
  for await (const rows of answer.chunks) {
    yield rows.map((row) => `${cells(answer, row, csvField, "").join(",")}\n`).join("");
  }
}

export async function* formatMarkdown(answer: RowStream): AsyncIterable<string> {
  const line = (texts: string[]) => `| ${texts.join(" | ")} |\n`;
  yield line(answer.columns.map(({ name }) => markdownField(name)));
  yield line(answer.columns.map(({ type }) => isNumber(type.kind) ? "---:" : "---"));
  for await (const rows of answer.chunks) {
    yield rows.map((row) => line(cells(answer, row, markdownField, "NULL"))).join("");
  }
}

export function isNumber(kind: string): boolean {
  return ["integer", "bigint", "float", "double", "decimal"].includes(kind);
}

/** A row's values as texts. */
export function cells<Null extends string | null>(
  { columns, timeZone }: Pick<RowStream, "columns" | "timeZone">,
  row: SqlValue[],
  escape: (text: string) => string,
  nullText: Null,
): (string | Null)[] {
  return columns.map(({ type }, index) => {
    const value = row[index];
    if (value === null || value === undefined) return nullText;
    // As JSON, so that it is clear where a value ends; null is shown as in any cell.
    const isNested = ["list", "struct", "map"].includes(type.kind);
    return escape(isNested ? jsonOf(type, value, timeZone) : textOf(type, value, timeZone));
  });
}

function rowJson(columns: SqlColumn[], row: SqlValue[]): string {
  return `{${columns.map(({ name, type }, index) => `${JSON.stringify(name)}:${jsonOf(type, row[index])}`).join(",")}}`;
}

function csvField(text: string): string {
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function markdownField(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("|", "\\|").replaceAll(/\r\n|\r|\n/g, "<br>");
}
