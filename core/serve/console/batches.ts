import type { Json } from "../../base/json.ts";
import { quoteName, quoteText } from "../../engine/duckdb.ts";
import { identifierText } from "../../iceberg/catalog/catalog.ts";
import { LEDGER_COLUMNS } from "../../lake/our_columns.ts";
import { LEDGER } from "../../lake/table_names.ts";
import { jsonAnswer } from "../answer.ts";
import { HttpRefusal } from "../http_refusal.ts";
import { type ConsoleCall, isoOf, objectsOf } from "./console_call.ts";

const BATCHES_MAX = 1_000;

/** The last batches of a target, the newest first, with the rate since the batch before. */
export async function listBatches(call: ConsoleCall): Promise<Response> {
  const target = call.required("target");
  const limit = Math.max(1, call.count("limit", 60, BATCHES_MAX));
  const { state } = await call.parts.watch.look();
  const status = state?.ingestion.find(({ table }) => table === target);
  if (status === undefined) throw new HttpRefusal(404, "NoSuchTargetException", `There is no target ${target}`);
  if (status.lastBatch === undefined) return jsonAnswer(200, { target, batches: [] });
  // One more, for the rate of the oldest; the bound spares all older files of the ledger.
  const found = objectsOf(await call.ask(batchesSql(target, status.lastBatch.batchId, limit + 1)));
  return jsonAnswer(200, {
    target,
    batches: found.slice(0, limit).map((row, index) => batchJson(row, found[index + 1])),
  });
}

function batchesSql(target: string, last: bigint, limit: number): string {
  const { table, batchId, status, size, records, events, deadLetters, duplicates, ingestedAt } = LEDGER_COLUMNS;
  const sums = [size, records, events, deadLetters, duplicates].map((name) => `sum(${name}) AS ${name}`).join(", ");
  return `SELECT ${batchId}, epoch_ms(max(${ingestedAt})) AS at, count(*) FILTER (${status} = 'ingested') AS files,
  count(*) FILTER (${status} <> 'ingested') AS left_out, ${sums}
FROM ${identifierText(LEDGER)} WHERE ${quoteName(table)} = ${quoteText(target)} AND ${batchId} > ${last - BigInt(limit)}
GROUP BY ${batchId} ORDER BY ${batchId} DESC`;
}

type Row = Record<string, string | null>;

function batchJson(row: Row, before: Row | undefined): Json {
  const number = (name: string) => Number(row[name]);
  const seconds = before === undefined ? undefined : (number("at") - Number(before.at)) / 1_000;
  return {
    batchId: row[LEDGER_COLUMNS.batchId]!,
    ingestedAt: isoOf(number("at")),
    files: number("files"),
    filesLeftOut: number("left_out"),
    bytes: number(LEDGER_COLUMNS.size),
    records: number(LEDGER_COLUMNS.records),
    events: number(LEDGER_COLUMNS.events),
    deadLetters: number(LEDGER_COLUMNS.deadLetters),
    duplicates: number(LEDGER_COLUMNS.duplicates),
    secondsSinceBatchBefore: seconds ?? null,
    eventsPerSecond: seconds === undefined || seconds <= 0 ? null : number(LEDGER_COLUMNS.events) / seconds,
  };
}
