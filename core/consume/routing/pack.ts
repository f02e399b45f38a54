import { createFileSync, FilePartReader, readFilePart, writeAllSync } from "../../engine/scratch.ts";
import type { CountedFile, LocalFile } from "./source.ts";

/** Written at once. */
const PACK_BLOCK_BYTES = 1 << 20;
const OPENING = 0x5b, CLOSING = 0x5d, COMMA = 0x2c;

/**
 * Writes files that are JSON arrays, none of them empty, as one array of all their records, byte by byte as they are, in the order of
 * the files: what is in a spool cannot be read by SQL, and one file is read faster than thousands.
 */
export function packArrays(files: readonly CountedFile[], path: string): void {
  const pack = createFileSync(path);
  const reader = new FilePartReader();
  const block = new Uint8Array(PACK_BLOCK_BYTES);
  let filled = 0;
  const flush = () => {
    writeAllSync(pack, path, block.subarray(0, filled));
    filled = 0;
  };
  const put = (bytes: Uint8Array) => {
    if (filled + bytes.length > block.length) flush();
    if (bytes.length > block.length) return writeAllSync(pack, path, bytes);
    block.set(bytes, filled);
    filled += bytes.length;
  };
  try {
    files.forEach((file, index) => {
      const bytes = reader.read(file.path, file.offset ?? 0, file.size);
      put(new Uint8Array([index === 0 ? OPENING : COMMA]));
      put(bytes.subarray(bytes.indexOf(OPENING) + 1, bytes.lastIndexOf(CLOSING)));
    });
    put(new Uint8Array([CLOSING]));
    flush();
  } finally {
    reader.close();
    pack.close();
  }
}

/** Takes a file out of its spool, into one of its own. */
export function unspool<F extends LocalFile>(file: F, path: string): F {
  if (file.offset === undefined) return file;
  const own = createFileSync(path);
  try {
    writeAllSync(own, path, readFilePart(file.path, file.size, file.offset));
  } finally {
    own.close();
  }
  const { offset: _spooled, ...rest } = file;
  return { ...rest, path } as F;
}
