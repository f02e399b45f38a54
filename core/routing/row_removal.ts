import type { DataFile } from "../iceberg/format/data_file.ts";
import type { Transaction } from "../iceberg/transaction.ts";

/** Takes rows of earlier batches out of a table. */
export interface RowRemoval {
  /** Stages it and the rows that come in their place as one snapshot. */
  stage(transaction: Transaction, added: DataFile[], summary: Record<string, string>): Promise<void>;
  /** After the commit, or where none was needed; not where its outcome is unknown. */
  settle(): Promise<void>;
  close(): void;
}
