import { isPositiveInteger, numberProperty } from "../number_property.ts";
import { CompactWriter } from "./compact_writer.ts";
import type { ParquetLeaf } from "./parquet_schema.ts";

/** The table properties, and defaults, of the reference implementation. */
const ENABLED = "write.parquet.bloom-filter-enabled.column.";
const FALSE_POSITIVES = "write.parquet.bloom-filter-fpp.column.";
const DIFFERENT_VALUES = "write.parquet.bloom-filter-ndv.column.";
const BYTES_MAX = "write.parquet.bloom-filter-max-bytes";
const FALSE_POSITIVES_DEFAULT = 0.01;
const BYTES_MAX_DEFAULT = 1 << 20;
/** A block, and what parquet-java takes at most. */
const BYTES_LEAST = 32;
const BYTES_MOST = 128 << 20;

/** How large the Bloom filter of a column is made. */
export interface BloomFilterSize {
  bytesMax: number;
  /** Different values to expect; 0: as many as are found. */
  values: number;
  bitsPerValue: number;
}

/**
 * What the table's properties ask for a column; undefined for no filter. Booleans have none: no
 * reader looks for one. Fails with `usage` where a property has no such number.
 */
export function bloomFilterSize(
  properties: Readonly<Record<string, string>>,
  { names, type }: ParquetLeaf,
): BloomFilterSize | undefined {
  const column = names.join(".");
  if (properties[ENABLED + column]?.toLowerCase() !== "true" || type.type === "boolean") return undefined;
  const fpp = numberProperty(properties, FALSE_POSITIVES + column, FALSE_POSITIVES_DEFAULT, (n) => n > 0 && n < 1);
  const bytesMax = numberProperty(properties, BYTES_MAX, BYTES_MAX_DEFAULT, isPositiveInteger);
  const isCount = (n: number) => Number.isSafeInteger(n) && n >= 0;
  return {
    bytesMax: Math.min(Math.max(bytesMax, BYTES_LEAST), BYTES_MOST),
    values: Math.min(numberProperty(properties, DIFFERENT_VALUES + column, 0, isCount), 2 ** 31),
    // Eight bits of a block are set for a value (Parquet, "Bloom Filter": sizing).
    bitsPerValue: -8 / Math.log(1 - fpp ** (1 / 8)),
  };
}

const thrift = new CompactWriter();

/** What stands before the bits: split blocks, XXH64, not compressed. */
export function bloomFilterHeader(bytes: number): Uint8Array {
  thrift.i32(1, bytes);
  for (const id of [2, 3, 4]) thrift.struct(id, () => thrift.emptyStruct(1));
  return thrift.finish();
}
