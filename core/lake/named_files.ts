/**
 * Which files a durable record names. Each field of each record type has an entry, so a new field
 * compiles only once this file says which files it names. Programs that delete files know only what
 * is named here.
 */
import type { BatchPlan, PlannedFile } from "./batch_plan.ts";
import type { Intent } from "./intent.ts";
import type { Removal } from "./removal.ts";
import {
  bringsFields,
  type FileOutcome,
  type RoutedBatch,
  type RoutedDataFile,
  type RoutedTable,
} from "./routed_batch.ts";

/** A durable record, with what its place says of it. */
export type LakeRecord =
  | { kind: "plan"; target: string; record: BatchPlan }
  | { kind: "routed"; target: string; record: RoutedBatch }
  | { kind: "intent"; record: Intent }
  | { kind: "removal"; record: Removal };

/** One file, or all that begin with a stem. */
export type NamedFile =
  /** A path in the folder of one of the target's tables. */
  | { kind: "in table"; path: string }
  /** Beside it, under other names of the batch, copies with other field ids. */
  | { kind: "copies"; path: string }
  /** Any that has the name of a file of the batch: of deletes, made when it is committed. */
  | { kind: "beside" }
  /** What paths in the table's store begin with. */
  | { kind: "stem"; stem: string }
  /** A data file as metadata spells it. */
  | { kind: "uri"; uri: string }
  /** A raw file as the ledger calls it. */
  | { kind: "raw"; name: string };

export function filesNamedBy(record: LakeRecord): NamedFile[] {
  switch (record.kind) {
    case "plan":
      return collect(record.record, IN_PLAN);
    case "routed":
      return collect(record.record, IN_ROUTED);
    case "intent":
      return collect(record.record, IN_INTENT);
    case "removal":
      return collect(record.record, IN_REMOVAL);
  }
}

/** For every field of a record the files in it. */
type FilesIn<T> = { readonly [K in keyof T]-?: (value: NonNullable<T[K]>) => NamedFile[] };

const none = () => [];

const IN_PLANNED_FILE: FilesIn<PlannedFile> = {
  name: (name) => [{ kind: "raw", name }],
  path: none,
  etag: none,
  size: none,
};

const IN_PLAN: FilesIn<BatchPlan> = {
  format: none,
  sequenceId: none,
  batchId: none,
  plannedAt: none,
  table: none,
  raw: none,
  contract: none,
  options: none,
  files: (files) => files.flatMap((file) => collect(file, IN_PLANNED_FILE)),
  changed: (files) => files.flatMap((file) => collect(file, IN_PLANNED_FILE)),
  // Their letters are read from the table; the files are named like those of any batch.
  replay: (files) => files.map(({ name }) => ({ kind: "raw", name })),
  reingest: (files) => files.map(({ name }) => ({ kind: "raw", name })),
};

const IN_DATA_FILE: FilesIn<RoutedDataFile> = {
  path: (path) => [{ kind: "in table", path }],
  records: none,
  size: none,
  partition: none,
  columns: none,
};

const IN_TABLE: FilesIn<RoutedTable> = {
  specId: none,
  schema: none,
  lastColumnIdBefore: none,
  files: (files) => files.flatMap((file) => collect(file, IN_DATA_FILE)),
};

const IN_OUTCOME: FilesIn<FileOutcome> = {
  name: (name) => [{ kind: "raw", name }],
  etag: none,
  size: none,
  status: none,
  records: none,
  events: none,
  deadLetters: none,
  duplicates: none,
  superseded: none,
};

const IN_ROUTED: FilesIn<RoutedBatch> = {
  format: none,
  sequenceId: none,
  batchId: none,
  attempt: none,
  ingestedAtMicros: none,
  events: (table) => inTable(table),
  deadLetters: (table) => inTable(table),
  ledger: (table) => inTable(table),
  tombstones: (table) => [...inTable(table), { kind: "beside" }],
  files: (files) => files.flatMap((file) => collect(file, IN_OUTCOME)),
  replayed: (files) => files.map(({ name }) => ({ kind: "raw", name })),
  reingested: (names) => names.map((name) => ({ kind: "raw", name })),
};

/** Only fields that the batch brings may get other ids. */
function inTable(table: RoutedTable): NamedFile[] {
  const copies = bringsFields(table) ? table.files.map(({ path }): NamedFile => ({ kind: "copies", path })) : [];
  return [...collect(table, IN_TABLE), ...copies];
}

const IN_INTENT: FilesIn<Intent> = {
  format: none,
  kind: none,
  id: none,
  table: none,
  tableUuid: none,
  startedAt: none,
  stem: (stem) => [{ kind: "stem", stem }],
  inputs: (uris) => asUris(uris),
  fenced: none,
  patienceMs: none,
};

const asUris = (uris: readonly string[]): NamedFile[] => uris.map((uri) => ({ kind: "uri", uri }));

const IN_REMOVAL: FilesIn<Removal> = {
  format: none,
  id: none,
  table: none,
  tableUuid: none,
  writtenAt: none,
  snapshots: none,
  released: none,
  dataFiles: asUris,
  manifests: asUris,
  manifestLists: asUris,
  statistics: asUris,
  bytes: none,
};

function collect<T extends object>(record: T, filesIn: FilesIn<T>): NamedFile[] {
  return (Object.keys(filesIn) as (keyof T)[]).flatMap((key) => {
    const value = record[key];
    return value === undefined || value === null ? [] : filesIn[key](value);
  });
}
