import { alloc, Pointer, realloc } from "./memory.ts";
import { skipNumber, startsNumber } from "./number.ts";
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  skipSpace,
  skipString,
} from "./text.ts";

export const NULL: u32 = 0x6c6c756e;
export const TRUE: u32 = 0x65757274;
/** Behind the `f`. */
export const ALSE: u32 = 0x65736c61;

const LEVELS_FIRST: u32 = 1024;

/** What is open around the value being read: a byte for each level, the one that closes it. */
let levels: Pointer = 0;
let levelsMax: u32 = 0;

/**
 * Past the JSON value at `p`, strictly by RFC 8259 and however deep it is; 0 where there is none.
 * Nesting costs a byte of memory for each level, never stack.
 */
export function skipValue(p: Pointer): Pointer {
  let depth: u32 = 0, closing: u32 = 0;
  while (true) {
    const c = <u32> load<u8>(p);
    if (c == OPEN_OBJECT || c == OPEN_ARRAY) {
      if (depth == levelsMax) growLevels();
      store<u8>(levels + depth++, closing);
      // In ASCII a closing bracket stands two behind the one that opens.
      closing = c + 2;
      p = skipSpace(p + 1);
      if (load<u8>(p) != closing) {
        if (c == OPEN_OBJECT) {
          p = skipKey(p);
          if (!p) return 0;
        }
        continue;
      }
      p++;
      closing = load<u8>(levels + --depth);
    } else {
      p = skipScalar(p, c);
      if (!p) return 0;
    }
    // A value has ended, and with it all that closes behind it.
    while (true) {
      if (!closing) return p;
      p = skipSpace(p);
      const next = <u32> load<u8>(p);
      p++;
      if (next == COMMA) {
        p = skipSpace(p);
        if (closing == CLOSE_OBJECT) {
          p = skipKey(p);
          if (!p) return 0;
        }
        break;
      }
      if (next != closing) return 0;
      closing = load<u8>(levels + --depth);
    }
  }
}

/** Past a key, its colon and the white space behind; 0 where there is no key. */
@inline
function skipKey(p: Pointer): Pointer {
  if (load<u8>(p) != QUOTE) return 0;
  p = skipString(p + 1);
  if (!p) return 0;
  p = skipSpace(p);
  return load<u8>(p) == COLON ? skipSpace(p + 1) : 0;
}

@inline
export function skipScalar(p: Pointer, c: u32): Pointer {
  if (c == QUOTE) return skipString(p + 1);
  if (startsNumber(c)) return skipNumber(p);
  const word = load<u32>(p);
  if (word == NULL || word == TRUE) return p + 4;
  return c == 0x66 && load<u32>(p, 1) == ALSE ? p + 5 : 0;
}

function growLevels(): void {
  const wider = levelsMax ? levelsMax << 1 : LEVELS_FIRST;
  levels = levelsMax ? realloc(levels, levelsMax, wider) : alloc(wider);
  levelsMax = wider;
}
