import type { Value } from "./single_value.ts";

/** What the rows of a file are. */
export type FileContent = "data" | "position-deletes" | "equality-deletes";
/** How a file is encoded. */
export type FileFormat = "parquet" | "avro" | "orc" | "puffin";

/**
 * A file of rows or of deletes as its manifest describes it (specification: "Data File Fields").
 */
export interface DataFile {
  /** What its rows are. */
  content: FileContent;
  /** Full URI, as it stands in the manifest. */
  path: string;
  /** How it is encoded. */
  format: FileFormat;
  /** The partition spec of the manifest it is in. */
  specId: number;
  /** One value for each field of that spec, in its order. */
  partition: (Value | null)[];
  /** Rows in it. */
  recordCount: number;
  /** Its whole size in bytes. */
  fileSizeBytes: number;
  /** Bytes by field id. */
  columnSizes?: Map<number, number>;
  /** The number of values by field id, nulls and NaNs included. */
  valueCounts?: Map<number, number>;
  /** How many values are null, by field id. */
  nullValueCounts?: Map<number, number>;
  /** How many values are NaN, by field id. */
  nanValueCounts?: Map<number, number>;
  /**
   * Not greater than any value, in the specification's single-value form (Appendix D), by field id.
   */
  lowerBounds?: Map<number, Uint8Array>;
  /** Not less than any value, in the specification's single-value form, by field id. */
  upperBounds?: Map<number, Uint8Array>;
  /** Key metadata of an encrypted file. */
  keyMetadata?: Uint8Array;
  /** Offsets in bytes at which a reader may start, ascending. */
  splitOffsets?: number[];
  /** Field ids of the columns that equality deletes compare. */
  equalityIds?: number[];
  /** The sort order of its rows. */
  sortOrderId?: number | undefined;
  /** The only data file that this delete file refers to. */
  referencedDataFile?: string | undefined;
}
