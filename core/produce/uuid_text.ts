import type { Random } from "../base/random.ts";

const hex4 = Array.from({ length: 0x10000 }, (_, word) => word.toString(16).padStart(4, "0"));
const WORD = 0x10000;

/**
 * A version 4 UUID as text, several times faster than `uuidV4`: every event has one, and they would
 * be half of the cost. 122 of the 156 random bits of three draws are used.
 */
export function fastUuid(random: Random): string {
  const a = random.next() * 0x1000000000000;
  const b = random.next() * 0x1000000000000;
  const c = random.next() * 0x1000000000000;
  const aHigh = Math.floor(a / 0x100000000), aLow = a >>> 0;
  const bHigh = Math.floor(b / 0x100000000), bLow = b >>> 0;
  const cHigh = Math.floor(c / 0x100000000);
  return hex4[aHigh]! + hex4[aLow >>> 16]! + "-" + hex4[aLow % WORD]! + "-" + hex4[(bHigh & 0x0fff) | 0x4000]! + "-" +
    hex4[(bLow >>> 16 & 0x3fff) | 0x8000]! + "-" + hex4[bLow % WORD]! + hex4[cHigh]! + hex4[(c >>> 0) % WORD]!;
}
