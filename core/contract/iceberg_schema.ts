import type { Field as IcebergField, Type } from "../iceberg/format/type.ts";
import { type Contract, type ContractType, type Field, mayBeNull } from "./contract.ts";

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

/**
 * The columns of `bronze.<name>`; `rescued` where extra fields are rescued or added. Field ids are
 * 0: still to be assigned.
 */
export function eventFields(contract: Contract, options: { rescued: boolean }): IcebergField[] {
  const rescued = options.rescued
    ? [text(OUR_COLUMNS.rescued, false, "Fields that the contract does not name (JSON)")]
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

/** The columns of the ledger, `ingest.files`. Field ids are 0: still to be assigned. */
export function ledgerFields(): IcebergField[] {
  const count = (name: string, doc: string): IcebergField => ({
    id: 0,
    name,
    required: true,
    type: { type: "long" },
    doc,
  });
  return [
    text("table", true, "The table that the file's events went to"),
    text("source_file", true, "The file's path in the lake, or its URI"),
    text("etag", true, "The version of the file"),
    count("size", "Bytes"),
    count("batch_id", "The batch that took the file"),
    count("records", "Records in the file"),
    count("events", "Of these, events"),
    count("dead_letters", "Of these, dead letters; 1 for a corrupted file"),
    count("duplicates", "Of these, repeats that were dropped"),
    text("status", true, "ingested, changed or vanished"),
    { id: 0, name: "ingested_at", required: true, type: { type: "timestamptz" } },
  ];
}

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

function icebergField(field: Field): IcebergField {
  return {
    id: 0,
    name: field.name,
    required: !mayBeNull(field),
    type: icebergType(field.type),
    ...(field.doc === undefined ? {} : { doc: field.doc }),
  };
}

/** The Iceberg type of a contract's type; ids inside it are 0. */
function icebergType(type: ContractType): Type {
  switch (type.kind) {
    case "decimal":
      return { type: "decimal", precision: type.precision, scale: type.scale };
    case "struct":
      return { type: "struct", fields: type.fields.map(icebergField) };
    case "map":
      return {
        type: "map",
        keyId: 0,
        key: { type: "string" },
        valueId: 0,
        valueRequired: !type.value.nullable,
        value: icebergType(type.value.type),
      };
    case "list":
      return {
        type: "list",
        elementId: 0,
        elementRequired: !type.element.nullable,
        element: icebergType(type.element.type),
      };
    default:
      return { type: type.kind };
  }
}
