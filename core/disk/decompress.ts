import { counted } from "../base/counted.ts";
import { Buffer } from "node:buffer";
import { createGunzip, createZstdDecompress, gunzipSync, zstdDecompressSync } from "node:zlib";
import { messageOf } from "../base/errors.ts";
import { readAtSync } from "./file_bytes.ts";
import { isPlainText, signatureOf, SIGNED_BYTES } from "./file_signature.ts";
import { readFileBlocks, readFilePart, writeFileBlocks } from "./scratch.ts";
import { type ReadAt, readZstdFrame, ZstdFrameError } from "./zstd_frame.ts";

/** How a packed file is packed. */
export type Packing = "gzip" | "zstd";
export type Compression = "none" | Packing;

/** The compressed bytes are not what their format says. */
export class DecompressError extends Error {}

export interface UnpackOptions {
  /** Where the packed bytes lie in the source, if not in all of it. */
  offset?: number;
  size?: number;
  /** The content must be text; unpacking stops at the first bytes if it is not. */
  isText?: boolean;
  /**
   * A file beyond both limits is a decompression bomb: unpacked bytes, and unpacked bytes for each
   * packed one.
   */
  sizeMax?: number;
  ratioMax?: number;
}

const UNPACKED_BYTES_MAX = 4e9;
/** Text reaches about a tenth of this; gzip cannot reach it. */
const UNPACKED_RATIO_MAX = 2_000;

type Unpacker = ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>;

/** Bytes that come out of a decompressor at once. */
const CHUNK_BYTES = 1 << 18;
/** The smallest chunk that `node:zlib` takes. */
const CHUNK_BYTES_MIN = 64;

/**
 * Unpacks a local file, or a part of one, to another, in bounded memory. Fails with
 * `DecompressError` where it is empty, cut, damaged, or followed by other bytes; several gzip
 * members or zstd frames in a row are one file (RFC 1952, section 2.2; RFC 8878, section 3.1).
 * Returns the size of what came out, in bytes.
 */
export async function decompressFile(
  source: string,
  target: string,
  compression: Packing,
  options: UnpackOptions = {},
): Promise<number> {
  const { offset = 0, size = (await Deno.stat(source)).size } = options;
  if (size === 0) throw new DecompressError(`not ${compression}: the file is empty`);
  const head = readFilePart(source, Math.min(size, SIGNED_BYTES), offset);
  const blocks = compression === "gzip" ? gunzip(source, offset, size) : unzstd(source, offset, size);
  try {
    return await writeFileBlocks(target, bounded(blocks, size, options));
  } catch (error) {
    throw error instanceof DecompressError ? explained(error, compression, head) : error;
  }
}

/** The error, with what the file really is if its first bytes show it. */
function explained(error: DecompressError, compression: Packing, head: Uint8Array): DecompressError {
  const signature = signatureOf(head);
  if (signature === compression) {
    // The file's first header is valid, so the bytes after a member are not another header.
    if (error.message !== "incorrect header check") return error;
    return new DecompressError("not gzip to its end: other bytes follow", { cause: error });
  }
  if (signature === "binary data") return error;
  const found = signature ?? (isPlainText(head) ? "plain text" : undefined);
  // Some bytes of a file too small to be called binary: nothing shows what it is.
  if (found === undefined) return error;
  return new DecompressError(`not ${compression}: ${found} by its first bytes`, { cause: error });
}

async function* bounded(
  blocks: AsyncIterable<Uint8Array>,
  packedSize: number,
  { sizeMax = UNPACKED_BYTES_MAX, ratioMax = UNPACKED_RATIO_MAX, isText = false }: UnpackOptions,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const block of blocks) {
    const found = size === 0 && isText ? signatureOf(block.subarray(0, SIGNED_BYTES)) : undefined;
    if (found !== undefined) throw new DecompressError(`unpacks to ${found}`);
    size += block.length;
    if (size > sizeMax && size > ratioMax * packedSize) {
      throw new DecompressError(`unpacks to more than ${ratioMax} times its size, and more than ${sizeMax} bytes`);
    }
    yield block;
  }
}

/**
 * The same in memory, up to `sizeMax` bytes: much faster for small files. Undefined if the content
 * is larger, if the bytes are damaged, or for several gzip members; `decompressFile` then unpacks
 * them, or says what is wrong.
 */
export function decompressBytes(
  bytes: Uint8Array,
  compression: Packing,
  sizeMax: number,
): Uint8Array | undefined {
  try {
    const unpacked = compression === "gzip" ? gunzipBytes(bytes, sizeMax) : unzstdBytes(bytes, sizeMax);
    return unpacked !== undefined && unpacked.length <= sizeMax ? unpacked : undefined;
  } catch {
    return undefined;
  }
}

/**
 * One chunk for the whole content: the default is 16 KB even for the smallest file. One that is
 * full has another of the same size made behind it.
 */
function chunkFor(size: number): number {
  return Math.max(size + 1, CHUNK_BYTES_MIN);
}

function gunzipBytes(bytes: Uint8Array, sizeMax: number): Uint8Array | undefined {
  if (bytes.length < 18) return undefined;
  // The last four bytes of a member are its size (RFC 1952, section 2.3.1). With several members,
  // or before padding, that is not the size of the content.
  const size = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(bytes.length - 4, true);
  if (size > sizeMax) return undefined;
  const unpacked = gunzipSync(bytes, { maxOutputLength: Math.max(size, 1), chunkSize: chunkFor(size) });
  return unpacked.length === size ? unpacked : undefined;
}

function unzstdBytes(bytes: Uint8Array, sizeMax: number): Uint8Array | undefined {
  const readAt = (offset: number, length: number) => bytes.subarray(offset, offset + length);
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let offset = 0; offset < bytes.length;) {
    const { end, skippable, contentSize } = readZstdFrame(readAt, bytes.length, offset);
    if (!skippable) {
      const left = sizeMax - size;
      if (contentSize !== undefined && contentSize > left) return undefined;
      const part = zstdDecompressSync(bytes.subarray(offset, end), {
        maxOutputLength: Math.max(left, 1),
        chunkSize: chunkFor(contentSize ?? CHUNK_BYTES),
      });
      if (part.length !== (contentSize ?? part.length)) return undefined;
      size += part.length;
      parts.push(part);
    }
    offset = end;
  }
  return parts.length === 0 ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

async function* gunzip(source: string, offset: number, size: number): AsyncGenerator<Uint8Array> {
  const unpacker = createGunzip({ chunkSize: CHUNK_BYTES });
  yield* unpack(unpacker, readFileBlocks(source, offset, offset + size));
  // It continues with the next member by itself, but takes zeros after the last one for padding and
  // ends there.
  if (unpacker.bytesWritten !== size) {
    throw new DecompressError(`not gzip to its end: other bytes follow at byte ${unpacker.bytesWritten}`);
  }
}

/**
 * A decompressor a frame: the one of node:zlib ends quietly after the first of several frames, and
 * on a cut one. So the frames are located first, and the size in a frame's header is checked here.
 */
async function* unzstd(source: string, start: number, size: number): AsyncGenerator<Uint8Array> {
  const file = await Deno.open(source, { read: true });
  const readAt = (offset: number, length: number) => readAtSync(file, start + offset, length);
  try {
    for (let offset = 0; offset < size;) {
      const frame = asDecompressError(() => readZstdFrame(readAt, size, offset));
      if (!frame.skippable) {
        let unpacked = 0;
        const blocks = cutAt(readAt, offset, frame.cuts);
        for await (const block of unpack(createZstdDecompress({ chunkSize: CHUNK_BYTES }), blocks)) {
          unpacked += block.length;
          yield block;
        }
        if (unpacked !== (frame.contentSize ?? unpacked)) {
          throw new DecompressError(
            `the zstd frame at byte ${offset} holds ${counted(unpacked, "byte")}, not ${frame.contentSize}`,
          );
        }
      }
      offset = frame.end;
    }
  } finally {
    file.close();
  }
}

/**
 * A zstd block at a time, which unpacks to 128 KB at most (RFC 8878, section 3.1.1.2.4). If one
 * write yields more than a chunk, Deno 2.9.6 throws errors in the rest of it uncatchably.
 */
async function* cutAt(readAt: ReadAt, from: number, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = from;
  for (const cut of cuts) {
    if (cut > at) yield readAt(at, cut - at);
    at = cut;
  }
}

function asDecompressError<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof ZstdFrameError ? new DecompressError(error.message, { cause: error }) : error;
  }
}

/** The unpacked blocks; the unpacker ends with them. Its errors become `DecompressError`. */
async function* unpack(unpacker: Unpacker, blocks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // An error can be raised again after the iteration has ended; without a listener that would end
  // the process.
  unpacker.on("error", () => {});
  let readFailure: { error: unknown } | undefined;
  const feeding = feed(unpacker, blocks).catch((error: unknown) => {
    readFailure = { error };
    unpacker.destroy();
  });
  try {
    yield* unpacker as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (readFailure === undefined) throw new DecompressError(messageOf(cause), { cause });
  } finally {
    unpacker.destroy();
    await feeding;
  }
  if (readFailure !== undefined) throw readFailure.error;
}

async function feed(unpacker: Unpacker, blocks: AsyncIterable<Uint8Array>): Promise<void> {
  // The callback of `write` does not come when the stream is destroyed meanwhile.
  const closed = new Promise<void>((resolve) => unpacker.once("close", () => resolve()));
  for await (const block of blocks) {
    if (unpacker.destroyed) return;
    if (!unpacker.write(block)) {
      await Promise.race([closed, new Promise<void>((resolve) => unpacker.once("drain", () => resolve()))]);
    }
  }
  unpacker.end();
}
