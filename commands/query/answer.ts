import { extname } from "node:path";
import type { AskOptions, Session } from "../../core/query/sql_session.ts";
import type { RowStream } from "../../core/engine/duckdb_stream.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import type { Context } from "../line/command.ts";
import { removeTree } from "../../core/disk/removal.ts";
import type { AnswerOutput } from "./output.ts";

export const ANSWER_FORMATS = ["table", "json", "ndjson", "csv", "markdown", "arrow", "parquet"] as const;
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
  asOf?: number | undefined;
  snapshot?: bigint | undefined;
  explainScan: boolean;
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
    // A file is not a terminal: nothing is cut there.
    if (format === "table" && isPlan(rows)) return await printPlan(rows, output);
    const columns = output.temporaryPath === undefined && context.isTerminal.stdout ? context.columns : undefined;
    for await (const piece of await pieces(format, rows, columns)) {
      if (piece.length > 0) await output.write(piece);
    }
  });
}

function askOptions(context: Context, { asOf, snapshot, explainScan }: AnswerFlags): AskOptions {
  return {
    signal: context.signal,
    explainScan,
    asOfMs: asOf,
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
  columns: number | undefined,
): Promise<AsyncIterable<string | Uint8Array>> {
  if (format === "table") return (await import("../../core/query/format/format_table.ts")).formatTable(rows, columns);
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
