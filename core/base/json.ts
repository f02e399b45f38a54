/**
 * JSON whose integers may be 64 bits wide. Iceberg's snapshot ids are positive longs beyond 2^53,
 * which `JSON.parse` rounds.
 */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/** Nesting of objects and lists; deeper values would overflow the stack of code that walks them. */
const DEPTH_MAX = 500;
/** Digits of an integer: the time to read one grows with their square. */
const DIGITS_MAX = 1_000;

/**
 * Parses JSON text; an integer that a double cannot hold exactly becomes a `bigint`, every other
 * number a `number`. Throws for text that is not JSON, for very deep nesting and for very long
 * numbers.
 */
export function parseJson(text: string): Json {
  checkDepth(text);
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    const source = context?.source;
    if (source === undefined || !/^-?\d+$/.test(source)) return value;
    if (source.length > DIGITS_MAX) throw new Error(`an integer has ${source.length} digits`);
    return BigInt(source);
  }) as Json;
}

const QUOTE = 0x22, BACKSLASH = 0x5c, SQUARE_OPEN = 0x5b, SQUARE_CLOSE = 0x5d, CURLY_OPEN = 0x7b, CURLY_CLOSE = 0x7d;

function checkDepth(text: string): void {
  let depth = 0, isInString = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (isInString) {
      if (unit === BACKSLASH) at++;
      else if (unit === QUOTE) isInString = false;
    } else if (unit === QUOTE) isInString = true;
    else if (unit === SQUARE_OPEN || unit === CURLY_OPEN) {
      if (++depth > DEPTH_MAX) throw new Error(`it is nested more than ${DEPTH_MAX} levels deep`);
    } else if (unit === SQUARE_CLOSE || unit === CURLY_CLOSE) depth--;
  }
}

/** Writes JSON text; a `bigint` becomes a plain integer. Keys keep their order. */
export function stringifyJson(value: Json | undefined, indent = 0): string {
  // JSON.rawJSON writes the digits as they are: no rounding, no quotes.
  return JSON.stringify(
    value,
    (_key, item: unknown) => typeof item === "bigint" ? rawJson(item.toString()) : item,
    indent,
  );
}

function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

/** White space between the tokens of JSON (RFC 8259, section 2). */
export function isJsonSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The mark of UTF-8 that some programs write before a text. */
export const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

export function startsWithByteOrderMark(bytes: Uint8Array): boolean {
  return BYTE_ORDER_MARK.every((byte, at) => bytes[at] === byte);
}
