import { counted } from "../../base/counted.ts";
import { visibleText } from "../../base/visible_text.ts";
import type { SqlValue } from "../../engine/duckdb.ts";
import type { RowStream, SqlColumn } from "../../engine/duckdb_stream.ts";
import { cells, isNumber } from "./format_text.ts";
import { cutToWidth, textWidth } from "./text_width.ts";

/** Rows that decide the widths of columns; wider later rows are not aligned. */
const SAMPLE_ROWS_MAX = 2_048;
const COLUMN_WIDTH_MIN = 6;

/**
 * Columns side by side, numbers to the right, null as NULL, the number of rows below. `columns` is
 * the terminal's width; without it nothing is cut.
 */
export async function* formatTable(answer: RowStream, columns?: number): AsyncIterable<string> {
  const names = answer.columns.map(({ name }) => visibleText(name));
  const iterator = answer.chunks[Symbol.asyncIterator]();
  const sample: string[][] = [];
  let next = await iterator.next();
  let count = 0;
  for (; !next.done && sample.length < SAMPLE_ROWS_MAX; next = await iterator.next()) {
    sample.push(...texts(answer.columns, next.value));
  }
  const natural = names.map((name, index) =>
    sample.reduce((width, row) => Math.max(width, textWidth(row[index]!)), textWidth(name))
  );
  const widths = columns === undefined ? natural : fit(natural, columns);
  const line = (row: string[]) => rowLine(row, widths, answer.columns, columns !== undefined);
  if (names.length > 0) yield `${line(names)}${widths.map((width) => "─".repeat(width)).join("  ")}\n`;
  yield sample.map(line).join("");
  count += sample.length;
  for (; !next.done; next = await iterator.next()) {
    yield texts(answer.columns, next.value).map(line).join("");
    count += next.value.length;
  }
  yield `(${counted(count, "row")})\n`;
}

function texts(columns: SqlColumn[], rows: SqlValue[][]): string[][] {
  return rows.map((row) => cells(columns, row, visibleText, "NULL"));
}

function rowLine(row: string[], widths: number[], columns: SqlColumn[], cuts: boolean): string {
  const padded = row.map((text, index) => {
    const width = widths[index]!;
    const shown = cuts ? cutToWidth(text, width) : text;
    const space = " ".repeat(Math.max(0, width - textWidth(shown)));
    return isNumber(columns[index]!.type.kind) ? space + shown : shown + space;
  });
  return `${padded.join("  ").trimEnd()}\n`;
}

/** Takes width from the widest columns until all fit, two spaces between them. */
function fit(natural: number[], columns: number): number[] {
  const available = columns - 2 * (natural.length - 1);
  const widths = [...natural];
  for (let sum = widths.reduce((a, b) => a + b, 0); sum > available; sum--) {
    const widest = Math.max(...widths);
    if (widest <= COLUMN_WIDTH_MIN) break;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return widths;
}
