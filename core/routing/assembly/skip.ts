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

/** Open objects and arrays that are remembered of a value that ends nowhere: the outermost. */
const OPEN_MAX: u32 = 1 << 20;

let opened: Pointer = 0;
let openedMax: u32 = 0;
let openCount: u32 = 0;
/** Where the value failed that they are of. */
let openUntil: Pointer = 0;
let failed: Pointer = 0;

/**
 * Past the JSON value at `p`, strictly by RFC 8259 and however deep it is; 0 where there is none.
 * Nesting costs a byte of memory for each level, never stack.
 */
export function skipValue(p: Pointer): Pointer {
  return skip<void>(p);
}

/** Looks again at what is no value: `failedAt` and `isOpen` tell of it. */
export function explainValue(p: Pointer): void {
  const count = openCount;
  failed = p;
  openCount = 0;
  skip<u32>(p);
  // What fails at once has no objects or arrays, and leaves the places of others alone.
  if (openCount == 0 && p < openUntil) openCount = count;
  else openUntil = failed;
}

/** The token that cannot be one of a value, or that should not stand there. */
export function failedAt(): Pointer {
  return failed;
}

/**
 * Whether the object or array at `p` was open where the value failed, so that it would fail there,
 * too. Beyond the outermost that are remembered all count as open.
 */
export function isOpen(p: Pointer): bool {
  if (p >= openUntil || openCount == 0) return false;
  const kept = min(openCount, OPEN_MAX);
  let low: u32 = 0, high: u32 = kept;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(opened + (middle << 2)) < <u32> p) low = middle + 1;
    else high = middle;
  }
  if (low < kept) return load<u32>(opened + (low << 2)) == <u32> p;
  const c = <u32> load<u8>(p);
  return openCount > OPEN_MAX && (c == OPEN_OBJECT || c == OPEN_ARRAY);
}

export function forgetOpen(): void {
  openCount = 0;
  openUntil = 0;
}

function noteOpen(depth: u32, p: Pointer): void {
  openCount = depth + 1;
  if (depth >= OPEN_MAX) return;
  if (depth == openedMax) {
    const wider = openedMax ? openedMax << 1 : LEVELS_FIRST;
    opened = openedMax ? realloc(opened, openedMax << 2, wider << 2) : alloc(wider << 2);
    openedMax = wider;
  }
  store<u32>(opened + (depth << 2), <u32> p);
}

/** `N` is an integer where it notes what is open, and where it fails. */
@inline
function skip<N>(p: Pointer): Pointer {
  let depth: u32 = 0, closing: u32 = 0;
  while (true) {
    const c = <u32> load<u8>(p);
    if (isInteger<N>()) failed = p;
    if (c == OPEN_OBJECT || c == OPEN_ARRAY) {
      if (isInteger<N>()) noteOpen(depth, p);
      if (depth == levelsMax) growLevels();
      store<u8>(levels + depth++, closing);
      // In ASCII a closing bracket stands two behind the one that opens.
      closing = c + 2;
      p = skipSpace(p + 1);
      if (load<u8>(p) != closing) {
        if (isInteger<N>()) failed = p;
        if (c == OPEN_OBJECT) {
          p = skipKey(p);
          if (!p) return 0;
        }
        continue;
      }
      p++;
      closing = load<u8>(levels + --depth);
      if (isInteger<N>()) openCount = depth;
    } else {
      p = skipScalar(p, c);
      if (!p) return 0;
    }
    // A value has ended, and with it all that closes behind it.
    while (true) {
      if (!closing) return p;
      p = skipSpace(p);
      if (isInteger<N>()) failed = p;
      const next = <u32> load<u8>(p);
      p++;
      if (next == COMMA) {
        p = skipSpace(p);
        if (isInteger<N>()) failed = p;
        if (closing == CLOSE_OBJECT) {
          p = skipKey(p);
          if (!p) return 0;
        }
        break;
      }
      if (next != closing) return 0;
      closing = load<u8>(levels + --depth);
      if (isInteger<N>()) openCount = depth;
    }
  }
}

/** Past a key, its colon and the white space behind; 0 where there is no key. */
@inline
export function skipKey(p: Pointer): Pointer {
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
