/**
 * Reads one JSON text (RFC 8259) from front to back, strictly: only what the grammar allows.
 * Strings, numbers and nesting may have any size. Only callers recurse, and only as deep as their
 * contract.
 */

const SPACE = 0x20, TAB = 0x09, NEWLINE = 0x0a, RETURN = 0x0d;
const QUOTE = 0x22, BACKSLASH = 0x5c, MINUS = 0x2d, PLUS = 0x2b, DOT = 0x2e, ZERO = 0x30, NINE = 0x39;
const UPPER_E = 0x45, LOWER_E = 0x65, LOWER_U = 0x75;

/** The text is not JSON. `offset` counts UTF-16 units from the start of the text. */
export class JsonSyntaxError extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/**
 * The most values in one text, at any depth. A text of 100 MB can hold fifty million values, too
 * many for bounded memory. RFC 8259, section 9, lets a parser set limits.
 */
export const VALUES_MAX = 1_000_000;

/** The text holds more values than `VALUES_MAX`. */
export class TooManyValuesError extends Error {}

/** The kind of a JSON value, known by its first character. */
export type JsonKind = "object" | "array" | "string" | "number" | "boolean" | "null";

interface JsonMark {
  readonly pos: number;
  readonly valuesLeft: number;
}

export class JsonReader {
  text = "";
  /** Index of the next character to read. */
  pos = 0;
  /**
   * True after a string with a `\u` escape for half a surrogate pair: JSON's grammar allows it,
   * Unicode does not.
   */
  loneSurrogate = false;
  /** Whether the last number has neither fraction nor exponent. */
  plainInteger = false;

  #valuesLeft = VALUES_MAX;

  start(text: string): void {
    this.text = text;
    this.pos = 0;
    this.#valuesLeft = VALUES_MAX;
    this.loneSurrogate = false;
  }

  /** Moves to the next character that is no white space and returns its code; NaN at the end. */
  peek(): number {
    const text = this.text;
    let code = text.charCodeAt(this.pos);
    while (code <= SPACE && (code === SPACE || code === NEWLINE || code === RETURN || code === TAB)) {
      code = text.charCodeAt(++this.pos);
    }
    return code;
  }

  /** Call it at the start of each value inside the text's own value. */
  countValue(): void {
    if (--this.#valuesLeft < 0) throw new TooManyValuesError();
  }

  /** A place to come back to. */
  mark(): JsonMark {
    return { pos: this.pos, valuesLeft: this.#valuesLeft };
  }

  /** Goes back, so that what follows is read, and counted, once more. */
  returnTo({ pos, valuesLeft }: JsonMark): void {
    this.pos = pos;
    this.#valuesLeft = valuesLeft;
    this.loneSurrogate = false;
  }

  /** The kind of the value that starts here. */
  kind(expected = "a value"): JsonKind {
    const code = this.peek();
    if (code === QUOTE) return "string";
    if (code === MINUS || (code >= ZERO && code <= NINE)) return "number";
    switch (code) {
      case 0x7b:
        return "object";
      case 0x5b:
        return "array";
      case 0x6e:
        return "null";
      case 0x74:
      case 0x66:
        return "boolean";
      default:
        this.fail(expected);
    }
  }

  /** Only white space may follow. */
  end(): void {
    if (!Number.isNaN(this.peek())) this.fail("the end of the text");
  }

  fail(expected: string): never {
    const { text, pos } = this;
    if (pos >= text.length) throw new JsonSyntaxError(pos, `expected ${expected}, found the end`);
    throw new JsonSyntaxError(pos, `expected ${expected}, found ${showCharacter(text.codePointAt(pos)!)}`);
  }

  /** Reads a string whose opening quote is here; returns its value. */
  readString(): string {
    const text = this.text;
    const start = this.pos + 1;
    let at = start;
    let code = text.charCodeAt(at);
    while (code >= SPACE && code !== QUOTE && code !== BACKSLASH) code = text.charCodeAt(++at);
    this.pos = at;
    if (code === QUOTE) {
      this.pos = at + 1;
      return text.slice(start, at);
    }
    return this.#readEscaped(start);
  }

  /** Skips a string whose opening quote is here. */
  skipString(): void {
    const text = this.text;
    let at = this.pos + 1;
    for (;;) {
      let code = text.charCodeAt(at);
      while (code >= SPACE && code !== QUOTE && code !== BACKSLASH) code = text.charCodeAt(++at);
      this.pos = at;
      if (code === QUOTE) break;
      this.#readEscape(code);
      at = this.pos;
    }
    this.pos = at + 1;
  }

  /** Reads a number; returns its text. */
  readNumber(): string {
    const text = this.text;
    const start = this.pos;
    let at = start;
    let code = text.charCodeAt(at);
    if (code === MINUS) code = text.charCodeAt(++at);
    if (code === ZERO) code = text.charCodeAt(++at);
    else at = this.#digits(at);
    code = text.charCodeAt(at);
    this.plainInteger = true;
    if (code === DOT) {
      this.plainInteger = false;
      at = this.#digits(at + 1);
      code = text.charCodeAt(at);
    }
    if (code === UPPER_E || code === LOWER_E) {
      this.plainInteger = false;
      code = text.charCodeAt(++at);
      if (code === MINUS || code === PLUS) at++;
      at = this.#digits(at);
    }
    this.pos = at;
    return text.slice(start, at);
  }

  /** Reads `true`, `false` or `null`, by the first letter. */
  readLiteral(): "true" | "false" | "null" {
    for (const literal of LITERALS) {
      if (this.text.startsWith(literal, this.pos)) {
        this.pos += literal.length;
        return literal;
      }
    }
    this.fail("a value");
  }

  /** Skips `character`, or fails with `expected`. */
  take(character: number, expected: string): void {
    if (this.peek() !== character) this.fail(expected);
    this.pos++;
  }

  #digits(at: number): number {
    const text = this.text;
    const start = at;
    let code = text.charCodeAt(at);
    while (code >= ZERO && code <= NINE) code = text.charCodeAt(++at);
    if (at === start) {
      this.pos = at;
      this.fail("a digit");
    }
    return at;
  }

  /** Reads the rest of a string from `start`. Everything up to `pos` is free of escapes. */
  #readEscaped(start: number): string {
    const text = this.text;
    const parts: string[] = [];
    let from = start;
    let at = this.pos;
    for (;;) {
      let code = text.charCodeAt(at);
      while (code >= SPACE && code !== QUOTE && code !== BACKSLASH) code = text.charCodeAt(++at);
      this.pos = at;
      if (at > from) parts.push(text.slice(from, at));
      if (code === QUOTE) break;
      parts.push(this.#readEscape(code));
      at = from = this.pos;
    }
    this.pos = at + 1;
    return parts.join("");
  }

  /**
   * Reads an escape, or two that form a surrogate pair. `code` is the character here, which may not
   * be a backslash.
   */
  #readEscape(code: number): string {
    const { text } = this;
    if (code !== BACKSLASH) {
      this.fail(code < SPACE ? "an escape instead of a control character" : "the end of the string");
    }
    const letter = text.charCodeAt(++this.pos);
    if (letter !== LOWER_U) {
      const plain = ESCAPES.get(letter);
      if (plain === undefined) this.fail("an escape");
      this.pos++;
      return plain;
    }
    this.pos++;
    const unit = this.#hex4();
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
    if (unit < 0xdc00 && text.charCodeAt(this.pos) === BACKSLASH && text.charCodeAt(this.pos + 1) === LOWER_U) {
      const second = this.pos;
      this.pos += 2;
      const low = this.#hex4();
      if (low >= 0xdc00 && low <= 0xdfff) return String.fromCharCode(unit, low);
      this.pos = second;
    }
    this.loneSurrogate = true;
    return String.fromCharCode(unit);
  }

  #hex4(): number {
    let unit = 0;
    for (let i = 0; i < 4; i++, this.pos++) {
      const digit = hexDigit(this.text.charCodeAt(this.pos));
      if (digit < 0) this.fail("a hexadecimal digit");
      unit = unit * 16 + digit;
    }
    return unit;
  }
}

const LITERALS = ["true", "false", "null"] as const;

const ESCAPES = new Map([...'"\\/bfnrt'].map((letter, i) => [letter.charCodeAt(0), '"\\/\b\f\n\r\t'[i]!]));

function hexDigit(code: number): number {
  if (code >= ZERO && code <= NINE) return code - ZERO;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** Of what nobody sees, that which programs put into files. */
const INVISIBLE: ReadonlyMap<number, string> = new Map([
  [0x0000, "a NUL"],
  [0x001e, "a record separator"],
  [0x00a0, "a no-break space"],
  [0x200b, "a zero-width space"],
  [0x2028, "a line separator"],
  [0xfeff, "a byte order mark"],
]);

/** A character for people: in quotes, or its name and number if it is invisible. */
export function showCharacter(codePoint: number): string {
  const character = String.fromCodePoint(codePoint);
  if (!/[\p{C}\p{Z}]/u.test(character)) return `'${character}'`;
  const number = `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}`;
  const name = INVISIBLE.get(codePoint);
  return name === undefined ? number : `${name} (${number})`;
}
