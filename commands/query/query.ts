import { resolve } from "node:path";
import * as z from "zod";
import { StreamlabError } from "../../core/base/errors.ts";
import type { Session } from "../../core/query/sql_session.ts";
import { catalogFlags } from "../open_catalog.ts";
import { type Context, defineCommand, type ExitStatus } from "../line/command.ts";
import { flag } from "../line/flags.ts";
import { openExistingLake, openLake, openReadersCatalog } from "../open_lake.ts";
import type { Store } from "../../core/storage/store.ts";
import { openOutput } from "./output.ts";
import { ANSWER_FORMATS, formatOfFile, printAnswer } from "./answer.ts";
import { machineSettings } from "../machine.ts";
import { readQuestion } from "./question_file.ts";

const flags = z.object({
  sql: flag.text({ doc: "the question; - reads it from standard input", placeholder: "SQL", position: 0 }),
  source: flag.lake({ doc: "lake to query: local (./lake), s3, a path or s3://bucket/prefix", default: "local" }),
  file: flag.file({ doc: "read the question from this file", short: "f" }),
  format: flag.choice(ANSWER_FORMATS, {
    doc: "how to print the answer (default: by the suffix of --output, else table); json is one array of objects",
  }),
  output: flag.file({ doc: "write the answer to this file, whole or not at all", short: "o" }),
  asOf: flag.past({ doc: "query the tables as of this time, such as 2026-03-01T12:00:00Z, -1h or yesterday" }),
  snapshot: flag.id({ doc: "query the table as of this snapshot" }),
  timezone: flag.timeZone({
    doc:
      "time zone of the instants that are read and shown, such as Europe/Berlin; local: this machine's (default: UTC)",
  }),
  fileRoot: flag.file({ doc: "folder whose CSV, JSON and Parquet files questions may read, too", placeholder: "DIR" }),
  ...catalogFlags,
  explainScan: flag.switch({ doc: "list the data files that would be opened or skipped, and why" }),
  threads: flag.count({ doc: "threads to use (default: all cores)" }),
  memory: flag.size({ doc: "memory to use (default: 80 % of the machine's)" }),
});

export type QueryFlags = z.output<typeof flags>;

export const query = defineCommand({
  name: "query",
  summary: "Ask the tables in SQL",
  description: [
    "The question is the argument, a file, standard input, or, on a terminal without any of them, a prompt. The SQL is DuckDB's;",
    "only questions are answered: SELECT, and DESCRIBE, SHOW, SUMMARIZE or EXPLAIN of one. Each table is named with its namespace,",
    'and has Iceberg\'s metadata tables beside it: bronze."events$snapshots", $history, $files, $entries, $manifests, $partitions,',
    "$refs, $metadata_log. Opens only the data files that the question can need; functions that reach anything else are refused.",
  ].join("\n"),
  examples: [
    {
      doc: "count events by type",
      line: 'streamlab query "select event_type, count(*) from bronze.events group by all"',
    },
    {
      doc: "why records were refused",
      line: 'streamlab query "select _dead_letter_reason, _dead_letter_detail from dead_letters.events limit 20"',
    },
    { doc: "one day as CSV", line: "streamlab query -f day.sql --format csv --output day.csv" },
    {
      doc: "an earlier state",
      line: 'streamlab query --as-of 2026-03-01T12:00:00Z "select count(*) from bronze.events"',
    },
    {
      doc: "an earlier state of one table",
      line: 'streamlab query "from bronze.events at (timestamp => now() - interval 1 hour) select count(*)"',
    },
    {
      doc: "a file beside the tables",
      line: "streamlab query --file-root . \"select * from bronze.events join 'users.csv' using (user_id)\"",
    },
    {
      doc: "tables of an Iceberg REST catalog",
      line: 'streamlab query --catalog http://127.0.0.1:8181 "select count(*) from bronze.events"',
    },
    { doc: "a prompt", line: "streamlab query" },
  ],
  flags,
  run: runQuery,
});

async function runQuery(context: Context, given: QueryFlags): Promise<ExitStatus> {
  if (given.asOf !== undefined && given.snapshot !== undefined) {
    throw new StreamlabError("usage", "--as-of and --snapshot both travel in time", { hint: "Leave out one of them" });
  }
  const text = await questionText(context, given);
  const lake = lakeOnce(context, given);
  // A question about no table would not notice.
  if (given.catalog === undefined) await lake();
  const session = await openSession(context, given, lake);
  if (text === undefined) {
    const { runPrompt } = await import("./prompt_terminal.ts");
    return await runPrompt(context, session, given);
  }
  const output = await openOutput(context, given.output);
  try {
    await printAnswer(context, session, text, { ...given, format: given.format ?? formatOfFile(given.output) }, output);
    await output.finish();
  } catch (error) {
    await output.abandon();
    throw error;
  }
  return 0;
}

/** Undefined: a prompt is asked for. */
async function questionText(context: Context, { sql, file }: QueryFlags): Promise<string | undefined> {
  if (sql !== undefined && file !== undefined) {
    throw new StreamlabError("usage", "both an argument and --file hold a question", { hint: "Leave out one of them" });
  }
  if (file !== undefined) return await readQuestion(resolve(context.cwd, file));
  if (sql !== undefined && sql !== "-") return sql;
  if (sql === undefined && context.isTerminal.stdin) return undefined;
  return await new Response(context.stdin).text();
}

/** The lake, which must be there; it is looked at once. */
function lakeOnce(context: Context, { source }: QueryFlags): () => Promise<Store> {
  let lake: Promise<Store> | undefined;
  return () => lake ??= openExistingLake(context, source);
}

async function openSession(context: Context, given: QueryFlags, lake: () => Promise<Store>): Promise<Session> {
  const { Session } = await import("../../core/query/sql_session.ts");
  const httpfs = context.env("STREAMLAB_HTTPFS");
  return new Session({
    openCatalog: () => openReadersCatalog(context, given, lake),
    openLake: () => openLake(context, given.source),
    clock: context.clock,
    random: context.random,
    fileRoot: given.fileRoot && resolve(context.cwd, given.fileRoot),
    httpfs: httpfs === "off" ? false : httpfs && resolve(context.cwd, httpfs),
    ...machineSettings(context, given),
  });
}
