import { hasBackslash } from "./bytes.ts";
import { Dictionary, newDictionary } from "./dictionary.ts";
import { alloc, Pointer, realloc } from "./memory.ts";
import { nextObject } from "./node.ts";
import { skipScalar } from "./skip.ts";
import {
  CLOSE_OBJECT,
  COLON,
  COMMA,
  decoded,
  decodedLength,
  decodeString,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  skipSpace,
  skipString,
} from "./text.ts";

/**
 * Values that are kept as their text. Besides being JSON they must not hold, at any depth, a key
 * twice in one object or an escape of half a surrogate pair.
 */

/** Keys seen in such values: with each stands the object in which it was seen last. */
let known: Dictionary = changetype<Dictionary>(0);
const KNOWN_MAX: u32 = 1 << 16;
const KNOWN_BYTES_MAX: u32 = 4 << 20;

/** What is open around the value: what closes it, its object, and its first key in `keys`. */
const LEVEL_BYTES: u32 = 16;
const LEVELS_FIRST: u32 = 256;
let levels: Pointer = 0;
let levelsMax: u32 = 0;

/** The keys of all objects that are open. */
const KEYS_FIRST: u32 = 1024;
let keys: Pointer = 0;
let keysMax: u32 = 0;
let keyCount: u32 = 0;

/** Keys of an object that are looked through for one that was seen deeper since. */
const KEYS_SEARCHED: u32 = 64;

let closing: u32 = 0;
let object: u64 = 0;
let firstKey: u32 = 0;

/** Past the value at `p`; 0 where it is not clean JSON, or that would take long to say. */
export function skipClean(p: Pointer): Pointer {
  let depth: u32 = 0;
  begin();
  while (true) {
    const c = <u32> load<u8>(p);
    if (c == OPEN_OBJECT || c == OPEN_ARRAY) {
      open(depth++, c);
      p = skipSpace(p + 1);
      if (load<u8>(p) != closing) {
        if (c == OPEN_OBJECT) {
          p = takeKey(p);
          if (!p) return 0;
        }
        continue;
      }
      p++;
      close(--depth);
    } else {
      p = c == QUOTE ? skipText(p) : skipScalar(p, c);
      if (!p) return 0;
    }
    while (true) {
      if (!closing) return p;
      p = skipSpace(p);
      const next = <u32> load<u8>(p);
      p++;
      if (next == COMMA) {
        p = skipSpace(p);
        if (closing == CLOSE_OBJECT) {
          p = takeKey(p);
          if (!p) return 0;
        }
        break;
      }
      if (next != closing) return 0;
      close(--depth);
    }
  }
}

function begin(): void {
  if (!changetype<u32>(known)) known = newDictionary();
  if (known.count > KNOWN_MAX || known.arenaTop > KNOWN_BYTES_MAX) known.clear();
  closing = 0;
  object = 0;
  firstKey = 0;
  keyCount = 0;
}

function open(depth: u32, bracket: u32): void {
  if (depth == levelsMax) {
    const wider = levelsMax ? levelsMax << 1 : LEVELS_FIRST;
    levels = levelsMax ? realloc(levels, levelsMax * LEVEL_BYTES, wider * LEVEL_BYTES) : alloc(wider * LEVEL_BYTES);
    levelsMax = wider;
  }
  const level = levels + depth * LEVEL_BYTES;
  store<u32>(level, closing);
  store<u32>(level, firstKey, 4);
  store<u64>(level, object, 8);
  // In ASCII a closing bracket stands two behind the one that opens.
  closing = bracket + 2;
  object = nextObject();
  firstKey = keyCount;
}

function close(depth: u32): void {
  const level = levels + depth * LEVEL_BYTES;
  keyCount = firstKey;
  closing = load<u32>(level);
  firstKey = load<u32>(level, 4);
  object = load<u64>(level, 8);
}

/** Past a key, its colon and the white space behind. */
function takeKey(p: Pointer): Pointer {
  if (load<u8>(p) != QUOTE) return 0;
  const from = p + 1;
  p = skipString(from);
  if (!p) return 0;
  let id: u32;
  if (hasBackslash(from, p)) {
    if (!decodeString(from)) return 0;
    id = known.intern(decoded, decodedLength);
  } else {
    id = known.intern(from, p - 1 - from);
  }
  if (!isNew(id)) return 0;
  p = skipSpace(p);
  return load<u8>(p) == COLON ? skipSpace(p + 1) : 0;
}

/** Whether the open object does not have the key yet, with certainty; then it has it. */
function isNew(id: u32): bool {
  const seenIn = load<u64>(known.note(id));
  if (seenIn == object) return false;
  if (seenIn > object) {
    // An object within this one has the key: what was noted of this one is overwritten.
    if (keyCount - firstKey > KEYS_SEARCHED) return false;
    for (let i = firstKey; i < keyCount; i++) {
      if (load<u32>(keys + (i << 2)) == id) return false;
    }
  }
  store<u64>(known.note(id), object);
  if (keyCount == keysMax) {
    const wider = keysMax ? keysMax << 1 : KEYS_FIRST;
    keys = keysMax ? realloc(keys, keysMax << 2, wider << 2) : alloc(wider << 2);
    keysMax = wider;
  }
  store<u32>(keys + (keyCount << 2), id);
  keyCount++;
  return true;
}

/** Past a string that has no half of a surrogate pair. */
function skipText(p: Pointer): Pointer {
  const past = skipString(p + 1);
  if (past && hasBackslash(p, past) && !decodeString(p + 1)) return 0;
  return past;
}
