import type { Clock } from "../base/clock.ts";
import { isKind } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { early, mapParallel } from "../base/parallel.ts";
import type { Meter } from "../base/meter.ts";
import { setProperties } from "../iceberg/action/set_properties.ts";
import { type Catalog, identifierText, type LoadedTable } from "../iceberg/catalog/catalog.ts";
import { commitTable } from "../iceberg/commit.ts";
import { schemaFromJson } from "../iceberg/format/schema.ts";
import { batchSummary } from "../lake/batch_history.ts";
import { type KeptRules, rulesProperty } from "../lake/batch_rules.ts";
import { dedupeProperty, type DedupeRule } from "../lake/dedupe_rule.ts";
import { streamlabKey } from "../lake/keys.ts";
import type { TableMetadata } from "../iceberg/format/table_metadata.ts";
import type { Transaction } from "../iceberg/transaction.ts";
import type { RoutedBatch } from "../lake/routed_batch.ts";
import { checkSequence, markerOf, type TargetTables } from "../lake/target.ts";
import { type TableRole } from "../lake/table_names.ts";
import { type BatchFacts, batchRecord } from "./batch_report.ts";
import type { CommitRider } from "./between_batches.ts";
import { type BatchRowsContext, rowsOf } from "./batch_rows.ts";
import { fitSchema } from "./schema_fit.ts";

export interface CommitContext extends BatchRowsContext {
  catalog: Catalog;
  clock: Clock;
  meter: Meter;
  /** For the batch's record in the ledger's snapshot. */
  facts: BatchFacts;
  /** What it was deduplicated by. */
  dedupe?: DedupeRule | undefined;
  /** What it was judged by; undefined where it has no files. */
  rules?: KeptRules | undefined;
  /** Makes one for each commit. */
  newRider?: (() => CommitRider) | undefined;
}

/** What the commits are called where steps are timed. */
const STEPS = { events: "commitEvents", deadLetters: "commitDeadLetters", ledger: "commitLedger" } as const;

/**
 * Commits a routed batch: events and dead letters and, last, the ledger, whose marker says that the
 * batch is done. A table whose metadata says that it has the batch is skipped, so any process may
 * repeat this after any crash. Returns the tables as they are then.
 */
export async function commitBatch(
  context: CommitContext,
  tables: TargetTables,
  routed: RoutedBatch,
): Promise<TargetTables> {
  const commit = (role: TableRole, after?: Promise<unknown>) => commitTo(context, tables[role], role, routed, after);
  const { meter } = context;
  const timed = (role: "events" | "deadLetters", after?: Promise<unknown>) =>
    meter.time(STEPS[role], () => commit(role, after));
  // No letter goes before its event is there: a record that is in neither table looks lost. One
  // that a reingest finds to be a letter after all is in neither, until the second commit.
  const events = early(timed("events"));
  const others = mapParallel(["events", "deadLetters"] as const, 2, (role) => {
    return role === "events" ? events : timed(role, context.removals && events);
  });
  // The files of the ledger's commit are written meanwhile; its time counts from the end of the
  // others.
  const ledgerCommit = early(commit("ledger", others));
  const last = others.then(() => meter.time(STEPS.ledger, () => ledgerCommit));
  const outcomes = [others, last, ledgerCommit] as const;
  await Promise.allSettled(outcomes);
  const [[newEvents, deadLetters], , ledger] = await Promise.all(outcomes);
  return { events: newEvents!, deadLetters: deadLetters!, ledger };
}

async function commitTo(
  context: CommitContext,
  table: LoadedTable,
  role: TableRole,
  routed: RoutedBatch,
  after: Promise<unknown> | undefined,
): Promise<LoadedTable> {
  const part = routed[role];
  const tombstones = role === "events" ? routed.tombstones : undefined;
  // The ledger's marker moves with every batch. Another table without new rows needs no commit.
  const removal = context.removals?.[role];
  const added = part.files.length + (tombstones?.files.length ?? 0);
  if (added === 0 && role !== "ledger" && removal === undefined) return table;
  const { target, clock, random } = context;
  const name = identifierText(table.identifier);
  const batchId = BigInt(routed.batchId);
  const marker = {
    [streamlabKey.sequenceId(target)]: routed.sequenceId,
    [streamlabKey.batchId(target)]: routed.batchId.toString(),
  };
  const written = { schema: schemaFromJson(part.schema as Json), lastColumnIdBefore: part.lastColumnIdBefore };
  const rows = rowsOf(context, table, role, routed);
  const lacks = (metadata: TableMetadata) => {
    const known = markerOf(metadata, target);
    checkSequence(name, known, routed.sequenceId, `batch ${routed.batchId} of ${target}`);
    return known.batchId < batchId;
  };
  // Files take their time, and the commit's is limited: they are made before it begins. Where those
  // of this version are gone, the commit finds that out, and goes on with the newest one.
  if (lacks(table.metadata)) {
    await rows.prepare(table, fitSchema(name, table.metadata, written)).catch((error) => {
      if (!isKind(error, "not-found")) throw error;
    });
  }
  let tries = 0;
  const rider = context.newRider?.();
  const { table: newest, committed } = await commitTable(
    context.catalog,
    table.identifier,
    async (transaction: Transaction) => {
      if (tries++ > 0) context.meter.count("conflicts");
      const { metadata } = transaction;
      if (!lacks(metadata)) return false;
      await rider?.stage(transaction);
      const fit = fitSchema(name, metadata, written);
      await rows.prepare(transaction.base, fit);
      transaction.add(fit.change);
      await rows.stage(transaction, fit, marker);
      const rules = role === "ledger" ? histories(context, metadata.properties, routed.batchId) : {};
      const taken = removal === undefined ? {} : { [streamlabKey.replayed(target)]: routed.batchId.toString() };
      transaction.add(setProperties({ ...marker, ...rules, ...taken }));
      return true;
    },
    { clock, random, base: table, lostAs: "unavailable", after, ...lastWords(context, role, routed) },
  );
  await rider?.settle(committed);
  return newest;
}

/** By which rules batches were made, for the ledger's properties. */
function histories(
  { target, dedupe, rules }: CommitContext,
  properties: TableMetadata["properties"],
  batchId: number,
): Record<string, string> {
  return {
    ...dedupeProperty(properties, target, batchId, dedupe),
    ...rulesProperty(properties, target, batchId, rules),
  };
}

/** The ledger's snapshot tells what the batch did. It is the last, so it knows of the others. */
function lastWords({ meter, clock, facts, target }: CommitContext, role: TableRole, routed: RoutedBatch) {
  if (role !== "ledger") return {};
  return { lastWords: () => batchSummary(batchRecord(target, routed, facts, meter.read(), clock.nowMs())) };
}
