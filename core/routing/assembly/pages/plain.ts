import { copyBytes } from "../bytes.ts";
import { Pointer } from "../memory.ts";
import { Bounds } from "./bounds.ts";
import { ChunkSource } from "./chunk_source.ts";
import { advanceOutput, outputEnd, reserve } from "./output.ts";
import { PhysicalType } from "./physical_type.ts";

/** PLAIN (Parquet, "Encodings": 0) of `count` values from `first` on, which are no texts. */
export function putPlain(source: ChunkSource, first: u32, count: u32): void {
  const values = source.values + first * source.slotBytes();
  switch (source.physicalType) {
    case PhysicalType.BOOLEAN:
      return putBooleans(values, count);
    case PhysicalType.FIXED:
      return putFixed(values, count, source.width);
    default: {
      const bytes = count * source.slotBytes();
      reserve(bytes);
      memory.copy(outputEnd(), values, bytes);
      advanceOutput(bytes);
    }
  }
}

/** The first in the lowest bit. */
function putBooleans(values: Pointer, count: u32): void {
  const bytes = (count + 7) >> 3;
  reserve(bytes);
  const start = outputEnd();
  memory.fill(start, 0, bytes);
  for (let i: u32 = 0; i < count; i++) {
    const at = start + (i >> 3);
    store<u8>(at, load<u8>(at) | (load<u32>(values + (i << 2)) & 1) << (i & 7));
  }
  advanceOutput(bytes);
}

/** What all texts of a chunk take, which has their places. */
export function plainTextBytes(source: ChunkSource): u32 {
  const arena = source.arena, places = source.values;
  let bytes: u32 = 0;
  for (let i: u32 = 0; i < source.valueCount; i++) bytes += 4 + load<u32>(arena + load<u32>(places + (i << 2)));
  return bytes;
}

/**
 * The same of texts, `bytesMax` at most, with their bounds: each is looked at once. The arena has
 * them as PLAIN does, a length and its bytes.
 */
export function putTexts(source: ChunkSource, first: u32, count: u32, bytesMax: u32, bounds: Bounds): void {
  const arena = source.arena, places = source.values + (first << 2);
  reserve(bytesMax);
  const start = outputEnd();
  let at = start;
  for (let i: u32 = 0; i < count; i++) {
    const text = arena + load<u32>(places + (i << 2));
    const length = load<u32>(text) + 4;
    copyBytes(at, text, length);
    at += length;
    bounds.addText(text);
  }
  advanceOutput(at - start);
}

function putFixed(values: Pointer, count: u32, width: u32): void {
  reserve(count * width);
  let at = outputEnd();
  const first = values + 16 - width;
  for (let i: u32 = 0; i < count; i++) {
    copyBytes(at, first + (i << 4), width);
    at += width;
  }
  advanceOutput(count * width);
}
