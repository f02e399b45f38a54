import { alloc, Pointer, realloc } from "../memory.ts";
import { Table } from "../table.ts";
import { addToBloomFilter, bloomFilterBytes, bloomFilterStart, clearBloomFilter } from "./bloom_filter.ts";
import { Bounds, mergeBounds } from "./bounds.ts";
import { ChunkSource, chunkSource } from "./chunk_source.ts";
import { putDelta } from "./delta.ts";
import { gather } from "./gather.ts";
import { bitWidth, putHybrid, putLevels } from "./hybrid.ts";
import { clearOutput, cutOutput, outputLength, outputStart, putByte, reserve } from "./output.ts";
import { addTextsToBounds, addToBounds, prepareSeen } from "./page_bounds.ts";
import { cutBytes, cutLevel, cutPage, cutRows, cutValue } from "./page_cut.ts";
import { Encoding, PhysicalType } from "./physical_type.ts";
import { plainTextBytes, putPlain, putTexts } from "./plain.ts";
import { indexWords, makeDictionary } from "./value_dictionary.ts";

/** Values that are encoded to see what DELTA_BINARY_PACKED makes of them. */
const DELTA_TRIAL: u32 = 4096;
/**
 * What it takes of PLAIN's bytes must be less than one in so many. Compression makes nothing more
 * of it, but much of PLAIN: instants in milliseconds took a third more where they were packed to 38
 * of 64 bits.
 */
const DELTA_SAVES: f64 = 4;
/** Fewer take less than its headers are worth. */
const DELTA_VALUES_MIN: u32 = 64;
const PAGES_FIRST: u32 = 64;

/** A page in the output, not compressed; its bounds follow it. The other side reads both. */
@unmanaged
class Page {
  start: u32;
  bytes: u32;
  levels: u32;
  rows: u32;
  values: u32;
  padding: u32;
}

const PAGE_BYTES: u32 = offsetof<Page>() + offsetof<Bounds>();

/** What `encodeChunk` made; the chunk's bounds follow it. The other side reads both. */
@unmanaged
class Chunk {
  encoding: i32;
  /** At the start of the output; 0 where there is no dictionary. */
  dictionaryBytes: u32;
  dictionaryValues: u32;
  pageCount: u32;
  pages: Pointer;
  output: Pointer;
  bloomFilter: Pointer;
  bloomBytes: u32;
}

const CHUNK = changetype<Chunk>(<u32> memory.data(offsetof<Chunk>() + offsetof<Bounds>(), 8));
const CHUNK_BOUNDS = changetype<Bounds>(changetype<Pointer>(CHUNK) + offsetof<Chunk>());

let pages: Pointer = 0;
let pageCapacity: u32 = 0;
/** Of the chunk's values in its dictionary. */
let indices: Pointer = 0;
let indexBits: u32 = 0;

/** Encodes a column of one partition: `chunkSource` says how. */
export function encodeColumn(table: Table, index: i32, partition: i32): Pointer {
  gather(table, table.column(index), partition);
  return encodeChunk(chunkSource());
}

/** Encodes a leaf's values for one row group: a dictionary page, if it pays, and data pages. */
export function encodeChunk(source: ChunkSource): Pointer {
  clearOutput();
  const dictionaryValues = makeDictionary(source);
  CHUNK.dictionaryBytes = outputLength();
  CHUNK.dictionaryValues = dictionaryValues;
  indexBits = dictionaryValues == 0 ? 0 : max(bitWidth(dictionaryValues - 1), 1);
  CHUNK.encoding = chooseEncoding(source);
  if (CHUNK.encoding == Encoding.RLE_DICTIONARY) {
    indices = indexWords(source.valueCount);
    if (source.isText()) prepareSeen(dictionaryValues);
  } else if (source.isNumbered) toPlaces(source);
  putPages(source);
  CHUNK.pages = pages;
  CHUNK.output = outputStart();
  fillBloomFilter(source);
  return changetype<Pointer>(CHUNK);
}

function chooseEncoding(source: ChunkSource): i32 {
  const valueCount = source.valueCount;
  const isInteger = source.physicalType == PhysicalType.INT32 || source.physicalType == PhysicalType.INT64;
  const mayBeDelta = source.isDeltaAllowed && isInteger && valueCount >= DELTA_VALUES_MIN;
  const packed = mayBeDelta ? deltaBytes(source) : <f64> Infinity;
  if (indexBits) {
    const indexed = <f64> CHUNK.dictionaryBytes + <f64> valueCount * indexBits / 8;
    // Readers can find values by a dictionary, so it goes unless it takes twice as much.
    if (packed * 2 > indexed) return Encoding.RLE_DICTIONARY;
    cutOutput(0);
    CHUNK.dictionaryBytes = CHUNK.dictionaryValues = indexBits = 0;
    return Encoding.DELTA_BINARY_PACKED;
  }
  return packed * DELTA_SAVES < <f64> valueCount * source.slotBytes() ? Encoding.DELTA_BINARY_PACKED : Encoding.PLAIN;
}

/** What DELTA_BINARY_PACKED would take, judged by the first values. */
function deltaBytes(source: ChunkSource): f64 {
  const start = outputLength(), count = min(source.valueCount, DELTA_TRIAL);
  putDeltas(source, 0, count);
  const bytes = <f64> (outputLength() - start) * source.valueCount / count;
  cutOutput(start);
  return bytes;
}

function putDeltas(source: ChunkSource, first: u32, count: u32): void {
  if (source.physicalType == PhysicalType.INT64) putDelta<i64>(source.values + (first << 3), count);
  else putDelta<i32>(source.values + (first << 2), count);
}

/** Texts by their places instead of their numbers, where no dictionary is written. */
function toPlaces(source: ChunkSource): void {
  const places = indexWords(source.valueCount);
  for (let i: u32 = 0; i < source.valueCount; i++) {
    const number = load<u32>(source.values + (i << 2));
    store<u32>(places + (i << 2), load<u32>(source.offsets + (number << 2)));
  }
  source.values = places;
  source.isNumbered = 0;
}

function putPages(source: ChunkSource): void {
  let count: u32 = 0, level: u32 = 0, value: u32 = 0;
  CHUNK_BOUNDS.clear();
  // Growing page by page would move the pages of long texts again and again.
  if (CHUNK.encoding == Encoding.PLAIN && source.isText()) reserve(plainTextBytes(source) + source.levelCount);
  while (level < source.levelCount) {
    cutPage(source, level, value, indexBits);
    const page = changetype<Page>(pageAt(count++));
    page.start = outputLength();
    page.levels = cutLevel - level;
    page.rows = cutRows;
    page.values = cutValue - value;
    if (source.maxRepetition) putLevels(source.repetitions + level, page.levels, source.maxRepetition);
    if (source.maxDefinition) putLevels(source.definitions + level, page.levels, source.maxDefinition);
    const bounds = changetype<Bounds>(changetype<Pointer>(page) + offsetof<Page>());
    bounds.clear();
    putValues(source, value, page.values, bounds);
    page.bytes = outputLength() - page.start;
    mergeBounds(CHUNK_BOUNDS, bounds, source.physicalType, source.isSigned != 0);
    level = cutLevel;
    value = cutValue;
  }
  CHUNK.pageCount = count;
}

function putValues(source: ChunkSource, first: u32, count: u32, bounds: Bounds): void {
  if (CHUNK.encoding == Encoding.RLE_DICTIONARY) {
    reserve(1);
    putByte(indexBits);
    putHybrid<u32>(indices + (first << 2), count, indexBits);
    if (source.isText()) return addTextsToBounds(bounds, source, indices, first, count);
  } else if (CHUNK.encoding == Encoding.DELTA_BINARY_PACKED) putDeltas(source, first, count);
  else if (source.isText()) return putTexts(source, first, count, cutBytes, bounds);
  else putPlain(source, first, count);
  addToBounds(bounds, source, first, count);
}

function pageAt(index: u32): Pointer {
  if (index == pageCapacity) {
    const grown = max(pageCapacity << 1, PAGES_FIRST);
    pages = pageCapacity ? realloc(pages, pageCapacity * PAGE_BYTES, grown * PAGE_BYTES) : alloc(grown * PAGE_BYTES);
    pageCapacity = grown;
  }
  return pages + index * PAGE_BYTES;
}

/** Of the dictionary's values where there is one: equal values set the same bits. */
function fillBloomFilter(source: ChunkSource): void {
  CHUNK.bloomBytes = 0;
  if (!source.bloomBytesMax || !source.valueCount) return;
  const different = CHUNK.dictionaryValues || source.valueCount;
  const expected = source.bloomValues || different;
  CHUNK.bloomBytes = bloomFilterBytes(expected, source.bloomBitsPerValue, source.bloomBytesMax);
  clearBloomFilter(CHUNK.bloomBytes);
  CHUNK.bloomFilter = bloomFilterStart();
  if (CHUNK.dictionaryValues) return addDictionary(source);
  if (source.isText()) {
    for (let i: u32 = 0; i < different; i++) {
      const text = source.arena + load<u32>(source.values + (i << 2));
      addToBloomFilter(text + 4, load<u32>(text));
    }
    return;
  }
  const slotBytes = source.slotBytes(), width = source.plainBytes();
  for (let i: u32 = 0; i < different; i++) addToBloomFilter(source.values + i * slotBytes + slotBytes - width, width);
}

function addDictionary(source: ChunkSource): void {
  let at = outputStart();
  const end = at + CHUNK.dictionaryBytes;
  while (at < end) {
    let length = source.plainBytes();
    if (source.isText()) {
      length = load<u32>(at);
      at += 4;
    }
    addToBloomFilter(at, length);
    at += length;
  }
}
