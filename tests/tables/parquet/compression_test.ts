import { deepStrictEqual } from "node:assert/strict";
import { zstdDecompressSync } from "node:zlib";
import { readZstdFrame } from "../../../core/disk/zstd_frame.ts";
import { compressPages } from "../../../core/tables/write/parquet/compression.ts";

const ZSTD = 6;

Deno.test("a compressed page says how much it unpacks to", () => {
  const pages = [0, 1, 300, 70_000, 1_000_000].map((length) =>
    new Uint8Array(length).map((_, index) => (index * 7_919) >> 5)
  );
  const packed = compressPages(pages);
  deepStrictEqual(packed.codec, ZSTD);
  for (const [index, page] of packed.pages.entries()) {
    const readAt = (offset: number, length: number) => page.subarray(offset, offset + length);
    deepStrictEqual(readZstdFrame(readAt, page.length, 0).contentSize, pages[index]!.length);
    deepStrictEqual(new Uint8Array(zstdDecompressSync(page)), pages[index]);
  }
});
