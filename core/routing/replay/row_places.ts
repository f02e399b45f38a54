import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { TableLocation } from "../../iceberg/table_location.ts";

export interface WrittenDeletes {
  records: number;
  size: number;
}

/** Where the rows that a batch takes out of a table stand in it. */
export interface RowPlaces {
  /** Data files that hold some of them. */
  find(table: Pick<LoadedTable, "io" | "metadata">): Promise<ScanFile[]>;
  /** Writes a file of position deletes of the rows that were found last in `files`. */
  write(location: TableLocation, path: string, files: readonly ScanFile[]): Promise<WrittenDeletes>;
  close(): void;
}
