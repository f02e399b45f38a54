import { counted } from "../../base/counted.ts";
import { StreamlabError } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import type { Meter } from "../../base/meter.ts";
import type { Contract } from "../../contract/contract.ts";
import { Scratch } from "../../disk/scratch.ts";
import type { BatchPlan, ReplayedFile } from "../../lake/batch_plan.ts";
import { batchStem } from "../../lake/data_file_name.ts";
import type { FileOutcome, RoutedBatch } from "../../lake/routed_batch.ts";
import { taskTable } from "../../lake/routing_task.ts";
import type { PlannedTables, TargetTables } from "../../lake/target.ts";
import { placeLedger } from "../ledger_rows.ts";
import { placeRoutedFiles } from "../place_routed_files.ts";
import { planTask } from "../plan_task.ts";
import type { ReadUnit } from "../reader/reading.ts";
import { type ReadFiles, readFrames } from "../reader/read_files.ts";
import type { RoutingEngine } from "../routing_engine.ts";
import { frameLetters } from "./letter_frames.ts";

export interface LetterRouting {
  engine: RoutingEngine;
  /** For the batch alone. */
  scratch: Scratch;
  meter: Meter;
  attempt: string;
  ingestedAtMicros: bigint;
}

export interface RoutedLetters {
  routed: RoutedBatch;
  /** Dead letters by reason. */
  reasons: Readonly<Record<string, number>>;
}

/** Judges planned letters again, by the plan's contract: the data files of a batch, placed. */
export async function routeLetters(
  plan: BatchPlan,
  files: readonly ReplayedFile[],
  tables: TargetTables,
  routing: LetterRouting,
): Promise<RoutedLetters> {
  const { engine, scratch, meter } = routing;
  const connection = await engine.connect();
  try {
    const { units, positions } = await frameLetters({ connection, scratch, table: tables.deadLetters, files });
    const { read, planned } = await meter.time("route", () => judge(plan, tables, units, routing));
    checkRows(read, positions, plan);
    const found = files.map((file, number) => ({ ...file, positions: positions[number]! }));
    const routed = await meter.time("place", () => place(plan, found, tables, routing, { read, planned }));
    return { routed, reasons: Object.fromEntries(read.reasons) };
  } finally {
    connection.close();
  }
}

/** Each letter that goes has a row that comes. */
function checkRows({ events, deadLetters }: ReadFiles, positions: readonly number[][], plan: BatchPlan): void {
  const sum = (written: readonly { records: bigint }[]) => written.reduce((total, { records }) => total + records, 0n);
  const rows = sum(events.written) + sum(deadLetters.written);
  const letters = positions.reduce((total, { length }) => total + BigInt(length), 0n);
  if (rows === letters) return;
  throw new StreamlabError(
    "internal",
    `Cannot route batch ${plan.batchId}: of ${counted(Number(letters), "dead letter")} came ${
      counted(Number(rows), "row")
    }`,
  );
}

interface Judged {
  read: ReadFiles;
  planned: PlannedTables;
}

async function judge(
  { contract: text, options, batchId }: BatchPlan,
  tables: TargetTables,
  units: readonly ReadUnit[],
  { engine, scratch, meter, ingestedAtMicros }: LetterRouting,
): Promise<Judged> {
  const task = {
    contract: text,
    options,
    events: taskTable(tables.events),
    deadLetters: taskTable(tables.deadLetters),
  };
  const { contract, tables: planned, widen, room } = planTask(task);
  let latest = planned;
  const read = await readFrames(units, {
    connect: () => engine.connect(),
    limits: engine.limits,
    readers: engine.readers,
    judgesAll: engine.judgesAll,
    meter,
    scratch,
    contract,
    onExtraFields: options.onExtraFields,
    onWrongType: options.onWrongType,
    room,
    batchId: BigInt(batchId),
    ingestedAtMicros,
    tablesFor: (wanted: Contract) => latest = wanted === contract ? planned : widen(wanted),
  });
  return { read, planned: latest };
}

async function place(
  plan: BatchPlan,
  files: readonly ReplayedFile[],
  tables: TargetTables,
  { engine, scratch, attempt, ingestedAtMicros }: LetterRouting,
  { read, planned }: Judged,
): Promise<RoutedBatch> {
  const stem = batchStem(plan.batchId, attempt);
  const outcomes = files.map((file, number) => outcomeOf(file, read.tallies.get(number)));
  const placing = [
    ...(["events", "deadLetters"] as const).map((role) => () =>
      placeRoutedFiles(tables[role].io.location.store, planned[role], read[role].written, stem)
    ),
    () => placeLedger(engine.readers.own, scratch, tables.ledger, { plan, outcomes, ingestedAtMicros, attempt }),
  ];
  const [events, deadLetters, ledger] = await mapParallel(placing, placing.length, (place) => place());
  return {
    format: 2,
    sequenceId: plan.sequenceId,
    batchId: plan.batchId,
    attempt,
    ingestedAtMicros: ingestedAtMicros.toString(),
    events: events!,
    deadLetters: deadLetters!,
    ledger: ledger!,
    files: outcomes,
    replayed: files.map(({ name, batchId, positions }) => ({ name, batchId, positions })),
  };
}

/** In the ledger's sums of a file what was a letter is an event from now on. */
function outcomeOf(
  { name, etag, size }: ReplayedFile,
  { events }: { events: number } = { events: 0 },
): FileOutcome {
  const moved = events === 0 ? 0 : -events;
  return { name, etag, size, status: "replayed", records: 0, events, deadLetters: moved, duplicates: 0 };
}
