/** The layout of a local file of zstd frames (RFC 8878, section 3.1), without unpacking. */
export interface ZstdFrame {
  /** Offset of the first byte after the frame. */
  end: number;
  /** A skippable frame (section 3.1.2). */
  skippable: boolean;
  /** Offsets after its header, after each of its blocks, and after its checksum. */
  cuts: number[];
  /** Bytes it unpacks to, where its header says so. */
  contentSize: number | undefined;
}

/** The bytes are not zstd frames to their end. */
export class ZstdFrameError extends Error {}

/** `length` bytes from `offset` on; fewer where the file ends. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

const MAGIC = 0xfd2fb528;
/** The low four bits may be anything. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const RLE = 1, RESERVED = 3;

/**
 * The frame that begins at `offset`: every block header in it is read, which detects a cut file.
 * The decompressor of node:zlib cannot do that. Fails with `ZstdFrameError`.
 */
export function readZstdFrame(readAt: ReadAt, size: number, offset: number): ZstdFrame {
  const reader = new FieldReader(readAt, size, offset);
  const magic = reader.uint(4);
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
    reader.skip(reader.uint(4));
    return { end: reader.offset, skippable: true, cuts: [], contentSize: undefined };
  }
  if (magic !== MAGIC) throw new ZstdFrameError(`no zstd frame begins at byte ${offset}`);
  const { contentSize, hasChecksum } = readFrameHeader(reader);
  const cuts = [reader.offset];
  for (let last = false; !last;) {
    last = readBlock(reader);
    cuts.push(reader.offset);
  }
  if (hasChecksum) reader.skip(4);
  return { end: reader.offset, skippable: false, cuts: [...cuts, reader.offset], contentSize };
}

/** Section 3.1.1.1. */
function readFrameHeader(reader: FieldReader): { contentSize: number | undefined; hasChecksum: boolean } {
  const descriptor = reader.uint(1);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  if (!isSingleSegment) reader.skip(1); // window descriptor
  reader.skip([0, 1, 2, 4][descriptor & 3]!); // dictionary id
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 1 << sizeFlag;
  const contentSize = sizeBytes === 0 ? undefined : reader.uint(sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  return { contentSize, hasChecksum: (descriptor & 4) !== 0 };
}

/** Section 3.1.1.2; true for the last block. */
function readBlock(reader: FieldReader): boolean {
  const at = reader.offset;
  const header = reader.uint(3);
  const type = (header >> 1) & 3;
  if (type === RESERVED) throw new ZstdFrameError(`the zstd block at byte ${at} has a reserved type`);
  reader.skip(type === RLE ? 1 : header >> 3);
  return (header & 1) === 1;
}

class FieldReader {
  readonly #readAt: ReadAt;
  readonly #size: number;
  offset: number;

  constructor(readAt: ReadAt, size: number, offset: number) {
    this.#readAt = readAt;
    this.#size = size;
    this.offset = offset;
  }

  /** Little endian; one of 8 bytes is exact up to 2^53, beyond any file. */
  uint(length: number): number {
    const at = this.offset;
    this.skip(length);
    return this.#readAt(at, length).reduceRight((value, byte) => value * 256 + byte, 0);
  }

  skip(length: number): void {
    if (this.offset + length > this.#size) throw new ZstdFrameError(`cut within a zstd frame, at byte ${this.#size}`);
    this.offset += length;
  }
}
