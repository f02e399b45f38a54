import { Pointer } from "../memory.ts";
import { ChunkSource } from "./chunk_source.ts";

/** Where the page ends that begins at a level: set by `cutPage`. */
export let cutLevel: u32 = 0;
/** And in values. */
export let cutValue: u32 = 0;
/** Its rows. */
export let cutRows: u32 = 0;
/** Its bytes at most, where its values are texts in PLAIN. */
export let cutBytes: u32 = 0;

/**
 * Finds the end of a page: so many rows or bytes, and always whole rows, as a page index needs it.
 * `indexBits` are those of a value in a dictionary, or 0.
 */
export function cutPage(source: ChunkSource, level: u32, value: u32, indexBits: u32): void {
  cutLevel = level;
  cutValue = value;
  cutRows = 0;
  if (source.maxRepetition == 0 && (indexBits || !source.isText())) return cutFlat(source, level, value);
  const levelCount = source.levelCount;
  const pageRowsMax = source.pageRowsMax;
  const pageBytesMax = source.pageBytesMax;
  let bytes: u32 = 0;
  while (cutLevel < levelCount && cutRows < pageRowsMax && bytes < pageBytesMax) {
    do {
      // A level and an empty list take a byte at most.
      bytes++;
      if (!source.maxDefinition || load<u8>(source.definitions + cutLevel) == <u8> source.maxDefinition) {
        bytes += bytesOf(source, cutValue++, indexBits);
      }
      cutLevel++;
    } while (source.maxRepetition && cutLevel < levelCount && load<u8>(source.repetitions + cutLevel));
    cutRows++;
  }
  cutBytes = bytes;
}

@inline
function bytesOf(source: ChunkSource, value: u32, indexBits: u32): u32 {
  if (indexBits) return (indexBits + 7) >> 3;
  if (!source.isText()) return source.plainBytes();
  return 4 + load<u32>(source.arena + load<u32>(source.values + (value << 2)));
}

/** A level is a row, and all values have one size. */
function cutFlat(source: ChunkSource, level: u32, value: u32): void {
  const rowsMax = min(source.pageRowsMax, max(1, source.pageBytesMax / source.plainBytes()));
  cutRows = min(source.levelCount - level, rowsMax);
  cutLevel = level + cutRows;
  const present = source.maxDefinition
    ? countEqual(source.definitions + level, cutRows, source.maxDefinition)
    : cutRows;
  cutValue = value + present;
}

function countEqual(levels: Pointer, count: u32, wanted: u32): u32 {
  const all = i8x16.splat(<i8> wanted);
  let found: u32 = 0, i: u32 = 0;
  for (; i + 16 <= count; i += 16) found += popcnt(i8x16.bitmask(i8x16.eq(v128.load(levels + i), all)));
  for (; i < count; i++) if (load<u8>(levels + i) == <u8> wanted) found++;
  return found;
}
