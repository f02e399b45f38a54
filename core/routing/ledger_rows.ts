import type { Scratch } from "../disk/scratch.ts";
import type { WrittenFile } from "../engine/copy.ts";
import type { LoadedTable } from "../iceberg/catalog/catalog.ts";
import { type PartitionColumn, partitionColumns } from "../iceberg/format/partition_spec.ts";
import type { Value } from "../iceberg/format/single_value.ts";
import { applyTransform } from "../iceberg/format/transform.ts";
import type { BatchPlan } from "../lake/batch_plan.ts";
import { batchStem } from "../lake/data_file_name.ts";
import { LEDGER_COLUMNS } from "../lake/our_columns.ts";
import type { FileOutcome, RoutedTable } from "../lake/routed_batch.ts";
import { plannedLedger, type PlannedTable } from "../lake/target.ts";
import { ParquetSchema } from "../tables/write/parquet/parquet_schema.ts";
import { PartitionedFiles } from "../tables/write/parquet/partitioned_files.ts";
import { partitionText } from "../tables/write/partition_text.ts";
import { fileBytesTarget } from "../tables/write/target_table.ts";
import { placeRoutedFiles } from "./place_routed_files.ts";
import { GROUP_ROWS } from "./memory_shares.ts";
import type { ReaderInstance } from "./reader/reader_instance.ts";
import { ValueEncoder } from "./reader/value_encoder.ts";

export interface LedgerBatch {
  plan: BatchPlan;
  outcomes: readonly FileOutcome[];
  ingestedAtMicros: bigint;
  /** In the file's name. */
  attempt: string;
}

/** Writes the ledger's rows of a batch as data files, durably; nothing names them yet. */
export async function placeLedger(
  reader: ReaderInstance,
  scratch: Scratch,
  table: LoadedTable,
  batch: LedgerBatch,
): Promise<RoutedTable> {
  const planned = plannedLedger(table, { superseded: batch.plan.options.upsert !== undefined });
  const written = writeLedgerRows(reader, scratch.subfolder("ledger"), planned, batch);
  const stem = batchStem(batch.plan.batchId, batch.attempt);
  return await placeRoutedFiles(table.io.location.store, planned, written, stem);
}

type Column = (outcome: FileOutcome, batch: LedgerBatch) => Value;

const COLUMNS: Readonly<Record<string, Column>> = {
  [LEDGER_COLUMNS.table]: (_outcome, { plan }) => plan.table,
  [LEDGER_COLUMNS.sourceFile]: ({ name }) => name,
  [LEDGER_COLUMNS.etag]: ({ etag }) => etag,
  [LEDGER_COLUMNS.size]: ({ size }) => BigInt(size),
  [LEDGER_COLUMNS.batchId]: (_outcome, { plan }) => BigInt(plan.batchId),
  [LEDGER_COLUMNS.records]: ({ records }) => BigInt(records),
  [LEDGER_COLUMNS.events]: ({ events }) => BigInt(events),
  [LEDGER_COLUMNS.deadLetters]: ({ deadLetters }) => BigInt(deadLetters),
  [LEDGER_COLUMNS.duplicates]: ({ duplicates }) => BigInt(duplicates),
  [LEDGER_COLUMNS.superseded]: ({ superseded }) => BigInt(superseded ?? 0),
  [LEDGER_COLUMNS.status]: ({ status }) => status,
  [LEDGER_COLUMNS.ingestedAt]: (_outcome, { ingestedAtMicros }) => ingestedAtMicros,
};

function writeLedgerRows(
  reader: ReaderInstance,
  folder: string,
  ledger: PlannedTable,
  batch: LedgerBatch,
): WrittenFile[] {
  const encoder = new ValueEncoder(reader, ledger.properties);
  let made = 0;
  const files = new PartitionedFiles({
    schema: new ParquetSchema(ledger.written.filter(({ name }) => Object.hasOwn(COLUMNS, name))),
    nextPath: () => `${folder}/${made++}.parquet`,
    fileBytesTarget: fileBytesTarget(ledger),
  });
  try {
    for (const [key, outcomes] of byPartition(ledger, batch)) {
      for (let from = 0; from < outcomes.length; from += GROUP_ROWS) {
        const rows = outcomes.slice(from, from + GROUP_ROWS);
        files.writeRowGroup(key, JSON.parse(key), rows.length, (leaf) => {
          const column = COLUMNS[leaf.names[0]!]!;
          const values = rows.map((outcome) => column(outcome, batch));
          return encoder.encode(leaf, {
            definitions: values.map(() => leaf.maxDefinition),
            repetitions: [],
            values,
          });
        });
      }
    }
    return files.finish();
  } finally {
    files.abandon();
  }
}

/** By the printed values of the partition, as JSON: the ledger is made without, others may add. */
function byPartition(ledger: PlannedTable, batch: LedgerBatch): Map<string, FileOutcome[]> {
  const valueOf = partitionColumns(ledger.spec, [ledger.schema]).map((part) => partitionOf(part, ledger));
  return Map.groupBy(batch.outcomes, (outcome) => JSON.stringify(valueOf.map((value) => value(outcome, batch))));
}

function partitionOf(
  part: PartitionColumn,
  { schema }: PlannedTable,
): (outcome: FileOutcome, batch: LedgerBatch) => string | null {
  const { transform, sourceId } = part.field;
  const name = schema.fields.find(({ id }) => id === sourceId)?.name;
  // A column that rows do not have (any more) is null in all of them.
  const column = name === undefined ? undefined : COLUMNS[name];
  return (outcome, batch) => {
    const value = column === undefined ? null : column(outcome, batch);
    return partitionText(part, applyTransform(transform, part.source, value));
  };
}
