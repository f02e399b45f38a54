import denoJson from "../../../../deno.json" with { type: "json" };
import { CompactWriter } from "./compact_writer.ts";
import type { ParquetSchema } from "./parquet_schema.ts";
import type { ChunkIndex, FileEnd, StoredChunk } from "./stored_chunk.ts";

/** A row group that stands in the file. */
export interface StoredRowGroup {
  /** Of its first page. */
  offset: number;
  rows: number;
  /** In the order of the schema's leaves. */
  chunks: FooterChunk[];
}

/** `index` where the row group has one. */
export type FooterChunk = Omit<StoredChunk, "makeIndex"> & { index: ChunkIndex | undefined };

export const MAGIC = new TextEncoder().encode("PAR1");

/** Nobody agrees on what 2 would mean, so writers are to say 1 (parquet.thrift, FileMetaData). */
const FORMAT_VERSION = 1;

/** In the form that other readers take apart: they know some writers' mistakes by it. */
const CREATED_BY = `streamlab version ${denoJson.version}`;

const thrift = new CompactWriter();

interface IndexPlace {
  offset: number;
  bytes: number;
}

interface IndexPlaces {
  offsetIndex: IndexPlace;
  columnIndex: IndexPlace | undefined;
}

/** Ends a file: the page index, then the footer. */
export function writeFooter(end: FileEnd, schema: ParquetSchema, groups: readonly StoredRowGroup[]): void {
  const places = writePageIndexes(end, groups);
  thrift.i32(1, FORMAT_VERSION);
  schema.write(thrift);
  thrift.i64(3, groups.reduce((sum, { rows }) => sum + rows, 0));
  thrift.structs(4, [...groups.entries()], ([ordinal, group]) => writeRowGroup(ordinal, group, places));
  thrift.text(6, CREATED_BY);
  // Every leaf has the order of its type: without this, readers take no bounds of texts.
  thrift.structs(7, schema.leaves, () => thrift.emptyStruct(1));
  const footer = thrift.finish();
  end.append(footer);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, footer.length, true);
  end.append(length);
  end.append(MAGIC);
}

/**
 * All column indexes, then all offset indexes. A row group in which every column has one page has
 * none: its statistics say the same.
 */
function writePageIndexes(end: FileEnd, groups: readonly StoredRowGroup[]): Map<FooterChunk, IndexPlaces> {
  const indexed = groups.flatMap((group) => group.chunks).flatMap((chunk) => {
    return chunk.index === undefined ? [] : [{ chunk, index: chunk.index }];
  });
  const put = (bytes: Uint8Array): IndexPlace => {
    const offset = end.size;
    end.append(bytes);
    return { offset, bytes: bytes.length };
  };
  const columns = indexed.map(({ index }) => index.columns && put(index.columns));
  return new Map(
    indexed.map(({ chunk, index }, i) => [chunk, { columnIndex: columns[i], offsetIndex: put(index.offsets) }]),
  );
}

function writeRowGroup(
  ordinal: number,
  { offset, rows, chunks }: StoredRowGroup,
  places: ReadonlyMap<FooterChunk, IndexPlaces>,
): void {
  thrift.structs(1, chunks, (chunk) => {
    thrift.i64(2, 0);
    thrift.finishedStruct(3, chunk.metadata);
    const place = places.get(chunk);
    if (place === undefined) return;
    thrift.i64(4, place.offsetIndex.offset);
    thrift.i32(5, place.offsetIndex.bytes);
    if (place.columnIndex === undefined) return;
    thrift.i64(6, place.columnIndex.offset);
    thrift.i32(7, place.columnIndex.bytes);
  });
  thrift.i64(2, chunks.reduce((sum, { rawBytes }) => sum + rawBytes, 0));
  thrift.i64(3, rows);
  thrift.i64(5, offset);
  thrift.i64(6, chunks.reduce((sum, { storedBytes }) => sum + storedBytes, 0));
  // A number of 16 bits; files with more row groups go without.
  if (ordinal < 1 << 15) thrift.i16(7, ordinal);
}
