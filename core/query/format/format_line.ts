import { counted } from "../../base/counted.ts";
import { visibleText } from "../../base/visible_text.ts";
import type { RowStream } from "../../engine/duckdb_stream.ts";
import { cells } from "./format_text.ts";
import { textWidth } from "./text_width.ts";

/** A line a value, for rows that are too wide to read side by side; nothing is cut. */
export async function* formatLine(answer: RowStream): AsyncIterable<string> {
  const names = answer.columns.map(({ name }) => visibleText(name));
  const width = Math.max(0, ...names.map(textWidth));
  const labels = names.map((name) => `${" ".repeat(width - textWidth(name))}${name} = `);
  let count = 0;
  for await (const rows of answer.chunks) {
    let text = "";
    for (const row of rows) {
      const values = cells(answer, row, visibleText, "NULL");
      text += `${labels.map((label, index) => `${label}${values[index]}\n`).join("")}\n`;
    }
    count += rows.length;
    yield text;
  }
  yield `(${counted(count, "row")})\n`;
}
