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
  /** Its size, whole. */
  fileSizeBytes: number;
  /** By column id, in bytes. */
  columnSizes?: Map<number, number>;
  /** By column id; nulls and NaNs count. */
  valueCounts?: Map<number, number>;
  /** How many values are null, by field id. */
  nullValueCounts?: Map<number, number>;
  /** How many values are NaN, by field id. */
  nanValueCounts?: Map<number, number>;
  /** By column id, each a single value in its binary form (Appendix D). */
  lowerBounds?: Map<number, Uint8Array>;
  /** Not less than any value, in the specification's single-value form, by field id. */
  upperBounds?: Map<number, Uint8Array>;
  /** Of an encrypted file. */
  keyMetadata?: Uint8Array;
  /** Offsets in bytes at which a reader may start, ascending. */
  splitOffsets?: number[];
  /** Columns that equality deletes compare. */
  equalityIds?: number[];
  /** Of the order that its rows have. */
  sortOrderId?: number;
  /** The one data file that all deletes of this delete file are about. */
  referencedDataFile?: string;
}
