import { type BloomFilterSize } from "../../tables/write/parquet/bloom_filter.ts";
import {
  BOUND_HEAD_BYTES,
  type ByteBounds,
  type EncodedChunk,
  type EncodedPage,
} from "../../tables/write/parquet/encoded_chunk.ts";
import { type ParquetLeaf, PHYSICAL } from "../../tables/write/parquet/parquet_schema.ts";

/** The compiled encoders (`assembly/pages`), as far as they are called from here. */
export interface EncoderExports {
  readonly memory: WebAssembly.Memory;
  /** Where a `ChunkSource` is to be filled. */
  chunkSource(): number;
}

/** How pages are cut, and what they may be encoded by. */
export interface PageLimits {
  rowsMax: number;
  bytesMax: number;
  dictionaryBytesMax: number;
  delta: boolean;
}

/** A table property: "true" where every reader knows DELTA_BINARY_PACKED. */
const DELTA = "write.parquet.delta-encoding-enabled";

/** The first three are the reference implementation's. */
const PAGE_LIMITS: PageLimits = { rowsMax: 20_000, bytesMax: 1 << 20, dictionaryBytesMax: 2 << 20, delta: false };

/** What a table's properties ask for. */
export function pageLimits(properties: Readonly<Record<string, string>>): PageLimits {
  return { ...PAGE_LIMITS, delta: properties[DELTA]?.toLowerCase() === "true" };
}

/** Offsets of the fields of `ChunkSource` that are told from here. */
const SOURCE = {
  physicalType: 0,
  width: 4,
  isSigned: 8,
  maxDefinition: 12,
  maxRepetition: 16,
  pageRowsMax: 56,
  pageBytesMax: 60,
  dictionaryBytesMax: 64,
  isDeltaAllowed: 68,
  bloomBytesMax: 72,
  bloomValues: 76,
  bloomBitsPerValue: 80,
} as const;

/** Words of what `encodeChunk` made, of a page, and of bounds. */
const CHUNK = { encoding: 0, dictionaryBytes: 1, dictionaryValues: 2, pageCount: 3, pages: 4, output: 5 } as const;
const CHUNK_BLOOM = { start: 6, bytes: 7 } as const;
const CHUNK_BOUNDS = 8;
const PAGE = { start: 0, bytes: 1, levels: 2, rows: 3, values: 4 } as const;
const PAGE_BOUNDS = 6;
const PAGE_WORDS = 16;
const BOUNDS = { found: 0, nans: 1, low: 2, lowLength: 3, high: 4, highLength: 5, lowBits: 6, highBits: 8 } as const;

/** Tells the encoders what a leaf is, and reads what they made of its values. */
export class ChunkEncoder {
  readonly #exports: EncoderExports;
  readonly #limits: PageLimits;

  constructor(exports: EncoderExports, limits: PageLimits) {
    this.#exports = exports;
    this.#limits = limits;
  }

  /** `run` encodes the values of the leaf, and tells where what was made stands. */
  encode(leaf: ParquetLeaf, bloom: BloomFilterSize | undefined, run: () => number): EncodedChunk {
    this.#describe(leaf, bloom);
    return readChunk(this.#exports.memory, leaf, run() >>> 0);
  }

  #describe(leaf: ParquetLeaf, bloom: BloomFilterSize | undefined): void {
    const source = this.#exports.chunkSource() >>> 0;
    const view = new DataView(this.#exports.memory.buffer, source);
    const set = (offset: number, value: number) => view.setUint32(offset, value, true);
    set(SOURCE.physicalType, leaf.physical);
    set(SOURCE.width, leaf.width);
    set(SOURCE.isSigned, leaf.type.type === "decimal" ? 1 : 0);
    set(SOURCE.maxDefinition, leaf.maxDefinition);
    set(SOURCE.maxRepetition, leaf.maxRepetition);
    set(SOURCE.pageRowsMax, this.#limits.rowsMax);
    set(SOURCE.pageBytesMax, this.#limits.bytesMax);
    set(SOURCE.dictionaryBytesMax, this.#limits.dictionaryBytesMax);
    set(SOURCE.isDeltaAllowed, this.#limits.delta ? 1 : 0);
    set(SOURCE.bloomBytesMax, bloom?.bytesMax ?? 0);
    set(SOURCE.bloomValues, bloom?.values ?? 0);
    view.setFloat64(SOURCE.bloomBitsPerValue, bloom?.bitsPerValue ?? 0, true);
  }
}

function readChunk({ buffer }: WebAssembly.Memory, leaf: ParquetLeaf, at: number): EncodedChunk {
  const words = new Uint32Array(buffer), chunk = at >>> 2;
  const word = (index: number) => words[chunk + index]!;
  const output = word(CHUNK.output), pages = word(CHUNK.pages) >>> 2;
  const bytes = (start: number, length: number) => new Uint8Array(buffer, start, length);
  const dictionaryValues = word(CHUNK.dictionaryValues);
  const encoded = Array.from({ length: word(CHUNK.pageCount) }, (_, index): EncodedPage => {
    const page = pages + index * PAGE_WORDS;
    return {
      bytes: bytes(output + words[page + PAGE.start]!, words[page + PAGE.bytes]!),
      levels: words[page + PAGE.levels]!,
      rows: words[page + PAGE.rows]!,
      values: words[page + PAGE.values]!,
      nans: words[page + PAGE_BOUNDS + BOUNDS.nans]!,
      bounds: readBounds(words, leaf, page + PAGE_BOUNDS),
    };
  });
  return {
    encoding: word(CHUNK.encoding),
    dictionary: dictionaryValues === 0
      ? undefined
      : { bytes: bytes(output, word(CHUNK.dictionaryBytes)), values: dictionaryValues },
    pages: encoded,
    bounds: encoded.length === 1 ? encoded[0]!.bounds : readBounds(words, leaf, chunk + CHUNK_BOUNDS),
    bloomFilter: word(CHUNK_BLOOM.bytes) === 0 ? undefined : bytes(word(CHUNK_BLOOM.start), word(CHUNK_BLOOM.bytes)),
  };
}

/** Copies: the next chunk takes the memory. */
function readBounds(words: Uint32Array<ArrayBufferLike>, leaf: ParquetLeaf, at: number): ByteBounds | undefined {
  if (words[at + BOUNDS.found] === 0) return undefined;
  const copy = (start: number, length: number) => new Uint8Array(words.buffer, start, length).slice();
  if (leaf.physical === PHYSICAL.byteArray || leaf.physical === PHYSICAL.fixed) {
    const text = (start: number, length: number) =>
      copy(words[at + start]!, Math.min(words[at + length]!, BOUND_HEAD_BYTES));
    return { min: text(BOUNDS.low, BOUNDS.lowLength), max: text(BOUNDS.high, BOUNDS.highLength) };
  }
  const width = leaf.physical === PHYSICAL.boolean ? 1 : is64Bits(leaf) ? 8 : 4;
  return { min: copy((at + BOUNDS.lowBits) << 2, width), max: copy((at + BOUNDS.highBits) << 2, width) };
}

function is64Bits({ physical }: ParquetLeaf): boolean {
  return physical === PHYSICAL.int64 || physical === PHYSICAL.double;
}
