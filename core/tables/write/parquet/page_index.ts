import { CompactWriter } from "./compact_writer.ts";
import type { EncodedPage } from "./encoded_chunk.ts";
import type { ParquetLeaf } from "./parquet_schema.ts";
import { comparePlain } from "./plain_value.ts";
import { cutBounds, isFloating } from "./statistics.ts";

const UNORDERED = 0;
const ASCENDING = 1;
const DESCENDING = 2;

const NONE = new Uint8Array();

/** Where a data page stands. */
export interface PageLocation {
  offset: number;
  /** With its header. */
  bytes: number;
  firstRow: number;
}

const thrift = new CompactWriter();

export function offsetIndex(locations: readonly PageLocation[]): Uint8Array {
  thrift.structs(1, locations, ({ offset, bytes, firstRow }) => {
    thrift.i64(1, offset);
    thrift.i32(2, bytes);
    thrift.i64(3, firstRow);
  });
  return thrift.finish();
}

/**
 * The bounds of a chunk's pages; undefined where a page has values but no bounds, for the format
 * has no word for that.
 */
export function columnIndex(leaf: ParquetLeaf, pages: readonly EncodedPage[]): Uint8Array | undefined {
  const nullPages: boolean[] = [], mins: Uint8Array[] = [], maxs: Uint8Array[] = [];
  for (const page of pages) {
    const cut = page.bounds && cutBounds(leaf, page.bounds);
    if (page.values > 0 && cut?.max === undefined) return undefined;
    nullPages.push(cut === undefined);
    mins.push(cut?.min ?? NONE);
    maxs.push(cut?.max ?? NONE);
  }
  thrift.bools(1, nullPages);
  thrift.binaries(2, mins);
  thrift.binaries(3, maxs);
  thrift.i32(4, boundaryOrder(leaf, nullPages, mins, maxs));
  thrift.i64s(5, pages.map(({ levels, values }) => levels - values));
  if (isFloating(leaf)) thrift.i64s(8, pages.map(({ nans }) => nans));
  return thrift.finish();
}

/** Whether the bounds rise or fall from page to page; pages of nulls do not count. */
function boundaryOrder(
  leaf: ParquetLeaf,
  nullPages: readonly boolean[],
  mins: Uint8Array[],
  maxs: Uint8Array[],
): number {
  let rises = true, falls = true, previous = -1;
  for (const [index, isNull] of nullPages.entries()) {
    if (isNull) continue;
    if (previous >= 0) {
      const min = comparePlain(leaf, mins[previous]!, mins[index]!);
      const max = comparePlain(leaf, maxs[previous]!, maxs[index]!);
      rises &&= min <= 0 && max <= 0;
      falls &&= min >= 0 && max >= 0;
    }
    previous = index;
  }
  return rises ? ASCENDING : falls ? DESCENDING : UNORDERED;
}
