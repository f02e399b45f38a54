import { extname } from "node:path";
import type { AskOptions, Session } from "../../core/query/sql_session.ts";
import type { RowStream } from "../../core/engine/duckdb_stream.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import type { Context } from "../line/command.ts";
import { removeTree } from "../../core/disk/removal.ts";
import type { PastTime } from "../line/values.ts";
import type { AnswerOutput } from "./output.ts";

export const ANSWER_FORMATS = [
  "table",
  "line",
  "json",
  "ndjson",
  "csv",
  "markdown",
  "arrow",
  "parquet",
] as const;
export type AnswerFormat = typeof ANSWER_FORMATS[number];

const SUFFIXES: Readonly<Record<string, AnswerFormat>> = {
  ".txt": "table",
  ".json": "json",
  ".ndjson": "ndjson",
  ".jsonl": "ndjson",
  ".csv": "csv",
  ".md": "markdown",
  ".arrow": "arrow",
  ".arrows": "arrow",
  ".parquet": "parquet",
};

/** What a file of that name is expected to hold. */
export function formatOfFile(path: string | undefined): AnswerFormat | undefined {
  return path === undefined ? undefined : SUFFIXES[extname(path).toLowerCase()];
}

export interface AnswerFlags {
  format?: AnswerFormat | undefined;
  asOf?: PastTime | undefined;
  timezone?: string | undefined;
  snapshot?: bigint | undefined;
  explainScan: boolean;
}

/** How an answer is shown, by who asks. */
export interface AnswerView {
  /** The width of the terminal when the rows come; nothing is left out without it. */
  columns: (() => number) | undefined;
  /** How all columns can be seen. */
  wayToAllColumns: string;
  /** Rows of a table; all without it. */
  rowsMax: number | undefined;
  /** How more rows can be seen. */
  wayToMoreRows: string;
}

/**
 * Asks and prints; with `--json` and no format the answer is one JSON object a line, as everywhere.
 */
export async function printAnswer(
  context: Context,
  session: Session,
  text: string,
  flags: AnswerFlags,
  output: AnswerOutput,
  view: AnswerView = viewOf(context, output),
): Promise<void> {
  const format = flags.format ?? (context.json ? "ndjson" : "table");
  if ((format === "arrow" || format === "parquet") && output.temporaryPath === undefined && context.isTerminal.stdout) {
    throw new StreamlabError("usage", `${format} is not for reading on a terminal`, {
      hint: "Write it to a file with --output, or to another program",
    });
  }
  const options = askOptions(context, flags);
  if (format === "parquet") return await printParquet(context, session, text, options, output);
  await session.ask(text, options, async (rows) => {
    if (format === "table" && isPlan(rows)) return await printPlan(rows, output);
    await printRows(format, rows, output, view);
  });
}

/** A file is not a terminal: nothing is left out there. */
function viewOf({ isTerminal, terminalSize }: Context, { temporaryPath }: AnswerOutput): AnswerView {
  return {
    columns: temporaryPath === undefined && isTerminal.stdout ? () => terminalSize().columns : undefined,
    wayToAllColumns: "--format line shows all",
    rowsMax: undefined,
    wayToMoreRows: "",
  };
}

async function printRows(
  format: Exclude<AnswerFormat, "parquet">,
  rows: RowStream,
  output: AnswerOutput,
  view: AnswerView,
): Promise<void> {
  const isLimited = view.rowsMax !== undefined && (format === "table" || format === "line");
  const first = isLimited ? firstRows(rows, view.rowsMax!) : undefined;
  for await (const piece of await pieces(format, first ?? rows, view)) {
    if (piece.length > 0) await output.write(piece);
  }
  if (first?.hasMore) await output.write(`There are more rows: ${view.wayToMoreRows}\n`);
}

/** The rows that come first; what is behind them is not even computed. */
function firstRows({ chunks, ...answer }: RowStream, rowsMax: number): RowStream & { readonly hasMore: boolean } {
  let hasMore = false;
  async function* first() {
    let left = rowsMax;
    for await (const rows of chunks) {
      hasMore = rows.length > left;
      yield rows.slice(0, left);
      left -= rows.length;
      if (hasMore) return;
    }
  }
  return {
    ...answer,
    chunks: first(),
    get hasMore() {
      return hasMore;
    },
  };
}

function askOptions(context: Context, { asOf, timezone, snapshot, explainScan }: AnswerFlags): AskOptions {
  return {
    signal: context.signal,
    explainScan,
    asOfMs: asOf?.(context.clock.nowMs()),
    timeZone: timezone,
    snapshotId: snapshot,
  };
}

/** EXPLAIN answers with drawings, which a table would squeeze into a cell. */
function isPlan({ columns }: RowStream): boolean {
  return columns.length === 2 && columns[0]!.name === "explain_key" && columns[1]!.name === "explain_value";
}

async function printPlan({ chunks }: RowStream, output: AnswerOutput): Promise<void> {
  for await (const rows of chunks) for (const row of rows) await output.write(`${String(row[1]).trimEnd()}\n`);
}

async function pieces(
  format: Exclude<AnswerFormat, "parquet">,
  rows: RowStream,
  { columns, wayToAllColumns }: AnswerView,
): Promise<AsyncIterable<string | Uint8Array>> {
  if (format === "table") {
    const { formatTable } = await import("../../core/query/format/format_table.ts");
    return formatTable(rows, columns === undefined ? undefined : { columns: columns(), wayToAll: wayToAllColumns });
  }
  if (format === "line") return (await import("../../core/query/format/format_line.ts")).formatLine(rows);
  if (format === "arrow") return (await import("../../core/query/format/format_arrow.ts")).formatArrow(rows);
  const text = await import("../../core/query/format/format_text.ts");
  switch (format) {
    case "json":
      return text.formatJson(rows);
    case "ndjson":
      return text.formatNdjson(rows);
    case "csv":
      return text.formatCsv(rows);
    case "markdown":
      return text.formatMarkdown(rows);
  }
}

/** DuckDB writes the file; what goes to standard output is written beside and copied. */
async function printParquet(
  context: Context,
  session: Session,
  text: string,
  options: AskOptions,
  output: AnswerOutput,
): Promise<void> {
  if (output.temporaryPath !== undefined) return await session.writeParquet(text, options, output.temporaryPath);
  const folder = await Deno.makeTempDir({ prefix: "streamlab-" });
  try {
    const path = `${folder}/answer.parquet`;
    await session.writeParquet(text, options, path);
    using file = await Deno.open(path);
    for await (const piece of file.readable) await context.stdout.write(piece);
  } finally {
    removeTree(folder);
  }
}
