import { equalBytes } from "./bytes.ts";
import { Pointer } from "./memory.ts";
import { skipKey, skipValue } from "./skip.ts";
import {
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  decoded,
  decodedLength,
  decodeString,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  skipPlain,
  skipSpace,
} from "./text.ts";

/**
 * The way into an envelope, by the steps of a JSON pointer (RFC 6901, section 4), and out of it
 * again. It takes only what is certain: each step once in its object, and strict JSON around.
 */

const STEPS_MAX: i32 = 16;
const STEP_BYTES: u32 = 16;

/** Of each step: its text, the length of that, the index it is or -1, and what closes behind it. */
const STEPS: Pointer = <u32> memory.data(256, 8);

let steps: i32 = 0;

export function clearSteps(): void {
  steps = 0;
}

/** False where there are too many. `index`: -1 where the text is none. */
export function addStep(text: Pointer, length: u32, index: i32): bool {
  if (steps == STEPS_MAX) return false;
  const step = stepPtr(steps++);
  store<u32>(step, text);
  store<u32>(step, length, 4);
  store<i32>(step, index, 8);
  return true;
}

@inline
function stepPtr(level: i32): Pointer {
  return STEPS + <u32> level * STEP_BYTES;
}

/** From an envelope to what the steps lead to; 0 where that is not certain. */
export function enterEnvelope(p: Pointer): Pointer {
  for (let level = 0; level < steps; level++) {
    const step = stepPtr(level), c = <u32> load<u8>(p);
    if (c == OPEN_OBJECT) {
      p = findMember(p, step);
      store<u32>(step, CLOSE_OBJECT, 12);
    } else if (c == OPEN_ARRAY) {
      p = findElement(p, load<i32>(step, 8));
      store<u32>(step, CLOSE_ARRAY, 12);
    } else return 0;
    if (!p) return 0;
  }
  return p;
}

/** From behind what the steps led to last: past the envelope, or 0. */
export function leaveEnvelope(p: Pointer): Pointer {
  for (let level = steps; level-- > 0;) {
    const step = stepPtr(level), closing = load<u32>(step, 12);
    while (true) {
      p = skipSpace(p);
      const c = <u32> load<u8>(p++);
      if (c == closing) break;
      if (c != COMMA) return 0;
      p = skipSpace(p);
      if (closing == CLOSE_OBJECT) {
        // A step that comes twice leads nowhere.
        if (isStep(p, step)) return 0;
        p = skipKey(p);
        if (!p) return 0;
      }
      p = skipValue(p);
      if (!p) return 0;
    }
  }
  return p;
}

/** The value of the first member that the step names. */
function findMember(p: Pointer, step: Pointer): Pointer {
  while (true) {
    p = skipSpace(p + 1);
    const isFound = isStep(p, step);
    p = skipKey(p);
    if (!p || isFound) return p;
    p = skipValue(p);
    if (!p) return 0;
    p = skipSpace(p);
    if (load<u8>(p) != COMMA) return 0;
  }
}

function findElement(p: Pointer, index: i32): Pointer {
  if (index < 0) return 0;
  p = skipSpace(p + 1);
  for (let i = 0; i < index; i++) {
    p = skipValue(p);
    if (!p) return 0;
    p = skipSpace(p);
    if (load<u8>(p) != COMMA) return 0;
    p = skipSpace(p + 1);
  }
  return p;
}

/** Whether the key at `p`, in whatever spelling, is the step. */
function isStep(p: Pointer, step: Pointer): bool {
  if (load<u8>(p) != QUOTE) return false;
  const text = load<u32>(step), length = load<u32>(step, 4);
  const end = skipPlain(++p);
  if (load<u8>(end) == QUOTE) return end - p == length && equalBytes(p, text, length);
  return decodeString(p) != 0 && decodedLength == length && equalBytes(decoded, text, length);
}
