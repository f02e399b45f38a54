import { constants, zstdCompressSync, type ZstdOptions } from "node:zlib";

/** CompressionCodec of parquet.thrift. */
const CODEC = { uncompressed: 0, zstd: 6 } as const;

/** On events the fastest level's files are no larger than the default's, and take half the time. */
const PARAMS = { [constants.ZSTD_c_compressionLevel]: 1 };
/** The smallest that `node:zlib` takes. */
const CHUNK_BYTES_MIN = 64;

/** A column's pages in one row group with fewer bytes are not worth a call. */
const COMPRESSED_BYTES_MIN = 512;
/** What compression must save for readers to be asked to undo it. */
const SAVED_MIN = 1 / 32;

/** Its documentation has the size, its types do not. */
interface SizedOptions extends ZstdOptions {
  pledgedSrcSize: number;
}

export interface CompressedPages {
  codec: number;
  pages: Uint8Array[];
}

/**
 * The pages of a chunk, which all have one codec: compressed, if that makes them smaller. They are
 * copies in any case.
 */
export function compressPages(pages: readonly Uint8Array[]): CompressedPages {
  const bytes = total(pages);
  if (bytes >= COMPRESSED_BYTES_MIN) {
    const packed = pages.map(compress);
    if (total(packed) <= bytes * (1 - SAVED_MIN)) return { codec: CODEC.zstd, pages: packed };
  }
  return { codec: CODEC.uncompressed, pages: pages.map((page) => page.slice()) };
}

/**
 * Into one chunk: in the many of 16 KB that are the default, a page of 700 KB takes nearly twice as
 * long. Told the size before, zstd makes its tables no larger than it needs, and the frame says it.
 */
function compress(page: Uint8Array): Uint8Array {
  const options: SizedOptions = {
    params: PARAMS,
    chunkSize: Math.max(page.length, CHUNK_BYTES_MIN),
    pledgedSrcSize: page.length,
  };
  return zstdCompressSync(page, options);
}

function total(pages: readonly Uint8Array[]): number {
  return pages.reduce((sum, { length }) => sum + length, 0);
}
