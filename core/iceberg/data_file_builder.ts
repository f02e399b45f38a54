import { lowerBound, upperBound } from "./format/bound.ts";
import type { DataFile, FileContent, FileFormat } from "./format/data_file.ts";
import { fieldsById, type Schema } from "./format/schema.ts";
import { type Value, valueToBytes } from "./format/single_value.ts";
import { isPrimitive } from "./format/type.ts";

/** What the writer of a file knows of one column. */
export interface ColumnStatistics {
  /** Of a primitive column, element, key or value. */
  fieldId: number;
  /** Nulls and NaNs count; left out where it is not known. */
  valueCount?: number;
  /** How many values are null. */
  nullCount?: number;
  /** Only for float and double. */
  nanCount?: number;
  /** Bytes on disk. */
  sizeBytes?: number;
  /**
   * The exact smallest and largest value, without nulls and NaNs; undefined where there is none or
   * it is not known.
   */
  min?: Value;
  /** The largest value that is neither null nor NaN. */
  max?: Value;
}

/** What is known of a file that was written, its values as they are. */
export interface DataFileFacts {
  /** URI, as `TableLocation.uriOf` gives it. */
  path: string;
  /** Default: `data`. */
  content?: FileContent;
  /** Default: `parquet`. */
  format?: FileFormat;
  /** Of the partition spec that it was written by. */
  specId: number;
  /** One value for each field of that spec, in its order. */
  partition: (Value | null)[];
  /** Rows in it. */
  recordCount: number;
  /** Its size, whole. */
  fileSizeBytes: number;
  /** Those that are known; the others have no statistics. */
  columns: ColumnStatistics[];
  /** Where row groups begin, ascending. */
  splitOffsets?: number[];
  /** Of the order that its rows have. */
  sortOrderId?: number | undefined;
  /** Of equality deletes: the fields that are compared. */
  equalityIds?: number[];
  /** Of position deletes: the only file that they are about. */
  referencedDataFile?: string | undefined;
}

/**
 * The manifest's description of a file from plain statistics: bounds cut to 16 code points or bytes
 * as the reference implementation does by default, none for a column below a list or map, whose
 * rows have no single value (specification: "Data File Fields").
 */
export function buildDataFile(facts: DataFileFacts, schema: Schema): DataFile {
  const { columns, content = "data", format = "parquet", splitOffsets, ...rest } = facts;
  const counts = (pick: (column: ColumnStatistics) => number | undefined) => {
    const map = new Map<number, number>();
    for (const column of columns) {
      const value = pick(column);
      if (value !== undefined) map.set(column.fieldId, value);
    }
    return map;
  };
  const file: DataFile = {
    ...rest,
    content,
    format,
    columnSizes: counts((column) => column.sizeBytes),
    valueCounts: counts((column) => column.valueCount),
    nullValueCounts: counts((column) => column.nullCount),
    nanValueCounts: counts((column) => column.nanCount),
    lowerBounds: new Map(),
    upperBounds: new Map(),
  };
  for (const column of columns) setBounds(file, column, schema);
  if (splitOffsets && splitOffsets.length > 0) file.splitOffsets = splitOffsets.toSorted((a, b) => a - b);
  return file;
}

function setBounds(file: DataFile, column: ColumnStatistics, schema: Schema): void {
  const indexed = fieldsById(schema).get(column.fieldId);
  const type = indexed?.field.type;
  if (!indexed || indexed.repeated || !type || !isPrimitive(type)) return;
  // Zero has two forms, and writers of statistics do not tell them apart: the bounds take in both.
  const { min, max } = column;
  if (min !== undefined && !Number.isNaN(min)) {
    file.lowerBounds!.set(column.fieldId, valueToBytes(type, lowerBound(type, min === 0 ? zero(type.type, -0) : min)));
  }
  if (max !== undefined && !Number.isNaN(max)) {
    const upper = upperBound(type, max === 0 ? zero(type.type, 0) : max);
    if (upper !== undefined) file.upperBounds!.set(column.fieldId, valueToBytes(type, upper));
  }
}

function zero(type: string, signed: number): number {
  return type === "float" || type === "double" ? signed : 0;
}
