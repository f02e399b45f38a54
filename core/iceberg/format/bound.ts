import type { Value } from "./single_value.ts";
import type { PrimitiveType } from "./type.ts";

/**
 * The most code points of a string, or bytes of a binary, in a bound: the default of the reference
 * implementation.
 */
export const BOUND_LENGTH_MAX = 16;

/** A value not above `value`, cut to `length` code points or bytes. */
export function lowerBound(type: PrimitiveType, value: Value, length = BOUND_LENGTH_MAX): Value {
  if (type.type === "string") return cutString(value as string, length);
  if (type.type === "binary") return (value as Uint8Array).subarray(0, length);
  return value;
}

/**
 * A value not below any value with the same start: cut, then its last code point or byte is
 * incremented, carrying left. Undefined if there is none (such as for sixteen or more U+10FFFF):
 * then no bound may be written.
 */
export function upperBound(type: PrimitiveType, value: Value, length = BOUND_LENGTH_MAX): Value | undefined {
  if (type.type === "string") {
    const cut = cutString(value as string, length);
    return cut.length === (value as string).length ? value : incrementString(cut);
  }
  if (type.type === "binary") {
    const bytes = value as Uint8Array;
    return bytes.length <= length ? bytes : incrementBytes(bytes.subarray(0, length));
  }
  return value;
}

/** The first `length` code points; never half of a surrogate pair. */
export function cutString(text: string, length: number): string {
  if (text.length <= length) return text;
  let units = 0;
  for (let points = 0; points < length && units < text.length; points++) {
    units += text.codePointAt(units)! > 0xffff ? 2 : 1;
  }
  return text.slice(0, units);
}

function incrementString(text: string): string | undefined {
  const points = Array.from(text, (char) => char.codePointAt(0)!);
  for (let i = points.length - 1; i >= 0; i--) {
    // The code points D800–DFFF are surrogates, which UTF-8 cannot encode.
    const next = points[i]! === 0xd7ff ? 0xe000 : points[i]! + 1;
    if (next <= 0x10ffff) return String.fromCodePoint(...points.slice(0, i), next);
  }
  return undefined;
}

function incrementBytes(bytes: Uint8Array): Uint8Array | undefined {
  for (let i = bytes.length - 1; i >= 0; i--) {
    if (bytes[i]! < 0xff) {
      const result = bytes.slice(0, i + 1);
      result[i] = result[i]! + 1;
      return result;
    }
  }
  return undefined;
}
