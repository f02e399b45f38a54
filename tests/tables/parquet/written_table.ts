import type { WrittenFile } from "../../../core/engine/copy.ts";
import { decimalToFixedBytes, type Value, valueToBytes } from "../../../core/iceberg/format/single_value.ts";
import type { Field } from "../../../core/iceberg/format/type.ts";
import { ChunkEncoder, type PageLimits, pageLimits } from "../../../core/routing/reader/chunk_encoder.ts";
import {
  compiledReader,
  HASH_KEY_BYTES,
  OVERRUN,
  ReaderInstance,
} from "../../../core/routing/reader/reader_instance.ts";
import { bloomFilterSize } from "../../../core/tables/write/parquet/bloom_filter.ts";
import type { EncodedChunk } from "../../../core/tables/write/parquet/encoded_chunk.ts";
import { ParquetFile } from "../../../core/tables/write/parquet/parquet_file.ts";
import { type ParquetLeaf, ParquetSchema, PHYSICAL } from "../../../core/tables/write/parquet/parquet_schema.ts";
import type { TableRow } from "./random_table.ts";
import { shred, type ShreddedLeaf } from "./shredded.ts";

export interface WriteOptions {
  /** Of a row group; all rows unless given. */
  groupRows?: number;
  limits?: Partial<PageLimits>;
  properties?: Record<string, string>;
}

const compiled = compiledReader();

/** Writes rows by the encoders, as the reader's columns are written. */
export function writeTable(
  path: string,
  fields: readonly Field[],
  rows: readonly TableRow[],
  { groupRows = Math.max(rows.length, 1), limits, properties = {} }: WriteOptions = {},
): WrittenFile {
  const file = new ParquetFile(path, new ParquetSchema(fields));
  const encoder = new ValueEncoder({ ...pageLimits(properties), ...limits }, properties);
  for (let from = 0; from < rows.length; from += groupRows) {
    const group = rows.slice(from, from + groupRows);
    const columns = shred(fields, group);
    file.writeRowGroup(group.length, (leaf, index) => encoder.encode(leaf, columns[index]!));
  }
  return file.finish([]);
}

/** Places of the fields of `ChunkSource` that the reader's columns fill by themselves. */
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

/** The encoders of reader.wasm on values of our own. */
class ValueEncoder {
  readonly #reader = new ReaderInstance(compiled, new Uint8Array(HASH_KEY_BYTES));
  readonly #encoder: ChunkEncoder;
  readonly #properties: Record<string, string>;
  readonly #blocks: [number, number][] = [];

  constructor(limits: PageLimits, properties: Record<string, string> = {}) {
    this.#encoder = new ChunkEncoder(this.#reader.calls, limits);
    this.#properties = properties;
  }

  encode(leaf: ParquetLeaf, values: ShreddedLeaf): EncodedChunk {
    for (const [at, size] of this.#blocks.splice(0)) this.#reader.calls.dealloc(at, size);
    const bloom = bloomFilterSize(this.#properties, leaf);
    return this.#encoder.encode(leaf, bloom, () => {
      this.#place(leaf, values);
      return this.#reader.calls.encodeChunk(this.#reader.calls.chunkSource());
    });
  }

  #place(leaf: ParquetLeaf, { definitions, repetitions, values }: ShreddedLeaf): void {
    const told: Partial<Record<keyof typeof SOURCE, number>> = {
      levelCount: definitions.length,
      definitions: this.#put(Uint8Array.from(definitions)),
      repetitions: this.#put(Uint8Array.from(repetitions)),
      valueCount: values.length,
      isNumbered: 0,
    };
    if (leaf.physical === PHYSICAL.byteArray) {
      this.#placeTexts(
        told,
        values.map((value) => valueToBytes(leaf.type, value)),
      );
    } else told.values = this.#put(slotsOf(leaf, values));
    const view = new DataView(this.#reader.bytes.buffer, this.#reader.calls.chunkSource());
    for (const [name, offset] of Object.entries(SOURCE)) {
      view.setUint32(offset, told[name as keyof typeof SOURCE] ?? 0, true);
    }
  }

  /** Numbered where a text comes twice, as the reader does it. */
  #placeTexts(told: Partial<Record<keyof typeof SOURCE, number>>, texts: readonly Uint8Array[]): void {
    const numbers = new Map<string, number>();
    const places: number[] = [], offsets: number[] = [], arena: number[] = [];
    const add = (text: Uint8Array) => {
      offsets.push(arena.length);
      arena.push(...new Uint8Array(Uint32Array.of(text.length).buffer), ...text);
      return offsets.length - 1;
    };
    for (const text of texts) {
      const key = text.toHex();
      const number = numbers.get(key) ?? add(text);
      numbers.set(key, number);
      places.push(number);
    }
    const isNumbered = numbers.size * 2 <= texts.length;
    told.arena = this.#put(Uint8Array.from(arena));
    told.isNumbered = isNumbered ? 1 : 0;
    told.offsets = this.#put(new Uint8Array(Uint32Array.from(offsets).buffer));
    told.numberCount = offsets.length;
    const slots = isNumbered ? places : places.map((number) => offsets[number]!);
    told.values = this.#put(new Uint8Array(Uint32Array.from(slots).buffer));
  }

  #put(bytes: Uint8Array): number {
    const size = bytes.length + OVERRUN;
    const at = this.#reader.calls.alloc(size);
    this.#blocks.push([at, size]);
    this.#reader.bytes.set(bytes, at);
    return at;
  }
}

/** Values in slots, as `ChunkSource` has them. */
function slotsOf({ physical, type }: ParquetLeaf, values: readonly Value[]): Uint8Array {
  switch (physical) {
    case PHYSICAL.boolean:
      return new Uint8Array(Int32Array.from(values, Number).buffer);
    case PHYSICAL.int32:
      return new Uint8Array(Int32Array.from(values, Number).buffer);
    case PHYSICAL.int64:
      return new Uint8Array(BigInt64Array.from(values as bigint[]).buffer);
    case PHYSICAL.float:
      return new Uint8Array(Float32Array.from(values as number[]).buffer);
    case PHYSICAL.double:
      return new Uint8Array(Float64Array.from(values as number[]).buffer);
    default: {
      const slots = new Uint8Array(values.length * 16);
      for (const [i, value] of values.entries()) {
        const bytes = type.type === "decimal" ? decimalToFixedBytes(value as bigint, 16) : valueToBytes(type, value);
        slots.set(bytes, (i + 1) * 16 - bytes.length);
      }
      return slots;
    }
  }
}
