import type { Clock } from "../base/clock.ts";
import { StreamlabError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { early, mapParallel } from "../base/parallel.ts";
import type { Meter } from "../base/meter.ts";
import type { Random } from "../base/random.ts";
import { appendFiles } from "../iceberg/action/append_files.ts";
import { setProperties } from "../iceberg/action/set_properties.ts";
import { type Catalog, identifierText, type LoadedTable, type TableChange } from "../iceberg/catalog/catalog.ts";
import { commitTable } from "../iceberg/commit.ts";
import { partitionColumns } from "../iceberg/format/partition_spec.ts";
import { fieldsById, sameSchema, type Schema, schemaFromJson } from "../iceberg/format/schema.ts";
import { batchSummary } from "../lake/batch_history.ts";
import { dedupeProperty, type DedupeRule } from "../lake/dedupe_rule.ts";
import { streamlabKey } from "../lake/keys.ts";
import { currentSchema, specById, type TableMetadata } from "../iceberg/format/table_metadata.ts";
import { LAST_ADDED } from "../iceberg/format/table_update.ts";
import type { Transaction } from "../iceberg/transaction.ts";
import { dataFileOf } from "../tables/write/data_file.ts";
import type { RoutedBatch, RoutedTable } from "../lake/routed_batch.ts";
import { checkSequence, markerOf, type TargetTables } from "../lake/target.ts";
import { type TableRole } from "../lake/table_names.ts";
import { type BatchFacts, batchRecord } from "./batch_report.ts";
import type { CommitRider } from "./between_batches.ts";

export interface CommitContext {
  catalog: Catalog;
  clock: Clock;
  random: Random;
  meter: Meter;
  /** The target's name, `bronze.events`. */
  target: string;
  /** For the batch's record in the ledger's snapshot. */
  facts: BatchFacts;
  /** What it was deduplicated by. */
  dedupe?: DedupeRule | undefined;
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
  const others = mapParallel(["events", "deadLetters"] as const, 2, (role) => {
    return meter.time(STEPS[role], () => commit(role));
  });
  // The files of the ledger's commit are written meanwhile; its time counts from the end of the
  // others.
  const ledgerCommit = early(commit("ledger", others));
  const last = others.then(() => meter.time(STEPS.ledger, () => ledgerCommit));
  const outcomes = [others, last, ledgerCommit] as const;
  await Promise.allSettled(outcomes);
  const [[events, deadLetters], , ledger] = await Promise.all(outcomes);
  return { events: events!, deadLetters: deadLetters!, ledger };
}

async function commitTo(
  context: CommitContext,
  table: LoadedTable,
  role: TableRole,
  routed: RoutedBatch,
  after: Promise<unknown> | undefined,
): Promise<LoadedTable> {
  const part = routed[role];
  // The ledger's marker moves with every batch. Another table without new rows needs no commit.
  if (part.files.length === 0 && role !== "ledger") return table;
  const { target, clock, random } = context;
  const name = identifierText(table.identifier);
  const batchId = BigInt(routed.batchId);
  const marker = {
    [streamlabKey.sequenceId(target)]: routed.sequenceId,
    [streamlabKey.batchId(target)]: routed.batchId.toString(),
  };
  const schema = schemaFromJson(part.schema as Json);
  const append = { files: dataFiles(table, part, schema), summary: marker };
  let tries = 0;
  const rider = context.newRider?.();
  const { table: newest, committed } = await commitTable(
    context.catalog,
    table.identifier,
    async (transaction: Transaction) => {
      if (tries++ > 0) context.meter.count("conflicts");
      const { metadata } = transaction;
      const known = markerOf(metadata, target);
      checkSequence(name, known, routed.sequenceId, `batch ${routed.batchId} of ${target}`);
      if (known.batchId >= batchId) return false;
      await rider?.stage(transaction);
      transaction.add(schemaChange(name, metadata, part, schema));
      transaction.add(await appendFiles(transaction, append));
      const rule = role === "ledger" ? dedupeProperty(metadata.properties, target, routed.batchId, context.dedupe) : {};
      transaction.add(setProperties({ ...marker, ...rule }));
      return true;
    },
    { clock, random, base: table, lostAs: "unavailable", after, ...lastWords(context, role, routed) },
  );
  await rider?.settle(committed);
  return newest;
}

/** The ledger's snapshot tells what the batch did. It is the last, so it knows of the others. */
function lastWords({ meter, clock, facts, target }: CommitContext, role: TableRole, routed: RoutedBatch) {
  if (role !== "ledger") return {};
  return { lastWords: () => batchSummary(batchRecord(target, routed, facts, meter.read(), clock.nowMs())) };
}

function dataFiles(table: LoadedTable, part: RoutedTable, schema: Schema) {
  const { metadata, io } = table;
  const partition = partitionColumns(specById(metadata, part.specId), [...metadata.schemas, schema]);
  return part.files.map((file) => {
    const { path, records, size, ...rest } = file;
    const written = {
      ...rest,
      records: BigInt(records),
      size: BigInt(size),
      columns: file.columns.map(({ size, values, nulls, hasNan, path, ...bounds }) => ({
        path,
        hasNan,
        size: BigInt(size),
        values: BigInt(values),
        nulls: BigInt(nulls),
        min: bounds.min,
        max: bounds.max,
      })),
    };
    return dataFileOf(written, { uri: io.location.uriOf(path), specId: part.specId, partition }, schema);
  });
}

/** Gives the table the schema that the files were written with, unless it already has all of it. */
function schemaChange(name: string, metadata: TableMetadata, part: RoutedTable, schema: Schema): TableChange {
  const current = currentSchema(metadata);
  if (sameSchema(current, schema) || holds(current, schema)) return { requirements: [], updates: [] };
  if (metadata.lastColumnId !== part.lastColumnIdBefore) {
    throw new StreamlabError(
      "conflict",
      `Cannot commit to ${name}: its columns were changed while the batch was routed`,
      {
        hint: "Another program gave new columns the ids that this batch was written with; ask for help before going on",
      },
    );
  }
  return {
    requirements: [{ type: "assert-last-assigned-field-id", lastAssignedFieldId: part.lastColumnIdBefore }],
    updates: [{ action: "add-schema", schema }, { action: "set-current-schema", schemaId: LAST_ADDED }],
  };
}

/**
 * Whether rows of `schema` fit a table of `current`: each field is there under its id, and required
 * only where it is in both.
 */
function holds(current: Schema, schema: Schema): boolean {
  const fields = fieldsById(current);
  return [...fieldsById(schema)].every(([id, { field }]) => {
    const there = fields.get(id)?.field;
    return there !== undefined && there.name === field.name && there.type.type === field.type.type &&
      (field.required || !there.required);
  });
}
