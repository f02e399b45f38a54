import type { Json } from "../../base/json.ts";
import { quoteName, quoteText } from "../../engine/duckdb.ts";
import { identifierText } from "../../iceberg/catalog/catalog.ts";
import { type BatchRecord, lagOf } from "../../lake/batch_history.ts";
import { LEDGER_COLUMNS } from "../../lake/our_columns.ts";
import { LEDGER } from "../../lake/table_names.ts";
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

/**
 * Before batch `before`. What each batch did is told by the ledger's snapshots and, of older ones,
 * by the lake's history; SQL is asked only where some were never told of.
 */
export async function batchesJson(call: ConsoleCall, target: string, limit: number, before?: bigint): Promise<Json> {
  const { state } = await call.parts.watch.glance();
  const status = state?.ingestion.find(({ table }) => table === target);
  const recent = (await call.parts.batches.recent()).filter(({ table }) => table === target);
  if (status === undefined && recent.length === 0) {
    throw new HttpRefusal(404, "NoSuchTargetException", `There is no target ${target}`);
  }
  const newest = Math.max(Number(status?.lastBatch?.batchId ?? 0n), recent[0]?.batchId ?? 0);
  const last = before === undefined ? newest : Math.min(newest, Number(before) - 1);
  // One more, for the rate of the oldest.
  const first = Math.max(1, last - limit);
  const told = await toldBatches(call, target, first, last, recent);
  const isWhole = told.size === last - first + 1 || last <= 0;
  const found = isWhole ? [...told.values()].map(toldBatch) : await askedBatches(call, target, first, last, told);
  found.sort((a, b) => b.batchId - a.batchId);
  return { target, batches: found.slice(0, limit).map((batch, index) => batchJson(batch, found[index + 1])) };
}

type Told = ReadonlyMap<number, BatchRecord>;

async function toldBatches(
  { parts }: ConsoleCall,
  target: string,
  first: number,
  last: number,
  recent: readonly BatchRecord[],
): Promise<Told> {
  const told = new Map<number, BatchRecord>();
  const add = (records: readonly BatchRecord[]) => {
    for (const record of records) {
      if (record.batchId >= first && record.batchId <= last) told.set(record.batchId, record);
    }
  };
  add(recent);
  const count = last - first + 1;
  if (told.size < count) add(await parts.history.batches.newest(target, { count, from: first, to: last }));
  return told;
}

function toldBatch({ changed, vanished, reasons, ...record }: BatchRecord): Batch {
  return {
    ...record,
    landedMs: record.landedMs ?? null,
    reasons: reasons ?? null,
    superseded: record.superseded ?? null,
    replayed: record.replayed ?? null,
    reingested: record.reingested ?? null,
    filesLeftOut: changed + vanished,
  };
}

/** All of the ledger's, also those that no record tells of; the bound spares its older files. */
async function askedBatches(
  call: ConsoleCall,
  target: string,
  first: number,
  last: number,
  told: Told,
): Promise<Batch[]> {
  const { table, batchId, status, size, records, events, deadLetters, duplicates, ingestedAt } = LEDGER_COLUMNS;
  // What a replay took away is no letter of its batch, and its files are not read; what a reingest
  // took away was of earlier ones.
  const sums = [
    `coalesce(sum(${size}) FILTER (${status} = 'ingested'), 0) AS ${size}`,
    ...[records, events, deadLetters, duplicates].map((name) => {
      return `greatest(coalesce(sum(${name}) FILTER (${status} <> 'reingested'), 0), 0) AS ${name}`;
    }),
  ].join(", ");
  const wanted = `${quoteName(table)} = ${quoteText(target)} AND ${batchId} BETWEEN ${first} AND ${last}`;
  const rows = objectsOf(
    await call.askAbout(
      [LEDGER],
      `SELECT ${batchId}, epoch_ms(max(${ingestedAt})) AS at, count(*) FILTER (${status} = 'ingested') AS files,
  count(*) FILTER (${status} IN ('changed', 'vanished')) AS left_out, ${sums}
FROM ${identifierText(LEDGER)} WHERE ${wanted} GROUP BY ${batchId}`,
    ),
  );
  return rows.map((row) => {
    const number = (name: string) => Number(row[name]);
    const record = told.get(number(batchId));
    return {
      batchId: number(batchId),
      plannedMs: record?.plannedMs ?? null,
      routedMs: record?.routedMs ?? null,
      committedMs: record?.committedMs ?? number("at"),
      landedMs: record?.landedMs ?? null,
      steps: record?.steps ?? null,
      files: number("files"),
      filesLeftOut: number("left_out"),
      bytes: number(size),
      records: number(records),
      events: number(events),
      deadLetters: number(deadLetters),
      reasons: record?.reasons ?? null,
      duplicates: number(duplicates),
      superseded: record?.superseded ?? null,
      replayed: record?.replayed ?? null,
      reingested: record?.reingested ?? null,
      engine: record?.engine ?? null,
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
