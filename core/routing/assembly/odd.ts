import { alloc, Pointer, realloc } from "./memory.ts";

/**
 * Records of the text scanned last that are no rows: those that the judge must see, and those that
 * are no JSON. Each is a position, and the addresses of its first byte and of the byte behind it.
 */

const ENTRY_BYTES: u32 = 12;
const ENTRIES_FIRST: u32 = 1024;

/** Set in the first address of what is no JSON. Memory ends below it. */
export const NOT_JSON: u32 = 0x80000000;

let entries: Pointer = 0;
let capacity: u32 = 0;
let count: u32 = 0;

export function clearOdd(): void {
  count = 0;
}

/** Forgets those behind the first `kept`. */
export function cutOdd(kept: u32): void {
  count = kept;
}

export function addOdd(position: u32, from: u32, to: Pointer): void {
  if (count == capacity) {
    const wider = capacity ? capacity << 1 : ENTRIES_FIRST;
    entries = capacity ? realloc(entries, capacity * ENTRY_BYTES, wider * ENTRY_BYTES) : alloc(wider * ENTRY_BYTES);
    capacity = wider;
  }
  const entry = entries + count * ENTRY_BYTES;
  store<u32>(entry, position);
  store<u32>(entry, from, 4);
  store<u32>(entry, to, 8);
  count++;
}

export function oddPtr(): Pointer {
  return entries;
}

export function oddN(): u32 {
  return count;
}

@inline
export function oddPosition(index: u32): u32 {
  return load<u32>(entries + index * ENTRY_BYTES);
}

@inline
export function oddFrom(index: u32): u32 {
  return load<u32>(entries + index * ENTRY_BYTES, 4);
}

@inline
export function oddTo(index: u32): Pointer {
  return load<u32>(entries + index * ENTRY_BYTES, 8);
}
