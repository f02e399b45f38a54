import { crc32, zstdDecompressSync } from "node:zlib";
import { CompactReader } from "./compact_reader.ts";
import { type ParquetChunk, Struct } from "./parquet_chunks.ts";

/** A whole number, a text, or null. */
export type FlatValue = bigint | string | null;

/** By their numbers in parquet.thrift. */
const PHYSICAL = { int32: 1, int64: 2, byteArray: 6 } as const;
const CODEC = { uncompressed: 0, zstd: 6 } as const;
const ENCODING = { plain: 0, plainDictionary: 2, rle: 3, rleDictionary: 8 } as const;
const PAGE_TYPE = { data: 0, dictionary: 2 } as const;
/** Fields of PageHeader, and of the headers in it. */
const HEADER = { type: 1, rawBytes: 2, storedBytes: 3, crc: 4, data: 5, dictionary: 7 } as const;
const PAGE = { values: 1, encoding: 2, levelEncoding: 3 } as const;
/** A page is refused that unpacks to more. */
const PAGE_BYTES_MAX = 64 << 20;
/** A chunk of more values is not for this reader. */
const VALUES_MAX = 1 << 20;
const BITS_MAX = 32;
/** Of a run's header: no more than five bytes of seven bits. */
const HEADER_BITS_MAX = 35;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The values of a chunk. `RangeError` where only another reader understands it. */
export function chunkValues(file: Uint8Array, chunk: ParquetChunk): FlatValue[] {
  if (chunk.values > VALUES_MAX) throw new RangeError("too many values");
  const values: FlatValue[] = [];
  let dictionary: FlatValue[] | undefined;
  for (let at = chunk.start; values.length < chunk.values;) {
    if (at >= chunk.end) throw new RangeError("fewer values than were told");
    const page = readPage(file, at, chunk);
    at = page.end;
    const { type, header, bytes } = page;
    const count = header.size(PAGE.values), encoding = header.needed(PAGE.encoding);
    if (type === PAGE_TYPE.dictionary) dictionary = plainValues(bytes, 0, count, chunk.physical);
    else {
      if (count > chunk.values - values.length) throw new RangeError("more values than were told");
      const { present, start } = presence(bytes, count, chunk, header);
      const found = dataValues(bytes, start, present.filter(Boolean).length, { chunk, encoding, dictionary });
      let next = 0;
      for (const isThere of present) values.push(isThere ? found[next++]! : null);
    }
  }
  return values;
}

interface Page {
  type: number;
  header: Struct;
  bytes: Uint8Array;
  end: number;
}

function readPage(file: Uint8Array, at: number, { codec, end: chunkEnd }: ParquetChunk): Page {
  const thrift = new CompactReader(file.subarray(at, chunkEnd));
  const header = new Struct(thrift, thrift.fields());
  const start = at + thrift.pos, end = start + header.size(HEADER.storedBytes);
  const type = header.needed(HEADER.type), rawBytes = header.size(HEADER.rawBytes);
  if (end > chunkEnd || rawBytes > PAGE_BYTES_MAX) throw new RangeError("a page that does not fit");
  const stored = file.subarray(start, end);
  if (header.has(HEADER.crc) && (crc32(stored) | 0) !== header.needed(HEADER.crc)) throw new RangeError("damaged");
  const bytes = codec === CODEC.zstd && rawBytes > 0 ? unpacked(stored, rawBytes) : stored;
  if (codec !== CODEC.zstd && codec !== CODEC.uncompressed) throw new RangeError("another compression");
  if (bytes.length !== rawBytes) throw new RangeError("a page of another size");
  if (type !== PAGE_TYPE.data && type !== PAGE_TYPE.dictionary) throw new RangeError("another kind of page");
  return { type, header: header.struct(type === PAGE_TYPE.data ? HEADER.data : HEADER.dictionary), bytes, end };
}

function unpacked(stored: Uint8Array, rawBytes: number): Uint8Array {
  try {
    return zstdDecompressSync(stored, { maxOutputLength: rawBytes }) as Uint8Array;
  } catch {
    throw new RangeError("damaged");
  }
}

/** Which values are not null, and where they begin. */
function presence(
  bytes: Uint8Array,
  count: number,
  { isOptional }: ParquetChunk,
  header: Struct,
): { present: boolean[]; start: number } {
  if (!isOptional) return { present: new Array(count).fill(true), start: 0 };
  if (header.needed(PAGE.levelEncoding) !== ENCODING.rle) throw new RangeError("other levels");
  const length = viewOf(bytes, 0, 4).getUint32(0, true), start = 4 + length;
  if (start > bytes.length) throw new RangeError("levels longer than the page");
  return { present: hybridValues(bytes.subarray(4, start), 1, count).map((level) => level === 1), start };
}

function dataValues(
  bytes: Uint8Array,
  start: number,
  count: number,
  { chunk, encoding, dictionary }: { chunk: ParquetChunk; encoding: number; dictionary: FlatValue[] | undefined },
): FlatValue[] {
  if (encoding === ENCODING.plain) return plainValues(bytes, start, count, chunk.physical);
  const isDictionary = encoding === ENCODING.rleDictionary || encoding === ENCODING.plainDictionary;
  if (!isDictionary || dictionary === undefined) throw new RangeError("another encoding");
  if (count === 0) return [];
  const bits = viewOf(bytes, start, 1).getUint8(0);
  return hybridValues(bytes.subarray(start + 1), bits, count).map((index) => {
    const value = dictionary[index];
    if (value === undefined) throw new RangeError("no such value");
    return value;
  });
}

function plainValues(bytes: Uint8Array, start: number, count: number, physical: number): FlatValue[] {
  const values: FlatValue[] = [];
  let at = start;
  const take = (length: number) => {
    const view = viewOf(bytes, at, length);
    at += length;
    return view;
  };
  while (values.length < count) {
    if (physical === PHYSICAL.int64) values.push(take(8).getBigInt64(0, true));
    else if (physical === PHYSICAL.int32) values.push(BigInt(take(4).getInt32(0, true)));
    else if (physical === PHYSICAL.byteArray) values.push(textOf(take(take(4).getUint32(0, true))));
    else throw new RangeError("another type");
  }
  return values;
}

function textOf(view: DataView): string {
  try {
    return decoder.decode(view);
  } catch {
    throw new RangeError("no text");
  }
}

/** Runs of one value, and groups of eight that are packed in bits (Encodings.md, "RLE"). */
function hybridValues(bytes: Uint8Array, bits: number, count: number): number[] {
  if (bits > BITS_MAX) throw new RangeError("too many bits");
  const values: number[] = [];
  const width = Math.ceil(bits / 8);
  let at = 0;
  while (values.length < count) {
    let header = 0, byte = 0x80;
    for (let shift = 0; byte >= 0x80; shift += 7) {
      if (shift >= HEADER_BITS_MAX) throw new RangeError("a run without end");
      byte = viewOf(bytes, at++, 1).getUint8(0);
      header += (byte & 0x7f) * 2 ** shift;
    }
    const left = count - values.length;
    if (header % 2 === 0) {
      const view = viewOf(bytes, at, width);
      at += width;
      let value = 0;
      for (let i = 0; i < width; i++) value += view.getUint8(i) * 256 ** i;
      for (let i = Math.min(left, header / 2); i > 0; i--) values.push(value);
      if (header === 0) throw new RangeError("a run of nothing");
    } else {
      const groups = (header - 1) / 2;
      const packed = bytes.subarray(at, at + groups * bits);
      at += groups * bits;
      const wanted = Math.min(left, groups * 8);
      if (packed.length * 8 < wanted * bits) throw new RangeError("the page ends too soon");
      for (let i = 0; i < wanted; i++) values.push(packedValue(packed, i * bits, bits));
      if (groups === 0) throw new RangeError("a run of nothing");
    }
  }
  return values;
}

function packedValue(packed: Uint8Array, from: number, bits: number): number {
  let value = 0;
  for (let bit = 0; bit < bits; bit++) {
    const at = from + bit;
    if ((packed[at >> 3]! >> (at & 7)) & 1) value += 2 ** bit;
  }
  return value;
}

function viewOf(bytes: Uint8Array, at: number, length: number): DataView {
  if (at + length > bytes.length) throw new RangeError("the page ends too soon");
  return new DataView(bytes.buffer, bytes.byteOffset + at, length);
}
