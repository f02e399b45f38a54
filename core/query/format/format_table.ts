import { counted } from "../../base/counted.ts";
import { visibleText } from "../../base/visible_text.ts";
import type { SqlValue } from "../../engine/duckdb.ts";
import type { RowStream, SqlColumn } from "../../engine/duckdb_stream.ts";
import { cells, isNumber } from "./format_text.ts";
import { cutToWidth, textWidth } from "./text_width.ts";

/** Rows that decide the widths of columns; wider later rows are not aligned. */
const SAMPLE_ROWS_MAX = 2_048;
/** A column that needs no more is shown whole or not at all; a wider one may be cut to it. */
const WHOLE_WIDTH_MAX = 40;
const GAP = "  ";

/** What a terminal shows of a table; nothing is left out without it. */
export interface TableView {
  /** The width of the terminal. */
  columns: number;
  /** How all columns can be seen, as the line below the rows says it. */
  wayToAll: string;
}

/**
 * Columns side by side, numbers to the right, null as NULL, the number of rows below. On a terminal
 * as many columns as fit, the first ones first, and the names of the others below.
 */
export async function* formatTable(answer: RowStream, view?: TableView): AsyncIterable<string> {
  const names = answer.columns.map(({ name }) => visibleText(name));
  const iterator = answer.chunks[Symbol.asyncIterator]();
  const sample: string[][] = [];
  let next = await iterator.next();
  let count = 0;
  for (; !next.done && sample.length < SAMPLE_ROWS_MAX; next = await iterator.next()) {
    sample.push(...texts(answer, next.value));
  }
  const natural = names.map((name, index) =>
    sample.reduce((width, row) => Math.max(width, textWidth(row[index]!)), textWidth(name))
  );
  const shown = view === undefined ? natural.map((width, index) => ({ index, width })) : fit(natural, view.columns);
  const line = (row: string[]) => rowLine(row, shown, answer.columns, view !== undefined);
  if (names.length > 0) yield `${line(names)}${shown.map(({ width }) => "─".repeat(width)).join(GAP)}\n`;
  yield sample.map(line).join("");
  count += sample.length;
  for (; !next.done; next = await iterator.next()) {
    yield texts(answer, next.value).map(line).join("");
    count += next.value.length;
  }
  yield `(${counted(count, "row")})\n`;
  if (view !== undefined && shown.length < names.length) {
    const indexes = new Set(shown.map(({ index }) => index));
    yield leftOut(names.filter((_, index) => !indexes.has(index)), names.length, view);
  }
}

function texts(answer: RowStream, rows: SqlValue[][]): string[][] {
  return rows.map((row) => cells(answer, row, visibleText, "NULL"));
}

interface ShownColumn {
  index: number;
  width: number;
}

function rowLine(row: string[], shown: ShownColumn[], columns: SqlColumn[], cuts: boolean): string {
  const padded = shown.map(({ index, width }) => {
    const text = cuts ? cutToWidth(row[index]!, width) : row[index]!;
    const space = " ".repeat(Math.max(0, width - textWidth(text)));
    return isNumber(columns[index]!.type.kind) ? space + text : text + space;
  });
  return `${padded.join(GAP).trimEnd()}\n`;
}

/**
 * Each column that still fits beside those before it, at least one; what room is left then goes to
 * those that are cut.
 */
function fit(natural: number[], columns: number): ShownColumn[] {
  const shown: ShownColumn[] = [];
  let room = columns;
  for (const [index, width] of natural.entries()) {
    const least = Math.min(width, WHOLE_WIDTH_MAX);
    const taken = shown.length === 0 ? Math.min(least, columns) : GAP.length + least;
    if (taken > room) continue;
    room -= taken;
    shown.push({ index, width: Math.min(least, columns) });
  }
  for (const column of shown) {
    const more = Math.min(room, natural[column.index]! - column.width);
    column.width += more;
    room -= more;
  }
  return shown;
}

/** As many of their names as fit on one line. */
function leftOut(names: string[], all: number, { columns, wayToAll }: TableView): string {
  const before = `${names.length} of ${counted(all, "column")} left out (`, after = `); ${wayToAll}`;
  const room = Math.max(WHOLE_WIDTH_MAX / 2, columns - before.length - after.length);
  return `${before}${cutToWidth(names.join(", "), room)}${after}\n`;
}
