import { bloomFilterHeader } from "./bloom_filter.ts";
import { CompactWriter } from "./compact_writer.ts";
import { compressPages } from "./compression.ts";
import { type EncodedChunk, ENCODING } from "./encoded_chunk.ts";
import { dataPageHeader, dictionaryPageHeader, PAGE_TYPE } from "./page_header.ts";
import { columnIndex, offsetIndex, type PageLocation } from "./page_index.ts";
import type { ParquetLeaf } from "./parquet_schema.ts";
import { writeStatistics } from "./statistics.ts";

/** A chunk that stands in the file: what the footer and the page index say of it. */
export interface StoredChunk {
  /** Its ColumnMetaData. */
  metadata: Uint8Array;
  /** Makes what the page index says of it: of most small files it says nothing. */
  makeIndex: () => ChunkIndex;
  pages: number;
  /** Bytes of its pages and their headers, before and after compression. */
  rawBytes: number;
  storedBytes: number;
  /** Values, nulls included. */
  levels: number;
  nulls: number;
  nans: number;
}

/** What the page index says of a chunk. */
export interface ChunkIndex {
  offsets: Uint8Array;
  /** Undefined where not all pages have bounds. */
  columns: Uint8Array | undefined;
}

/** Where a chunk is written to: the file's end. */
export interface FileEnd {
  /** Bytes in the file. */
  readonly size: number;
  append(bytes: Uint8Array): void;
}

const thrift = new CompactWriter();

/** Writes the pages of a chunk, and behind them its Bloom filter. */
export function storeChunk(end: FileEnd, leaf: ParquetLeaf, chunk: EncodedChunk): StoredChunk {
  const { dictionary, pages, encoding, bounds, bloomFilter } = chunk;
  const raw = pages.map(({ bytes }) => bytes);
  const compressed = compressPages(dictionary === undefined ? raw : [dictionary.bytes, ...raw]);
  const start = end.size;
  let rawBytes = 0;
  const put = (header: Uint8Array, stored: Uint8Array, length: number) => {
    end.append(header);
    end.append(stored);
    rawBytes += header.length + length;
  };
  let next = 0;
  if (dictionary !== undefined) {
    const page = { stored: compressed.pages[next++]!, rawBytes: dictionary.bytes.length };
    put(dictionaryPageHeader(page, dictionary.values), page.stored, page.rawBytes);
  }
  const dataStart = end.size;
  const locations: PageLocation[] = [];
  let firstRow = 0;
  for (const { bytes, levels, rows } of pages) {
    const page = { stored: compressed.pages[next++]!, rawBytes: bytes.length };
    const offset = end.size;
    put(dataPageHeader(page, levels, encoding), page.stored, page.rawBytes);
    locations.push({ offset, bytes: end.size - offset, firstRow });
    firstRow += rows;
  }
  const storedBytes = end.size - start;
  const levels = sum(pages, (page) => page.levels);
  const counts = { levels, nulls: levels - sum(pages, ({ values }) => values), nans: sum(pages, ({ nans }) => nans) };
  const bloomStart = end.size;
  if (bloomFilter !== undefined) {
    end.append(bloomFilterHeader(bloomFilter.length));
    end.append(bloomFilter.slice());
  }
  writeMetadata(leaf, {
    codec: compressed.codec,
    encoding,
    dataPages: pages.length,
    dictionaryStart: dictionary && start,
    dataStart,
    rawBytes,
    storedBytes,
    ...counts,
    bounds,
    bloomStart,
    bloomBytes: end.size - bloomStart,
  });
  return {
    metadata: thrift.finish(),
    makeIndex: () => ({ offsets: offsetIndex(locations), columns: columnIndex(leaf, pages) }),
    pages: pages.length,
    rawBytes,
    storedBytes,
    ...counts,
  };
}

interface ChunkFacts extends Pick<EncodedChunk, "encoding" | "bounds"> {
  codec: number;
  dataPages: number;
  /** Undefined where there is no dictionary. */
  dictionaryStart: number | undefined;
  dataStart: number;
  rawBytes: number;
  storedBytes: number;
  levels: number;
  nulls: number;
  nans: number;
  bloomStart: number;
  bloomBytes: number;
}

/** ColumnMetaData. */
function writeMetadata(leaf: ParquetLeaf, facts: ChunkFacts): void {
  const { encoding, dictionaryStart, bloomBytes } = facts;
  const isDictionary = dictionaryStart !== undefined;
  thrift.i32(1, leaf.physical);
  thrift.i32s(2, isDictionary ? [ENCODING.plain, ENCODING.rle, encoding] : [ENCODING.rle, encoding]);
  thrift.binaries(3, leaf.path);
  thrift.i32(4, facts.codec);
  thrift.i64(5, facts.levels);
  thrift.i64(6, facts.rawBytes);
  thrift.i64(7, facts.storedBytes);
  thrift.i64(9, facts.dataStart);
  if (isDictionary) thrift.i64(11, dictionaryStart);
  writeStatistics(thrift, 12, leaf, facts);
  const data = { type: PAGE_TYPE.data, encoding, count: facts.dataPages };
  const first = { type: PAGE_TYPE.dictionary, encoding: ENCODING.plain, count: 1 };
  // By this readers know that every page is of the dictionary, and look for values there.
  thrift.structs(13, isDictionary ? [first, data] : [data], ({ type, encoding, count }) => {
    thrift.i32(1, type);
    thrift.i32(2, encoding);
    thrift.i32(3, count);
  });
  if (bloomBytes > 0) {
    thrift.i64(14, facts.bloomStart);
    thrift.i32(15, bloomBytes);
  }
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
