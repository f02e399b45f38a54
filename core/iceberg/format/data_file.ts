import type { Value } from "./single_value.ts";

export type FileContent = "data" | "position-deletes" | "equality-deletes";
export type FileFormat = "parquet" | "avro" | "orc" | "puffin";

/**
 * A file of rows or of deletes as its manifest describes it (specification: "Data File Fields").
 */
export interface DataFile {
  content: FileContent;
  /** Full URI, as it stands in the manifest. */
  path: string;
  format: FileFormat;
  /** The partition spec of the manifest it is in. */
  specId: number;
  /** One value for each field of that spec, in its order. */
  partition: (Value | null)[];
  recordCount: number;
  fileSizeBytes: number;
  /** By column id, in bytes. */
  columnSizes?: Map<number, number>;
  /** By column id; nulls and NaNs count. */
  valueCounts?: Map<number, number>;
  nullValueCounts?: Map<number, number>;
  nanValueCounts?: Map<number, number>;
  /** By column id, each a single value in its binary form (Appendix D). */
  lowerBounds?: Map<number, Uint8Array>;
  upperBounds?: Map<number, Uint8Array>;
  keyMetadata?: Uint8Array;
  /** Offsets in bytes at which a reader may start, ascending. */
  splitOffsets?: number[];
  /** Columns that equality deletes compare. */
  equalityIds?: number[];
  sortOrderId?: number;
  /** The one data file that all deletes of this delete file are about. */
  referencedDataFile?: string;
}
