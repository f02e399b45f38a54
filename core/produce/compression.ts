import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Compression } from "../disk/decompress.ts";

/** Same bytes in, same bytes out: neither format notes the time (RFC 1952's MTIME is 0). */
export function compress(bytes: Uint8Array, compression: Compression): Uint8Array {
  switch (compression) {
    case "none":
      return bytes;
    case "gzip":
      return gzipSync(bytes, { level: 4 });
    case "zstd":
      return zstdCompressSync(bytes);
  }
}
