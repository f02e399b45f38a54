/**
 * The states and transitions of a strict JSON reader over bytes (RFC 8259, UTF-8 by Unicode's table
 * 3-7). One table look-up per byte; entries from `ACTION` up are not states but things to do.
 */

let count = 0;
const next = () => count++;

/** The states for bytes between values. */
export const STATE = {
  /** Before the text's own value: expects an array. */
  START: next(),
  /** Expects a value. */
  VALUE: next(),
  /** After `[`: expects a value or `]`. */
  FIRST_VALUE: next(),
  /** After `{`: expects a key or `}`. */
  FIRST_KEY: next(),
  /** After `,` in an object: expects a key. */
  KEY: next(),
  COLON: next(),
  /** After a value in an object or array. */
  AFTER: next(),
  /** After the array: only white space. */
  DONE: next(),
  STRING: next(),
  ESCAPE: next(),
  HEX_1: next(),
  HEX_2: next(),
  HEX_3: next(),
  HEX_4: next(),
  /**
   * UTF-8 sequences: the number of missing continuation bytes, and the four lead bytes that
   * restrict the first of them.
   */
  UTF8_1: next(),
  UTF8_2: next(),
  UTF8_3: next(),
  UTF8_E0: next(),
  UTF8_ED: next(),
  UTF8_F0: next(),
  UTF8_F4: next(),
  MINUS: next(),
  ZERO: next(),
  INTEGER: next(),
  DOT: next(),
  FRACTION: next(),
  EXPONENT: next(),
  EXPONENT_SIGN: next(),
  EXPONENT_DIGITS: next(),
  T: next(),
  TR: next(),
  TRU: next(),
  F: next(),
  FA: next(),
  FAL: next(),
  FALS: next(),
  N: next(),
  NU: next(),
  NUL: next(),
} as const;

export const ACTION = count;

/** Actions: what a byte requires beyond a change of state. */
export const ACT = {
  ERROR: next(),
  /** The text's own `[`. */
  START_ARRAY: next(),
  OPEN_ARRAY: next(),
  OPEN_OBJECT: next(),
  CLOSE_ARRAY: next(),
  CLOSE_OBJECT: next(),
  COMMA: next(),
  /** The quote that ends a string or key. */
  END_STRING: next(),
  /** The quote that starts a key. */
  START_KEY: next(),
  /** A line end between values: messages name lines. */
  NEWLINE: next(),
} as const;

function table(): Uint8Array {
  const cells = new Uint8Array(ACTION * 256).fill(ACT.ERROR);
  const on = (state: number, bytes: string | readonly [number, number], target: number) => {
    if (typeof bytes === "string") { for (const byte of bytes) cells[state * 256 + byte.charCodeAt(0)] = target; }
    else for (let byte = bytes[0]; byte <= bytes[1]; byte++) cells[state * 256 + byte] = target;
  };
  const { START, VALUE, FIRST_VALUE, FIRST_KEY, KEY, COLON, AFTER, DONE } = STATE;
  for (const state of [START, VALUE, FIRST_VALUE, FIRST_KEY, KEY, COLON, AFTER, DONE]) {
    on(state, " \t\r", state);
    on(state, "\n", ACT.NEWLINE);
  }
  on(START, "[", ACT.START_ARRAY);
  for (const state of [VALUE, FIRST_VALUE]) {
    on(state, "[", ACT.OPEN_ARRAY);
    on(state, "{", ACT.OPEN_OBJECT);
    on(state, '"', STATE.STRING);
    on(state, "-", STATE.MINUS);
    on(state, "0", STATE.ZERO);
    on(state, "123456789", STATE.INTEGER);
    on(state, "t", STATE.T);
    on(state, "f", STATE.F);
    on(state, "n", STATE.N);
  }
  on(FIRST_VALUE, "]", ACT.CLOSE_ARRAY);
  on(FIRST_KEY, "}", ACT.CLOSE_OBJECT);
  for (const state of [FIRST_KEY, KEY]) on(state, '"', ACT.START_KEY);
  on(COLON, ":", VALUE);
  for (const state of [AFTER, STATE.ZERO, STATE.INTEGER, STATE.FRACTION, STATE.EXPONENT_DIGITS]) {
    on(state, " \t\r", AFTER);
    on(state, "\n", ACT.NEWLINE);
    on(state, ",", ACT.COMMA);
    on(state, "]", ACT.CLOSE_ARRAY);
    on(state, "}", ACT.CLOSE_OBJECT);
  }
  numbers(on);
  literals(on);
  strings(on);
  return cells;
}

type On = (state: number, bytes: string | readonly [number, number], target: number) => void;

function numbers(on: On): void {
  const { MINUS, ZERO, INTEGER, DOT, FRACTION, EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS } = STATE;
  on(MINUS, "0", ZERO);
  on(MINUS, "123456789", INTEGER);
  on(INTEGER, "0123456789", INTEGER);
  for (const state of [ZERO, INTEGER]) on(state, ".", DOT);
  for (const state of [DOT, FRACTION]) on(state, "0123456789", FRACTION);
  for (const state of [ZERO, INTEGER, FRACTION]) on(state, "eE", EXPONENT);
  on(EXPONENT, "+-", EXPONENT_SIGN);
  for (const state of [EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS]) on(state, "0123456789", EXPONENT_DIGITS);
}

function literals(on: On): void {
  const { T, TR, TRU, F, FA, FAL, FALS, N, NU, NUL, AFTER } = STATE;
  const path = (letters: string, states: readonly number[]) =>
    [...letters].forEach((letter, i) => on(states[i]!, letter, states[i + 1] ?? AFTER));
  path("rue", [T, TR, TRU]);
  path("alse", [F, FA, FAL, FALS]);
  path("ull", [N, NU, NUL]);
}

function strings(on: On): void {
  const { STRING, ESCAPE, HEX_1, HEX_2, HEX_3, HEX_4 } = STATE;
  const { UTF8_1, UTF8_2, UTF8_3, UTF8_E0, UTF8_ED, UTF8_F0, UTF8_F4 } = STATE;
  on(STRING, [0x20, 0x7f], STRING);
  on(STRING, '"', ACT.END_STRING);
  on(STRING, "\\", ESCAPE);
  on(ESCAPE, '"\\/bfnrt', STRING);
  on(ESCAPE, "u", HEX_1);
  const hex = [HEX_1, HEX_2, HEX_3, HEX_4, STRING];
  for (let i = 0; i < 4; i++) on(hex[i]!, "0123456789abcdefABCDEF", hex[i + 1]!);
  on(STRING, [0xc2, 0xdf], UTF8_1);
  on(STRING, [0xe0, 0xef], UTF8_2);
  on(STRING, [0xe0, 0xe0], UTF8_E0);
  on(STRING, [0xed, 0xed], UTF8_ED);
  on(STRING, [0xf0, 0xf4], UTF8_3);
  on(STRING, [0xf0, 0xf0], UTF8_F0);
  on(STRING, [0xf4, 0xf4], UTF8_F4);
  on(UTF8_1, [0x80, 0xbf], STRING);
  on(UTF8_2, [0x80, 0xbf], UTF8_1);
  on(UTF8_3, [0x80, 0xbf], UTF8_2);
  on(UTF8_E0, [0xa0, 0xbf], UTF8_1);
  on(UTF8_ED, [0x80, 0x9f], UTF8_1);
  on(UTF8_F0, [0x90, 0xbf], UTF8_2);
  on(UTF8_F4, [0x80, 0x8f], UTF8_2);
}

/** `TRANSITIONS[state * 256 + byte]` is the next state, or an action. */
export const TRANSITIONS = table();
