import { lessBytes } from "../bytes.ts";
import { Column, TextMode } from "../column.ts";
import { Dictionary } from "../dictionary.ts";
import { Kind } from "../kind.ts";
import { alloc, Pointer, realloc } from "../memory.ts";
import { nextObject } from "../node.ts";
import { Table } from "../table.ts";
import { definitions, gather, repetitions, slotCount, valueCount, values } from "./gather.ts";
import { clearBuffer, put1, putBytes, putLengthAt, reserve, skip, target, written } from "./page_buffer.ts";
import { partitionOrder, partitionRows } from "./partition_rows.ts";
import { bitWidth, putRuns } from "./runs.ts";

/** One column of one partition as Parquet pages of version 1, uncompressed. */

const PAGE_SLOTS: u32 = 65536 * 4;
const PAGE_BYTES: u32 = 1 << 20;

/**
 * What is to be known of them: whether there is a dictionary, its bytes and texts, pages, the
 * places of the smallest and largest text, slots, nulls, values; at 48 and 56 the smallest and
 * largest of other values.
 */
const RESULT: Pointer = <u32> memory.data(64, 8);

export function resultPtr(): Pointer {
  return RESULT;
}

/** Offset, bytes and slots of each page. */
const PAGE_ENTRY: u32 = 12;
const PAGES_FIRST: u32 = 64;
let pages: Pointer = 0;
let pageCapacity: u32 = 0;
let pageCount: u32 = 0;

export function pagesPtr(): Pointer {
  return pages;
}

export function encodeColumn(table: Table, index: i32, partition: i32): void {
  const column = table.column(index);
  gather(column, partitionOrder(table, partition), partitionRows(table, partition));
  clearBuffer();
  smallest = 0;
  largest = 0;
  pageCount = 0;
  const isText = column.kind == Kind.STRING, isNumbered = isText && column.mode == TextMode.NUMBERED;
  let texts: u32 = 0;
  if (isNumbered) texts = putDictionary(column.dictionary);
  else if (isText) findTextBounds(column.dictionary.arena);
  else if (valueCount) findBounds(column);
  const dictionaryBytes = written();
  putPages(column, isNumbered ? max<u32>(1, bitWidth(max<u32>(texts, 1) - 1)) : 0);
  store<u32>(RESULT, isNumbered ? 1 : 0);
  store<u32>(RESULT, dictionaryBytes, 4);
  store<u32>(RESULT, texts, 8);
  store<u32>(RESULT, pageCount, 12);
  store<u32>(RESULT, smallest ? column.dictionary.arena + smallest : 0, 16);
  store<u32>(RESULT, largest ? column.dictionary.arena + largest : 0, 20);
  store<u32>(RESULT, slotCount, 24);
  store<u32>(RESULT, slotCount - valueCount, 28);
  store<u32>(RESULT, valueCount, 32);
}

/** Where the bounds stand in the arena. */
let smallest: u32 = 0;
let largest: u32 = 0;

@inline
function isLess(arena: Pointer, a: u32, b: u32): bool {
  return lessBytes(arena + a + 4, load<u32>(arena + a), arena + b + 4, load<u32>(arena + b));
}

@inline
function widenBounds(arena: Pointer, text: u32): void {
  if (!smallest || isLess(arena, text, smallest)) smallest = text;
  if (!largest || isLess(arena, largest, text)) largest = text;
}

/** The dictionary page of the texts that are used here, in `values` their numbers in it. */
function putDictionary(dictionary: Dictionary): u32 {
  const stamp = nextObject();
  let texts: u32 = 0;
  for (let i: u32 = 0; i < valueCount; i++) {
    const slot = values + (i << 2), id = load<u32>(slot), note = dictionary.note(id);
    if (load<u32>(note) != stamp) {
      store<u32>(note, stamp);
      store<u32>(note, texts++, 4);
      const offset = dictionary.offsetOf(id), length = load<u32>(dictionary.arena + offset) + 4;
      reserve(length);
      putBytes(dictionary.arena + offset, length);
      widenBounds(dictionary.arena, offset);
    }
    store<u32>(slot, load<u32>(note, 4));
  }
  return texts;
}

function findTextBounds(arena: Pointer): void {
  for (let i: u32 = 0; i < valueCount; i++) widenBounds(arena, load<u32>(values + (i << 2)));
}

function findBounds(column: Column): void {
  if (column.kind == Kind.DOUBLE) {
    let low = load<f64>(values), high = low;
    for (let i: u32 = 1; i < valueCount; i++) {
      const value = load<f64>(values + (i << 3));
      low = min(low, value);
      high = max(high, value);
    }
    store<f64>(RESULT, low, 48);
    store<f64>(RESULT, high, 56);
    return;
  }
  let low = integerAt(column, 0), high = low;
  for (let i: u32 = 1; i < valueCount; i++) {
    const value = integerAt(column, i);
    low = min(low, value);
    high = max(high, value);
  }
  store<i64>(RESULT, low, 48);
  store<i64>(RESULT, high, 56);
}

@inline
function integerAt(column: Column, index: u32): i64 {
  return column.shift == 3 ? load<i64>(values + (index << 3)) : <i64> load<i32>(values + (index << 2));
}

let slot: u32 = 0;
let value: u32 = 0;

function putPages(column: Column, width: u32): void {
  slot = 0;
  value = 0;
  do {
    const firstSlot = slot, firstValue = value;
    const bytes = takePage(column, width != 0);
    if (pageCount == pageCapacity) growPages();
    const entry = pages + pageCount++ * PAGE_ENTRY;
    const offset = written();
    putLevels(column, firstSlot, slot - firstSlot);
    putValues(column, firstValue, value - firstValue, width, bytes);
    store<u32>(entry, offset);
    store<u32>(entry, written() - offset, 4);
    store<u32>(entry, slot - firstSlot, 8);
  } while (slot < slotCount);
}

function growPages(): void {
  const wider = pageCapacity ? pageCapacity << 1 : PAGES_FIRST;
  pages = pageCapacity ? realloc(pages, pageCapacity * PAGE_ENTRY, wider * PAGE_ENTRY) : alloc(wider * PAGE_ENTRY);
  pageCapacity = wider;
}

/** Moves `slot` and `value` behind the rows of one page; about how many bytes they have. */
function takePage(column: Column, isNumbered: bool): u32 {
  const isText = column.kind == Kind.STRING, first = slot;
  let bytes: u32 = 0;
  while (slot < slotCount && bytes < PAGE_BYTES && slot - first < PAGE_SLOTS) {
    do {
      if (!column.maxDefinition || load<u32>(definitions + (slot << 2)) == <u32> column.maxDefinition) {
        if (isNumbered) bytes += 1;
        else if (isText) bytes += load<u32>(column.dictionary.arena + load<u32>(values + (value << 2))) + 4;
        else bytes += <u32> 1 << column.shift;
        value++;
      }
      slot++;
    } while (column.maxRepetition && slot < slotCount && load<u32>(repetitions + (slot << 2)) != 0);
  }
  return bytes;
}

function putLevels(column: Column, from: u32, count: u32): void {
  if (column.maxRepetition) putLevelRuns(repetitions + (from << 2), count, bitWidth(column.maxRepetition));
  if (column.maxDefinition) putLevelRuns(definitions + (from << 2), count, bitWidth(column.maxDefinition));
}

function putLevelRuns(from: Pointer, count: u32, width: u32): void {
  const offset = written();
  reserve(16);
  skip(4);
  putRuns(from, count, width);
  putLengthAt(offset);
}

function putValues(column: Column, from: u32, count: u32, width: u32, bytes: u32): void {
  reserve(bytes + 16);
  if (width) {
    put1(width);
    putRuns(values + (from << 2), count, width);
  } else if (column.kind == Kind.STRING) {
    for (let i = from; i < from + count; i++) {
      const text = column.dictionary.arena + load<u32>(values + (i << 2));
      putBytes(text, load<u32>(text) + 4);
    }
  } else if (column.kind == Kind.BOOLEAN) {
    putBits(values + (from << 2), count);
  } else {
    memory.copy(target(), values + (from << column.shift), count << column.shift);
    skip(count << column.shift);
  }
}

function putBits(from: Pointer, count: u32): void {
  const to = target();
  memory.fill(to, 0, (count >> 3) + 1);
  for (let i: u32 = 0; i < count; i++) {
    const byte = to + (i >> 3);
    store<u8>(byte, load<u8>(byte) | (load<u32>(from + (i << 2)) << (i & 7)));
  }
  skip((count + 7) >> 3);
}
