import { alloc, allocZeroed, dealloc, Pointer } from "../memory.ts";
import { ChunkSource } from "./chunk_source.ts";
import { bitWidth } from "./hybrid.ts";
import { advanceOutput, cutOutput, outputEnd, outputLength, reserve } from "./output.ts";
import { PhysicalType } from "./physical_type.ts";

/**
 * The dictionary of a chunk: its page goes to the output, and each value's index to `indices`.
 * Texts come numbered by the column that read them; other values are found by a hash table.
 */

/** From so many values on it is looked whether the dictionary pays. */
const TRIAL: u32 = 1024;

/** A longer search ends the dictionary: somebody may have chosen values whose hashes collide. */
const PROBES_MAX: u32 = 64;

let indices: Pointer = 0;
let indexCapacity: u32 = 0;
/** Of each number of a text: the stamp of the chunk that met it, and its index there. */
let notes: Pointer = 0;
let noteCapacity: u32 = 0;
let stamp: u32 = 0;
let slots: Pointer = 0;
let slotCapacity: u32 = 0;

/** Where each value has a word for its index, or, if there is no dictionary, for its place. */
export function indexWords(count: u32): Pointer {
  if (count > indexCapacity) {
    if (indexCapacity) dealloc(indices, indexCapacity << 2);
    indices = alloc(count << 2);
    indexCapacity = count;
  }
  return indices;
}

/** Makes the dictionary; the number of its values, 0 where it does not pay. */
export function makeDictionary(source: ChunkSource): u32 {
  if (source.dictionaryBytesMax == 0 || source.valueCount == 0) return 0;
  if (source.physicalType == PhysicalType.BOOLEAN || source.isText() && !source.isNumbered) return 0;
  const start = outputLength();
  indexWords(source.valueCount);
  const count = source.isNumbered ? collectTexts(source) : collectValues(source);
  if (count > 0 && pays(source, count, outputLength() - start)) return count;
  cutOutput(start);
  return 0;
}

function pays(source: ChunkSource, count: u32, dictionaryBytes: u32): bool {
  if (dictionaryBytes > source.dictionaryBytesMax) return false;
  const valueCount = source.valueCount;
  if (source.isText() && count * 2 <= valueCount) return true;
  const plainBytes = source.isText() ? textBytes(source) : valueCount * source.plainBytes();
  return dictionaryBytes + ((valueCount * max(bitWidth(count - 1), 1) + 7) >> 3) < plainBytes;
}

/** What numbered texts take without a dictionary. */
function textBytes(source: ChunkSource): u32 {
  let bytes: u32 = 0;
  for (let i: u32 = 0; i < source.valueCount; i++) {
    const number = load<u32>(source.values + (i << 2));
    bytes += 4 + load<u32>(source.arena + load<u32>(source.offsets + (number << 2)));
  }
  return bytes;
}

function collectTexts(source: ChunkSource): u32 {
  const valueCount = source.valueCount;
  const values = source.values;
  const offsets = source.offsets;
  const arena = source.arena;
  prepareNotes(source.numberCount);
  stamp++;
  let count: u32 = 0;
  for (let i: u32 = 0; i < valueCount; i++) {
    const number = load<u32>(values + (i << 2));
    const note = notes + (number << 3);
    if (load<u32>(note) != stamp) {
      store<u32>(note, stamp);
      store<u32>(note, count++, 4);
      const text = arena + load<u32>(offsets + (number << 2));
      const bytes = load<u32>(text) + 4;
      reserve(bytes);
      memory.copy(outputEnd(), text, bytes);
      advanceOutput(bytes);
    }
    store<u32>(indices + (i << 2), load<u32>(note, 4));
  }
  return count;
}

function prepareNotes(count: u32): void {
  if (count <= noteCapacity) return;
  if (noteCapacity) dealloc(notes, noteCapacity << 3);
  noteCapacity = max(count, 1024) << 1;
  notes = allocZeroed(noteCapacity << 3);
}

/** Values that are equal bit by bit are one: -0.0 and 0.0 are two, and so are different NaNs. */
function collectValues(source: ChunkSource): u32 {
  const valueCount = source.valueCount;
  const values = source.values;
  const slotBytes = source.slotBytes(), width = source.plainBytes();
  const countMax = min(source.dictionaryBytesMax / width, valueCount);
  const mask = prepareSlots(countMax);
  reserve(countMax * width);
  let count: u32 = 0;
  for (let i: u32 = 0; i < valueCount; i++) {
    const value = values + i * slotBytes;
    const slot = findSlot(values, value, slotBytes, mask);
    if (slot < 0) return 0;
    const known = load<u32>(slots + (slot << 2));
    if (known) store<u32>(indices + (i << 2), load<u32>(indices + ((known - 1) << 2)));
    else {
      if (count == countMax) return 0;
      store<u32>(slots + (slot << 2), i + 1);
      memory.copy(outputEnd(), value + slotBytes - width, width);
      advanceOutput(width);
      store<u32>(indices + (i << 2), count++);
    }
    if ((i & (TRIAL - 1)) == TRIAL - 1 && count * 2 > i) return 0;
  }
  return count;
}

/** Where the first value like this one is, or would be; -1 where the search takes too long. */
@inline
function findSlot(values: Pointer, value: Pointer, slotBytes: u32, mask: u32): i32 {
  let slot = hashOf(value, slotBytes) & mask;
  for (let probes: u32 = 0; probes < PROBES_MAX; probes++) {
    const known = load<u32>(slots + (slot << 2));
    if (!known || isSame(values + (known - 1) * slotBytes, value, slotBytes)) return slot;
    slot = (slot + 1) & mask;
  }
  return -1;
}

/** Empties a table for so many values, and gives the mask that makes a hash one of its slots. */
function prepareSlots(count: u32): u32 {
  let size: u32 = 64;
  while (size < count << 1) size <<= 1;
  if (size > slotCapacity) {
    if (slotCapacity) dealloc(slots, slotCapacity << 2);
    slots = alloc(size << 2);
    slotCapacity = size;
  }
  memory.fill(slots, 0, size << 2);
  return size - 1;
}

@inline
function hashOf(value: Pointer, slotBytes: u32): u32 {
  let word = slotBytes == 4 ? <u64> load<u32>(value) : load<u64>(value);
  if (slotBytes == 16) word = (word * 0x9e3779b97f4a7c15) ^ load<u64>(value, 8);
  word = (word ^ (word >> 32)) * 0xd6e8feb86659fd93;
  return <u32> (word >> 32);
}

@inline
function isSame(a: Pointer, b: Pointer, slotBytes: u32): bool {
  if (slotBytes == 4) return load<u32>(a) == load<u32>(b);
  if (load<u64>(a) != load<u64>(b)) return false;
  return slotBytes == 8 || load<u64>(a, 8) == load<u64>(b, 8);
}
