import type { Json } from "../../base/json.ts";
import { quoteName, quoteText } from "../../engine/duckdb.ts";
import { identifierText } from "../../iceberg/catalog/catalog.ts";
import { type BatchRecord, lagOf } from "../../lake/batch_history.ts";
import { LEDGER_COLUMNS } from "../../lake/our_columns.ts";
import { HISTORY_VIEWS, LEDGER } from "../../lake/table_names.ts";
import { jsonAnswer } from "../answer.ts";
import { HttpRefusal } from "../http_refusal.ts";
import { type ConsoleCall, isoOf, objectsOf } from "./console_call.ts";

export const BATCHES_DEFAULT = 60;
const BATCHES_MAX = 1_000;

/** One that an older streamlab committed tells less: it is null. */
interface Batch {
  batchId: number;
  plannedMs: number | null;
  routedMs: number | null;
  committedMs: number;
  /** When the oldest of its files landed. */
  landedMs: number | null;
  /** Milliseconds by step; they overlap. */
  steps: Record<string, number> | null;
  files: number;
  filesLeftOut: number;
  bytes: number;
  records: number;
  events: number;
  deadLetters: number;
  reasons: Record<string, number> | null;
  duplicates: number;
  /** With upserts: records that are no row. */
  superseded: number | null;
  /** Dead letters that it judged again. */
  replayed: number | null;
  /** Files that it ingested again. */
  reingested: number | null;
  engine: string | null;
}

/** Batches of a target, the newest first, with the rate since the batch before. */
export async function listBatches(call: ConsoleCall): Promise<Response> {
  const target = call.required("target");
  const limit = Math.max(1, call.count("limit", BATCHES_DEFAULT, BATCHES_MAX));
  const before = call.wholeNumber("before");
  return jsonAnswer(200, await batchesJson(call, target, limit, before));
}

/** Before batch `before`. The last ones come from the ledger's snapshots, without a question. */
export async function batchesJson(call: ConsoleCall, target: string, limit: number, before?: bigint): Promise<Json> {
  const { state } = await call.parts.watch.look();
  const status = state?.ingestion.find(({ table }) => table === target);
  const recent = before === undefined ? await recentBatches(call, target) : [];
  if (status === undefined && recent.length === 0) {
    throw new HttpRefusal(404, "NoSuchTargetException", `There is no target ${target}`);
  }
  // One more, for the rate of the oldest.
  const isEnough = recent.length > limit || recent.at(-1)?.batchId === 1;
  const last = before === undefined ? Number(status?.lastBatch?.batchId ?? 0n) : Number(before) - 1;
  const found = isEnough || last <= 0 ? recent : await askedBatches(call, target, last, limit + 1);
  return { target, batches: found.slice(0, limit).map((batch, index) => batchJson(batch, found[index + 1])) };
}

async function recentBatches(call: ConsoleCall, target: string): Promise<Batch[]> {
  const records = (await call.parts.batches.recent()).filter(({ table }) => table === target);
  return records.map(({ changed, vanished, reasons, ...record }: BatchRecord) => ({
    ...record,
    landedMs: record.landedMs ?? null,
    reasons: reasons ?? null,
    superseded: record.superseded ?? null,
    replayed: record.replayed ?? null,
    reingested: record.reingested ?? null,
    filesLeftOut: changed + vanished,
  }));
}

/** All of the ledger's, also those that no record tells of; the bound spares its older files. */
async function askedBatches(call: ConsoleCall, target: string, last: number, limit: number): Promise<Batch[]> {
  const { table, batchId, status, size, records, events, deadLetters, duplicates, ingestedAt } = LEDGER_COLUMNS;
  // What a replay took away is no letter of its batch, and its files are not read; what a reingest
  // took away was of earlier ones.
  const sums = [
    `coalesce(sum(${size}) FILTER (${status} = 'ingested'), 0) AS ${size}`,
    ...[records, events, deadLetters, duplicates].map((name) => {
      return `greatest(coalesce(sum(${name}) FILTER (${status} <> 'reingested'), 0), 0) AS ${name}`;
    }),
  ].join(", ");
  const wanted = `${quoteName(table)} = ${quoteText(target)} AND ${batchId} BETWEEN ${last - limit + 1} AND ${last}`;
  const rows = objectsOf(
    await call.askAbout(
      [LEDGER],
      `WITH ledger AS (SELECT ${batchId}, epoch_ms(max(${ingestedAt})) AS at,
  count(*) FILTER (${status} = 'ingested') AS files, count(*) FILTER (${status} IN ('changed', 'vanished')) AS left_out, ${sums}
  FROM ${identifierText(LEDGER)} WHERE ${wanted} GROUP BY ${batchId}),
told AS (SELECT ${batchId}, epoch_ms(planned_at) AS planned, epoch_ms(routed_at) AS routed,
  epoch_ms(committed_at) AS committed, seconds::JSON AS seconds, dead_letters_by_reason::JSON AS reasons,
  epoch_ms(landed_at) AS landed, superseded, replayed, reingested, engine
  FROM ${HISTORY_VIEWS.batches} WHERE ${wanted})
SELECT ledger.*, told.* EXCLUDE (${batchId})
FROM ledger LEFT JOIN told USING (${batchId}) ORDER BY ${batchId} DESC`,
    ),
  );
  return rows.map((row) => {
    const number = (name: string) => Number(row[name]);
    const maybe = (name: string) => row[name] === null ? null : number(name);
    const map = (name: string) => row[name] === null ? null : JSON.parse(row[name]!) as Record<string, number>;
    const seconds = map("seconds");
    return {
      batchId: number(batchId),
      plannedMs: maybe("planned"),
      routedMs: maybe("routed"),
      committedMs: maybe("committed") ?? number("at"),
      landedMs: maybe("landed"),
      steps: seconds && Object.fromEntries(Object.entries(seconds).map(([step, value]) => [step, value * 1_000])),
      files: number("files"),
      filesLeftOut: number("left_out"),
      bytes: number(size),
      records: number(records),
      events: number(events),
      deadLetters: number(deadLetters),
      reasons: map("reasons"),
      duplicates: number(duplicates),
      superseded: maybe("superseded"),
      replayed: maybe("replayed"),
      reingested: maybe("reingested"),
      engine: row.engine ?? null,
    };
  });
}

function batchJson(batch: Batch, before: Batch | undefined): Json {
  const { plannedMs, routedMs, committedMs, landedMs, steps, reasons } = batch;
  const sinceBefore = before === undefined ? null : (committedMs - before.committedMs) / 1_000;
  return {
    batchId: batch.batchId,
    plannedAt: isoOf(plannedMs ?? undefined),
    routedAt: isoOf(routedMs ?? undefined),
    committedAt: isoOf(committedMs),
    landedAt: isoOf(landedMs ?? undefined),
    lagMs: lagOf(landedMs ?? undefined, committedMs) ?? null,
    seconds: steps && Object.fromEntries(Object.entries(steps).map(([step, ms]) => [step, Math.round(ms) / 1_000])),
    files: batch.files,
    filesLeftOut: batch.filesLeftOut,
    bytes: batch.bytes,
    records: batch.records,
    events: batch.events,
    deadLetters: batch.deadLetters,
    deadLettersByReason: reasons,
    duplicates: batch.duplicates,
    superseded: batch.superseded,
    replayed: batch.replayed,
    reingested: batch.reingested,
    engine: batch.engine,
    secondsSinceBatchBefore: sinceBefore,
    eventsPerSecond: sinceBefore === null || sinceBefore <= 0 ? null : batch.events / sinceBefore,
  };
}
