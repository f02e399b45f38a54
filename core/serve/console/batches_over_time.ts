import type { Json } from "../../base/json.ts";
import { quoteText } from "../../engine/duckdb.ts";
import { LEDGER_COLUMNS } from "../../lake/our_columns.ts";
import { HISTORY_VIEWS, LEDGER } from "../../lake/table_names.ts";
import { jsonAnswer } from "../answer.ts";
import { type ConsoleCall, isoOf, objectsOf } from "./console_call.ts";
import { beginningsOf, periodsOf } from "./periods.ts";

/** Columns that are summed over the batches of a period, by the names that the answer has. */
const SUMS = {
  files: "files",
  bytes: "bytes",
  records: LEDGER_COLUMNS.records,
  events: LEDGER_COLUMNS.events,
  deadLetters: LEDGER_COLUMNS.deadLetters,
  duplicates: LEDGER_COLUMNS.duplicates,
} as const;

/** What a target's batches took in each minute, hour or day, and the longest that a file waited. */
export async function countBatchesOverTime(call: ConsoleCall): Promise<Response> {
  const target = call.required("target");
  const periods = periodsOf(call, ["minute", "hour", "day"]);
  const { by, lengthMs, fromMs, toMs } = periods;
  const rows = objectsOf(
    await call.askAbout(
      [LEDGER],
      `SELECT epoch_ms(committed_at) // ${lengthMs} AS period, count(*) AS batches,
  ${Object.values(SUMS).map((column) => `sum(${column}) AS ${column}`).join(", ")}, sum(superseded) AS superseded,
  round(1000 * max(lag_seconds)) AS lag_ms
FROM ${HISTORY_VIEWS.batches} WHERE "table" = ${quoteText(target)}
  AND epoch_ms(committed_at) >= ${fromMs} AND epoch_ms(committed_at) < ${toMs} GROUP BY period`,
    ),
  );
  const found = new Map(rows.map((row) => [Number(row.period) * lengthMs, row]));
  return jsonAnswer(200, {
    target,
    by,
    from: isoOf(fromMs),
    to: isoOf(toMs),
    periods: beginningsOf(periods).map((beginMs) => periodJson(beginMs, found.get(beginMs))),
  });
}

/** Without a batch nobody knows how long files waited: they may wait still. */
function periodJson(beginMs: number, row: Record<string, string | null> | undefined): Json {
  const number = (name: string) => Number(row?.[name] ?? 0);
  const maybe = (name: string) => row?.[name] === undefined || row[name] === null ? null : number(name);
  return {
    at: isoOf(beginMs),
    batches: number("batches"),
    ...Object.fromEntries(Object.entries(SUMS).map(([name, column]) => [name, number(column)])),
    superseded: maybe("superseded"),
    lagMs: maybe("lag_ms"),
  };
}
