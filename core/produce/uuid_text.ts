import { formatUuid, type Random } from "../base/random.ts";

/** A version 4 UUID's 128 bits, 32 each, most significant first. */
export interface Uuid {
  a: number;
  b: number;
  c: number;
  d: number;
}

/** Bytes. */
export const UUID_LENGTH = 36;
const DRAW = 0x1000000000000;
const HALF = 0x100000000;
const HYPHEN = 0x2d;

/** Two hex digits of every byte, as a little-endian word. */
const hexPairs = Uint16Array.from({ length: 256 }, (_, byte) => {
  const digits = Uint8Array.of(byte).toHex();
  return digits.charCodeAt(0) | digits.charCodeAt(1) << 8;
});

/**
 * A version 4 UUID, several times faster than `uuidV4`: every event has one, and they would be half
 * of the cost. 122 of the 144 random bits of three draws are used.
 */
export function fastUuid(random: Random): Uuid {
  const first = random.next() * DRAW;
  const second = random.next() * DRAW;
  const third = random.next() * DRAW;
  return {
    a: Math.floor(first / HALF) << 16 | first >>> 16,
    b: first << 16 | Math.floor(second / HALF) & 0x0fff | 0x4000,
    c: second & 0x3fffffff | 0x80000000,
    d: Math.floor(third / HALF) << 16 | third & 0xffff,
  };
}

const scratch = new DataView(new ArrayBuffer(16));
const scratchBytes = new Uint8Array(scratch.buffer);

export function uuidText({ a, b, c, d }: Uuid): string {
  scratch.setUint32(0, a);
  scratch.setUint32(4, b);
  scratch.setUint32(8, c);
  scratch.setUint32(12, d);
  return formatUuid(scratchBytes);
}

/** Writes what `uuidText` returns. Returns where it ends. */
export function setUuid(view: DataView, at: number, { a, b, c, d }: Uuid): number {
  setHex(view, at, a >>> 16);
  setHex(view, at + 4, a & 0xffff);
  view.setUint8(at + 8, HYPHEN);
  setHex(view, at + 9, b >>> 16);
  view.setUint8(at + 13, HYPHEN);
  setHex(view, at + 14, b & 0xffff);
  view.setUint8(at + 18, HYPHEN);
  setHex(view, at + 19, c >>> 16);
  view.setUint8(at + 23, HYPHEN);
  setHex(view, at + 24, c & 0xffff);
  setHex(view, at + 28, d >>> 16);
  setHex(view, at + 32, d & 0xffff);
  return at + UUID_LENGTH;
}

function setHex(view: DataView, at: number, halfWord: number): void {
  view.setUint16(at, hexPairs[halfWord >>> 8]!, true);
  view.setUint16(at + 2, hexPairs[halfWord & 0xff]!, true);
}
