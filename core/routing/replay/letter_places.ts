import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { TableLocation } from "../../iceberg/table_location.ts";

export interface WrittenDeletes {
  records: number;
  size: number;
}

/** Where the letters of a replay stand in their table. */
export interface LetterPlaces {
  /** Data files that hold some of them. */
  find(table: Pick<LoadedTable, "io" | "metadata">): Promise<ScanFile[]>;
  /** Writes a file of position deletes of the letters that were found last in `files`. */
  write(location: TableLocation, path: string, files: readonly ScanFile[]): Promise<WrittenDeletes>;
  close(): void;
}
