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
  const longs = scan(text);
  if (longs.length === 0) return JSON.parse(text);
  // A string of the text may look like a marked integer.
  if (text.includes(MARK_ESCAPED)) return parseByTokens(text);
  return withoutMarks(parseMarked(text, longs));
}

const QUOTE = 0x22, BACKSLASH = 0x5c, SQUARE_OPEN = 0x5b, SQUARE_CLOSE = 0x5d, CURLY_OPEN = 0x7b, CURLY_CLOSE = 0x7d;
const ZERO = 0x30, NINE = 0x39, MINUS = 0x2d;
/** Every integer of fewer digits fits a double. */
const LONG_DIGITS = 16;

/**
 * Checks the nesting, and finds where integers begin and end that a double may not hold, flat in a
 * list.
 */
function scan(text: string): number[] {
  const longs: number[] = [];
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
    else if (unit >= ZERO && unit <= NINE) {
      const end = digitsEnd(text, at);
      if (end - at >= LONG_DIGITS) noteLong(text, at, end, longs);
      at = end - 1;
    }
  }
  return longs;
}

function digitsEnd(text: string, start: number): number {
  let end = start + 1;
  while (text.charCodeAt(end) >= ZERO && text.charCodeAt(end) <= NINE) end++;
  return end;
}

/**
 * Not what is a part of another number, or stands where no number may: marked as a text it could be
 * JSON all of a sudden.
 */
function noteLong(text: string, digits: number, end: number, longs: number[]): void {
  const start = text.charCodeAt(digits - 1) === MINUS ? digits - 1 : digits;
  if (text.charCodeAt(digits) === ZERO) return;
  if (!/^(?:|[[,:\s])$/.test(text.charAt(start - 1)) || !isValueEnd(text, end)) return;
  if (end - digits === LONG_DIGITS && Number.isSafeInteger(Number(text.slice(start, end)))) return;
  longs.push(start, end);
}

function isValueEnd(text: string, end: number): boolean {
  let at = end;
  while (isJsonSpace(text.charCodeAt(at))) at++;
  return at === text.length || ",]}".includes(text.charAt(at));
}

/** No JSON text holds it but by that escape. */
const MARK = "\0", MARK_ESCAPED = "\\u0000";

/** As `JSON.parse`, with those integers as marked texts. */
function parseMarked(text: string, longs: readonly number[]): Json {
  let marked = "", done = 0;
  for (let at = 0; at < longs.length; at += 2) {
    const start = longs[at]!, end = longs[at + 1]!;
    marked += `${text.slice(done, start)}"${MARK_ESCAPED}${text.slice(start, end)}"`;
    done = end;
  }
  try {
    return JSON.parse(marked + text.slice(done));
  } catch (error) {
    // What is wrong is told by the text as it is.
    JSON.parse(text);
    throw error;
  }
}

/** A reviver would be called for each value, which takes many times as long. */
function withoutMarks(json: Json): Json {
  if (typeof json === "string") return json.startsWith(MARK) ? longFrom(json.slice(1)) : json;
  if (Array.isArray(json)) {
    for (let at = 0; at < json.length; at++) json[at] = withoutMarks(json[at]!);
  } else if (typeof json === "object" && json !== null) {
    for (const key of Object.keys(json)) {
      const item = json[key]!;
      const plain = withoutMarks(item);
      if (plain !== item) json[key] = plain;
    }
  }
  return json;
}

function longFrom(digits: string): bigint {
  if (digits.length > DIGITS_MAX) throw new Error(`an integer has ${digits.length} digits`);
  return BigInt(digits);
}

function parseByTokens(text: string): Json {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    const source = context?.source;
    return source === undefined || !/^-?\d+$/.test(source) ? value : longFrom(source);
  }) as Json;
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
