import { decimalToFixedBytes, type Value, valueToBytes } from "../../iceberg/format/single_value.ts";
import { bloomFilterSize } from "../../tables/write/parquet/bloom_filter.ts";
import type { EncodedChunk } from "../../tables/write/parquet/encoded_chunk.ts";
import { type ParquetLeaf, PHYSICAL } from "../../tables/write/parquet/parquet_schema.ts";
import { ChunkEncoder, type PageLimits, pageLimits } from "./chunk_encoder.ts";
import { OVERRUN, type ReaderInstance } from "./reader_instance.ts";

/** A leaf's values for one row group, with Dremel's levels. */
export interface LeafValues {
  definitions: readonly number[];
  repetitions: readonly number[];
  /** Without nulls of any level. */
  values: readonly Value[];
}

/** Offsets of the fields of `ChunkSource` that the reader fills by itself for its own columns. */
const SOURCE = {
  levelCount: 20,
  definitions: 24,
  repetitions: 28,
  valueCount: 32,
  values: 36,
  arena: 40,
  isNumbered: 44,
  offsets: 48,
  numberCount: 52,
} as const;

type Source = Partial<Record<keyof typeof SOURCE, number>>;

/** A fixed-length value has the last bytes of so many. */
const FIXED_SLOT_BYTES = 16;

/** Encodes values that have not come through the reader, by the same encoders as its columns. */
export class ValueEncoder {
  readonly #reader: ReaderInstance;
  readonly #encoder: ChunkEncoder;
  readonly #properties: Readonly<Record<string, string>>;
  readonly #blocks: [at: number, size: number][] = [];

  /** `properties` are the table's. */
  constructor(
    reader: ReaderInstance,
    properties: Readonly<Record<string, string>>,
    limits: PageLimits = pageLimits(properties),
  ) {
    this.#reader = reader;
    this.#encoder = new ChunkEncoder(reader.calls, limits);
    this.#properties = properties;
  }

  /** What it returns is valid until the next call. */
  encode(leaf: ParquetLeaf, values: LeafValues): EncodedChunk {
    const { calls } = this.#reader;
    try {
      return this.#encoder.encode(leaf, bloomFilterSize(this.#properties, leaf), () => {
        this.#place(leaf, values);
        return calls.encodeChunk(calls.chunkSource());
      });
    } finally {
      for (const [at, size] of this.#blocks.splice(0)) calls.dealloc(at, size);
    }
  }

  #place(leaf: ParquetLeaf, { definitions, repetitions, values }: LeafValues): void {
    const source: Source = {
      levelCount: definitions.length,
      definitions: this.#put(Uint8Array.from(definitions)),
      repetitions: this.#put(Uint8Array.from(repetitions)),
      valueCount: values.length,
      isNumbered: 0,
      ...(leaf.physical === PHYSICAL.byteArray
        ? this.#placeTexts(leaf, values)
        : { values: this.#put(slotsOf(leaf, values)) }),
    };
    const at = this.#reader.calls.chunkSource();
    const view = new DataView(this.#reader.bytes.buffer, at);
    for (const [name, offset] of Object.entries(SOURCE)) {
      view.setUint32(offset, source[name as keyof typeof SOURCE] ?? 0, true);
    }
  }

  /** Numbered where a text comes twice, as the reader does it. */
  #placeTexts(leaf: ParquetLeaf, values: readonly Value[]): Source {
    const numbers = new Map<string, number>();
    const texts: Uint8Array[] = [];
    const places = values.map((value) => {
      const key = value instanceof Uint8Array ? value.toHex() : value as string;
      const known = numbers.get(key);
      if (known !== undefined) return known;
      numbers.set(key, texts.length);
      return texts.push(valueToBytes(leaf.type, value)) - 1;
    });
    const { arena, offsets } = arenaOf(texts);
    const isNumbered = texts.length * 2 <= values.length;
    const slots = isNumbered ? places : places.map((number) => offsets[number]!);
    return {
      values: this.#put(bytesOf(Uint32Array.from(slots))),
      arena: this.#put(arena),
      isNumbered: isNumbered ? 1 : 0,
      offsets: this.#put(bytesOf(offsets)),
      numberCount: texts.length,
    };
  }

  #put(bytes: Uint8Array): number {
    const size = bytes.length + OVERRUN;
    const at = this.#reader.calls.alloc(size);
    this.#blocks.push([at, size]);
    this.#reader.bytes.set(bytes, at);
    return at;
  }
}

/** Texts one after another, each behind its length, and where each stands. */
function arenaOf(texts: readonly Uint8Array[]): { arena: Uint8Array; offsets: Uint32Array } {
  const arena = new Uint8Array(texts.reduce((sum, { length }) => sum + 4 + length, 0));
  const view = new DataView(arena.buffer);
  let at = 0;
  const offsets = Uint32Array.from(texts, (text) => {
    const offset = at;
    view.setUint32(at, text.length, true);
    arena.set(text, at + 4);
    at += 4 + text.length;
    return offset;
  });
  return { arena, offsets };
}

/** Values in slots, as `ChunkSource` has them. */
function slotsOf({ physical, type }: ParquetLeaf, values: readonly Value[]): Uint8Array {
  switch (physical) {
    case PHYSICAL.boolean:
    case PHYSICAL.int32:
      return bytesOf(Int32Array.from(values, Number));
    case PHYSICAL.int64:
      return bytesOf(BigInt64Array.from(values as bigint[]));
    case PHYSICAL.float:
      return bytesOf(Float32Array.from(values as number[]));
    case PHYSICAL.double:
      return bytesOf(Float64Array.from(values as number[]));
    default: {
      const slots = new Uint8Array(values.length * FIXED_SLOT_BYTES);
      for (const [index, value] of values.entries()) {
        const bytes = type.type === "decimal"
          ? decimalToFixedBytes(value as bigint, FIXED_SLOT_BYTES)
          : valueToBytes(type, value);
        slots.set(bytes, (index + 1) * FIXED_SLOT_BYTES - bytes.length);
      }
      return slots;
    }
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
