/** The columns of the tables that are streamlab's: names, types and what they say. */
import type { Contract } from "../contract/contract.ts";
import { icebergField } from "../contract/iceberg_schema.ts";
import type { Field as IcebergField } from "../iceberg/format/type.ts";

/** Names of the columns that are ours, in any table. */
export const OUR_COLUMNS = {
  rescued: "_rescued",
  ingestedAt: "_ingested_at",
  sourceFile: "_source_file",
  sourcePosition: "_source_position",
  batchId: "_batch_id",
  deadLetterReason: "_dead_letter_reason",
  deadLetterDetail: "_dead_letter_detail",
  rawRecord: "_raw_record",
} as const;

/** Names of the ledger's columns. */
export const LEDGER_COLUMNS = {
  table: "table",
  sourceFile: "source_file",
  etag: "etag",
  size: "size",
  batchId: "batch_id",
  records: "records",
  events: "events",
  deadLetters: "dead_letters",
  duplicates: "duplicates",
  superseded: "superseded",
  status: "status",
  ingestedAt: "ingested_at",
} as const;

/**
 * The columns of `bronze.<name>`; `rescued` where fields are rescued or added. Field ids are 0:
 * still to be assigned.
 */
export function eventFields(contract: Contract, options: { rescued: boolean }): IcebergField[] {
  const rescued = options.rescued
    ? [text(OUR_COLUMNS.rescued, false, "Fields that the contract does not name, or that are of a wrong type (JSON)")]
    : [];
  return [...contract.fields.map(icebergField), ...rescued, ...sourceFields({ positionRequired: true })];
}

/** The columns of `dead_letters.<name>`. Field ids are 0: still to be assigned. */
export function deadLetterFields(contract: Contract): IcebergField[] {
  return [
    text(OUR_COLUMNS.deadLetterReason, true, "Why the record is not an event"),
    text(OUR_COLUMNS.deadLetterDetail, false, "Where it stood, what was expected, what was found"),
    text(OUR_COLUMNS.rawRecord, false, "The record's exact text"),
    ...contract.fields.map((field) => ({ ...icebergField(field), required: false })),
    ...sourceFields({ positionRequired: false }),
  ];
}

/**
 * The columns of the ledger, `ingest.files`; `superseded` where records of a target are upserted.
 * Field ids are 0: still to be assigned.
 */
export function ledgerFields(options: { superseded?: boolean } = {}): IcebergField[] {
  const count = (name: string, doc: string): IcebergField => ({
    id: 0,
    name,
    required: true,
    type: { type: "long" },
    doc,
  });
  const names = LEDGER_COLUMNS;
  return [
    text(names.table, true, "The table that the file's events went to"),
    text(names.sourceFile, true, "The file's path in the lake, or its URI"),
    text(names.etag, true, "The version of the file"),
    count(names.size, "Bytes"),
    count(names.batchId, "The batch that took the file"),
    count(names.records, "Records in the file; of a version that was reingested, less than none"),
    count(
      names.events,
      "Of these, events; of a replay, those that were dead letters before; of a version that was reingested, less than none",
    ),
    count(
      names.deadLetters,
      "Of these, dead letters; 1 for a corrupted file; of a replay or a version that was reingested, less than none",
    ),
    count(names.duplicates, "Of these, repeats that were dropped"),
    text(names.status, true, "ingested, changed, vanished, replayed or reingested"),
    { id: 0, name: names.ingestedAt, required: true, type: { type: "timestamptz" } },
    ...options.superseded ? [SUPERSEDED] : [],
  ];
}

/** In ledgers of lakes that were made before it is null. */
const SUPERSEDED: IcebergField = {
  id: 0,
  name: LEDGER_COLUMNS.superseded,
  required: false,
  type: { type: "long" },
  doc: "With upserts, of these, records that are no row: a newer one has their key, or they remove it",
};

/** Where a row came from: the same four columns in events and dead letters. */
function sourceFields(options: { positionRequired: boolean }): IcebergField[] {
  const { ingestedAt, sourceFile, sourcePosition, batchId } = OUR_COLUMNS;
  return [
    { id: 0, name: ingestedAt, required: true, type: { type: "timestamptz" }, doc: "When the batch was ingested" },
    text(sourceFile, true, "The event file"),
    {
      id: 0,
      name: sourcePosition,
      required: options.positionRequired,
      type: { type: "long" },
      doc: "The record's index in its file, from 0",
    },
    { id: 0, name: batchId, required: true, type: { type: "long" }, doc: "The batch that took the file" },
  ];
}

function text(name: string, required: boolean, doc: string): IcebergField {
  return { id: 0, name, required, type: { type: "string" }, doc };
}
