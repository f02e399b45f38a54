import type { Value } from "./single_value.ts";

/**
 * The order of two values of one type for bounds and sort orders. Numbers go by size, with -0.0
 * before +0.0 and NaN last (specification: "Data File Fields", note 2; "Sorting"). Strings go by
 * code points, which is the order of their UTF-8 bytes; JavaScript's `<` compares UTF-16 units and
 * misplaces everything beyond U+FFFF. Bytes are unsigned. An int may stand beside a long: it was
 * read before its column was widened.
 */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === "string") return compareCodePoints(a, b as string);
  if (a instanceof Uint8Array) return compareBytes(a, b as Uint8Array);
  if (typeof a === "number" && typeof b === "number") return compareNumbers(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareNumbers(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return a === 0 ? (Object.is(a, b) ? 0 : Object.is(a, -0) ? -1 : 1) : 0;
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : -1;
}

export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i), y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates (D800–DFFF) encode code points above all other units, E000–FFFF included.
    const rankX = x >= 0xd800 && x <= 0xdfff ? x + 0x10000 : x;
    const rankY = y >= 0xd800 && y <= 0xdfff ? y + 0x10000 : y;
    return rankX < rankY ? -1 : 1;
  }
  return a.length - b.length;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  }
  return a.length - b.length;
}
