import { Buffer } from "node:buffer";
import { createGunzip, createZstdDecompress, gunzipSync, zstdDecompressSync } from "node:zlib";
import { messageOf } from "../base/errors.ts";
import { readFileBlocks, writeFileBlocks } from "./scratch.ts";
import { readZstdFrame, ZstdFrameError } from "./zstd_frame.ts";

export type Compression = "none" | "gzip" | "zstd";

/** The compressed bytes are not what their format says. */
export class DecompressError extends Error {}

type Unpacker = ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>;

/** Bytes that come out of a decompressor at once. */
const CHUNK_BYTES = 1 << 18;

/**
 * Unpacks a local file to another, in bounded memory. Fails with `DecompressError` where it is
 * empty, cut, damaged, or followed by other bytes; several gzip members or zstd frames in a row are
 * one file (RFC 1952, section 2.2; RFC 8878, section 3.1). Returns the size of what came out, in
 * bytes.
 */
export async function decompressFile(source: string, target: string, compression: "gzip" | "zstd"): Promise<number> {
  const size = (await Deno.stat(source)).size;
  if (size === 0) throw new DecompressError(`not ${compression}: the file is empty`);
  return await writeFileBlocks(target, compression === "gzip" ? gunzip(source, size) : unzstd(source, size));
}

/**
 * The same in memory, many times quicker for small files, up to `sizeMax` bytes. Undefined where
 * more would come out, where the bytes are not sound, or several gzip members: `decompressFile`
 * unpacks them, or says what is wrong.
 */
export function decompressBytes(
  bytes: Uint8Array,
  compression: "gzip" | "zstd",
  sizeMax: number,
): Uint8Array | undefined {
  try {
    const unpacked = compression === "gzip" ? gunzipBytes(bytes, sizeMax) : unzstdBytes(bytes, sizeMax);
    return unpacked !== undefined && unpacked.length <= sizeMax ? unpacked : undefined;
  } catch {
    return undefined;
  }
}

function gunzipBytes(bytes: Uint8Array, sizeMax: number): Uint8Array | undefined {
  if (bytes.length < 18) return undefined;
  // The last four bytes of a member are its size (RFC 1952, section 2.3.1). Of several members, or
  // before padding, that is not what comes out.
  const size = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(bytes.length - 4, true);
  if (size > sizeMax) return undefined;
  // One chunk with room for all of it; by default it is 16 KB for the smallest file.
  const unpacked = gunzipSync(bytes, { maxOutputLength: Math.max(size, 1), chunkSize: Math.max(size, 64) });
  return unpacked.length === size ? unpacked : undefined;
}

function unzstdBytes(bytes: Uint8Array, sizeMax: number): Uint8Array | undefined {
  const readAt = (offset: number, length: number) => bytes.subarray(offset, offset + length);
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let offset = 0; offset < bytes.length;) {
    const { end, skippable, contentSize } = readZstdFrame(readAt, bytes.length, offset);
    if (!skippable) {
      const part = zstdDecompressSync(bytes.subarray(offset, end), { maxOutputLength: Math.max(sizeMax - size, 1) });
      if (part.length !== (contentSize ?? part.length)) return undefined;
      size += part.length;
      parts.push(part);
    }
    offset = end;
  }
  return parts.length === 0 ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

async function* gunzip(source: string, size: number): AsyncGenerator<Uint8Array> {
  const unpacker = createGunzip({ chunkSize: CHUNK_BYTES });
  yield* unpack(unpacker, readFileBlocks(source));
  // It goes on to the next member by itself, but takes zeros after the last one for padding and
  // ends there.
  if (unpacker.bytesWritten !== size) {
    throw new DecompressError(`not gzip to its end: other bytes follow at byte ${unpacker.bytesWritten}`);
  }
}

/**
 * A decompressor a frame: the one of node:zlib ends quietly after the first of several frames, and
 * on a cut one. So frames are found beforehand, and the size that a frame's header promises is
 * checked here.
 */
async function* unzstd(source: string, size: number): AsyncGenerator<Uint8Array> {
  const file = await Deno.open(source, { read: true });
  const readAt = (offset: number, length: number) => {
    const bytes = new Uint8Array(length);
    file.seekSync(offset, Deno.SeekMode.Start);
    let filled = 0;
    for (let count; filled < length && (count = file.readSync(bytes.subarray(filled))) !== null;) filled += count;
    return bytes.subarray(0, filled);
  };
  try {
    for (let offset = 0; offset < size;) {
      const frame = asDecompressError(() => readZstdFrame(readAt, size, offset));
      if (!frame.skippable) {
        let unpacked = 0;
        const blocks = readFileBlocks(source, offset, frame.end);
        for await (const block of unpack(createZstdDecompress({ chunkSize: CHUNK_BYTES }), blocks)) {
          unpacked += block.length;
          yield block;
        }
        if (unpacked !== (frame.contentSize ?? unpacked)) {
          throw new DecompressError(
            `the zstd frame at byte ${offset} holds ${unpacked} bytes, not ${frame.contentSize}`,
          );
        }
      }
      offset = frame.end;
    }
  } finally {
    file.close();
  }
}

function asDecompressError<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof ZstdFrameError ? new DecompressError(error.message, { cause: error }) : error;
  }
}

/**
 * What the unpacker makes of the blocks; it is ended where they end. Its own errors become
 * `DecompressError`.
 */
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
