import { copyBytes } from "../bytes.ts";
import { alloc, OVERRUN, Pointer, realloc } from "../memory.ts";

/** Where pages are encoded; the other side takes them from here. */

const BYTES_FIRST: u32 = 1 << 20;

let start: Pointer = 0;
let capacity: u32 = 0;
let top: u32 = 0;

export function outPtr(): Pointer {
  return start;
}

export function clearBuffer(): void {
  top = 0;
}

/** Bytes written so far. */
@inline
export function written(): u32 {
  return top;
}

/** Where the next byte goes. */
@inline
export function target(): Pointer {
  return start + top;
}

@inline
export function skip(bytes: u32): void {
  top += bytes;
}

/** Makes room; addresses into the buffer from before are void. */
export function reserve(bytes: u32): void {
  const wanted = top + bytes + OVERRUN;
  if (wanted <= capacity) return;
  let wider = max<u32>(capacity << 1, BYTES_FIRST);
  while (wider < wanted) wider <<= 1;
  start = capacity ? realloc(start, capacity, wider) : alloc(wider);
  capacity = wider;
}

@inline
export function put1(byte: u32): void {
  store<u8>(start + top, byte);
  top++;
}

export function putVarint(value: u32): void {
  while (value >= 0x80) {
    put1((value & 0x7f) | 0x80);
    value >>>= 7;
  }
  put1(value);
}

@inline
export function putBytes(from: Pointer, length: u32): void {
  copyBytes(start + top, from, length);
  top += length;
}

/** Writes a length, left open by `skip(4)`, of all that came behind it. */
export function putLengthAt(offset: u32): void {
  store<u32>(start + offset, top - offset - 4);
}
