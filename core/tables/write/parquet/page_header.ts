import { crc32 } from "node:zlib";
import { CompactWriter } from "./compact_writer.ts";
import { ENCODING } from "./encoded_chunk.ts";

/** PageType of parquet.thrift. */
export const PAGE_TYPE = { data: 0, dictionary: 2 } as const;

const thrift = new CompactWriter();

/** A page as it is written, and as long as it was before. */
export interface StoredPage {
  stored: Uint8Array;
  rawBytes: number;
}

/** Of version 1: the levels are compressed with the values, and every reader knows it. */
export function dataPageHeader(page: StoredPage, levels: number, encoding: number): Uint8Array {
  writeStart(PAGE_TYPE.data, page);
  thrift.struct(5, () => {
    thrift.i32(1, levels);
    thrift.i32(2, encoding);
    thrift.i32(3, ENCODING.rle);
    thrift.i32(4, ENCODING.rle);
  });
  return thrift.finish();
}

export function dictionaryPageHeader(page: StoredPage, values: number): Uint8Array {
  writeStart(PAGE_TYPE.dictionary, page);
  thrift.struct(7, () => {
    thrift.i32(1, values);
    thrift.i32(2, ENCODING.plain);
  });
  return thrift.finish();
}

function writeStart(pageType: number, { stored, rawBytes }: StoredPage): void {
  thrift.i32(1, pageType);
  thrift.i32(2, rawBytes);
  thrift.i32(3, stored.length);
  thrift.i32(4, crc32(stored) | 0);
}
