import { alloc, OVERRUN, Pointer, realloc } from "../memory.ts";

/**
 * What the encoders make: one buffer that grows, begun anew by every chunk. Places in it are kept
 * as offsets, for growing moves it.
 */

const BYTES_FIRST: u32 = 1 << 20;

let buffer: Pointer = 0;
let capacity: u32 = 0;
let length: u32 = 0;

export function clearOutput(): void {
  length = 0;
}

export function outputStart(): Pointer {
  return buffer;
}

@inline
export function outputLength(): u32 {
  return length;
}

/** Forgets what was put behind `at`. */
export function cutOutput(at: u32): void {
  length = at;
}

/** Where the next byte goes; valid until the next `reserve`. */
@inline
export function outputEnd(): Pointer {
  return buffer + length;
}

@inline
export function advanceOutput(bytes: u32): void {
  length += bytes;
}

/** Makes room for so many bytes, and for what steps of 16 bytes touch behind them. */
export function reserve(bytes: u32): void {
  const needed = length + bytes + OVERRUN;
  if (needed <= capacity) return;
  let grown = max(capacity << 1, BYTES_FIRST);
  while (grown < needed) grown <<= 1;
  buffer = capacity ? realloc(buffer, capacity, grown) : alloc(grown);
  capacity = grown;
}

/** Room must have been reserved for it. */
@inline
export function putByte(value: u32): void {
  store<u8>(buffer + length, value);
  length++;
}

/** Unsigned LEB128; room for ten bytes must have been reserved. */
export function putVarint(value: u64): void {
  while (value >= 0x80) {
    putByte(<u32> value & 0x7f | 0x80);
    value >>= 7;
  }
  putByte(<u32> value);
}

export function putZigzag(value: i64): void {
  putVarint(<u64> ((value << 1) ^ (value >> 63)));
}
