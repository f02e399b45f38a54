import type { LoadedTable } from "../iceberg/catalog/catalog.ts";
import type { EventFile } from "../lake/event_file.ts";
import type { FileOutcome } from "../lake/routed_batch.ts";

/** What the ledger holds of a file. */
export interface KnownFile extends Pick<FileOutcome, "name" | "etag" | "status"> {
  batchId: number;
}

export interface ClassifiedFiles {
  /** Files to ingest. */
  fresh: EventFile[];
  /** Known names with other content that is not yet recorded. */
  changed: EventFile[];
}

/** The last batches that brought rows to a table; 0 for none. */
export interface LastWithRows {
  events: bigint;
  deadLetters: bigint;
}

/** What the ledger knows of a target's files: discovering is a listing minus this. */
export interface KnownFiles {
  /**
   * Reads what the ledger has more than the version that is known already; all of it, if that
   * cannot be told.
   */
  follow(ledger: LoadedTable): Promise<void>;
  /** From the ledger as it was read last, without the batches added since. */
  lastWithRows(): LastWithRows;
  /**
   * Adds a batch whose commit took the ledger from one version to the next. If the first is not the
   * known version, nothing happens, and the next `follow` reads the ledger.
   */
  add(outcomes: readonly KnownFile[], before: LoadedTable, after: LoadedTable): Promise<void>;
  /** The names under which nothing was ingested yet, or only what a reingest has taken away. */
  unknownNames(names: readonly string[]): Promise<Set<string>>;
  /** What is to be done with each file. `asNew`: a known name with other content is a new file. */
  classify(files: readonly EventFile[], asNew: boolean): Promise<ClassifiedFiles>;
}
