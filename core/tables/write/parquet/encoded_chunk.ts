/**
 * Bytes of a text that may be all that a bound has: one code point more than statistics keep, so
 * that they know there was more, whatever the characters.
 */
export const BOUND_HEAD_BYTES = 260;

/**
 * A smallest and a largest value as PLAIN has them. Texts have no length in front, and may be cut
 * to `BOUND_HEAD_BYTES`.
 */
export interface ByteBounds {
  min: Uint8Array;
  max: Uint8Array;
}

/** A data page before it is compressed. */
export interface EncodedPage {
  /** As data pages of version 1 have them; valid until the next chunk is made. */
  bytes: Uint8Array;
  /** Values, nulls of any level included. */
  levels: number;
  rows: number;
  /** Values without nulls. */
  values: number;
  nans: number;
  /** Of the values that are neither null nor NaN; undefined where there is none. */
  bounds: ByteBounds | undefined;
}

/** The values of a leaf for one row group. */
export interface EncodedChunk {
  /** Of the values in the data pages, by its number in parquet.thrift. */
  encoding: number;
  dictionary: { bytes: Uint8Array; values: number } | undefined;
  pages: readonly EncodedPage[];
  bounds: ByteBounds | undefined;
  /** The bit set of a split block Bloom filter. */
  bloomFilter: Uint8Array | undefined;
}

/** Encodings, by their numbers in parquet.thrift. */
export const ENCODING = { plain: 0, rle: 3, deltaBinaryPacked: 5, rleDictionary: 8 } as const;
