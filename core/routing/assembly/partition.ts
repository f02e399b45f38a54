import { allocZeroed, dealloc, Pointer } from "./memory.ts";

/** Partitions by number, in the order in which their first row came. */

const MULTIPLIER: u64 = 0x9E3779B97F4A7C15;
const SLOTS_FIRST: u32 = 64;

/** A slot is a key of 64 bits and a number + 1. */
let slots: Pointer = 0;
let slotMask: u32 = 0;
let count: i32 = 0;
let lastKey: i64 = 0;
let lastNumber: i32 = -1;

@inline
function slotOf(key: i64): u32 {
  return <u32> ((<u64> key * MULTIPLIER) >> 40) & slotMask;
}

/** The number of the partition with this key. */
export function partitionNumber(key: i64): i32 {
  if (key == lastKey && lastNumber >= 0) return lastNumber;
  if (!slots) {
    slotMask = SLOTS_FIRST - 1;
    slots = allocZeroed(SLOTS_FIRST << 4);
  }
  let slot = slotOf(key);
  while (true) {
    const entry = slots + (slot << 4);
    const known = load<i32>(entry, 8);
    if (!known) {
      store<i64>(entry, key);
      store<i32>(entry, ++count, 8);
      if (<u32> count * 2 > slotMask) grow();
      lastNumber = count - 1;
      break;
    }
    if (load<i64>(entry) == key) {
      lastNumber = known - 1;
      break;
    }
    slot = (slot + 1) & slotMask;
  }
  lastKey = key;
  return lastNumber;
}

function grow(): void {
  const old = slots, oldSlots = slotMask + 1;
  slotMask = (oldSlots << 1) - 1;
  slots = allocZeroed((slotMask + 1) << 4);
  for (let i: u32 = 0; i < oldSlots; i++) {
    const from = old + (i << 4);
    if (!load<i32>(from, 8)) continue;
    let slot = slotOf(load<i64>(from));
    while (load<i32>(slots + (slot << 4), 8)) slot = (slot + 1) & slotMask;
    store<i64>(slots + (slot << 4), load<i64>(from));
    store<i32>(slots + (slot << 4), load<i32>(from, 8), 8);
  }
  dealloc(old, oldSlots << 4);
}

export function partitionCount(): i32 {
  return count;
}

export function partitionKey(number: i32): i64 {
  for (let i: u32 = 0; i <= slotMask; i++) {
    const entry = slots + (i << 4);
    if (load<i32>(entry, 8) == number + 1) return load<i64>(entry);
  }
  return 0;
}
