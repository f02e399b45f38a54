/**
 * Parquet's physical types and encodings by their numbers in parquet.thrift. Read by both sides, so
 * it is plain TypeScript as well as AssemblyScript.
 */
export const enum PhysicalType {
  BOOLEAN = 0,
  INT32 = 1,
  INT64 = 2,
  FLOAT = 4,
  DOUBLE = 5,
  BYTE_ARRAY = 6,
  FIXED = 7,
}

export const enum Encoding {
  PLAIN = 0,
  DELTA_BINARY_PACKED = 5,
  RLE_DICTIONARY = 8,
}
