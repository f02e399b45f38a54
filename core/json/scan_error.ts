import { showCharacter } from "./reader.ts";
import { STATE } from "./scan_table.ts";

const EXPECTED: ReadonlyMap<number, string> = new Map([
  [STATE.START, "an array ('[') or objects ('{')"],
  [STATE.VALUE, "a value"],
  [STATE.FIRST_VALUE, "a value or ']'"],
  [STATE.FIRST_KEY, "a key or '}'"],
  [STATE.KEY, "a key"],
  [STATE.COLON, "':'"],
  [STATE.DONE, "nothing more after the array"],
  [STATE.ESCAPE, "an escape"],
  [STATE.MINUS, "a digit"],
  [STATE.DOT, "a digit"],
  [STATE.EXPONENT, "a digit or a sign"],
  [STATE.EXPONENT_SIGN, "a digit"],
]);

/** What `state` expects, inside an object or an array. */
function expectedIn(state: number, inObject: boolean): string {
  const expected = EXPECTED.get(state);
  if (expected !== undefined) return expected;
  if (state >= STATE.HEX_1 && state <= STATE.HEX_4) return "a hexadecimal digit";
  if (state >= STATE.T && state <= STATE.TRU) return "'true'";
  if (state >= STATE.F && state <= STATE.FALS) return "'false'";
  if (state >= STATE.N) return "'null'";
  return inObject ? "',' or '}'" : "',' or ']'";
}

/** The words for a byte that `state` does not allow. */
export function wrongByte(state: number, byte: number, inObject: boolean): string {
  const found = byte < 0x80 ? showCharacter(byte) : `byte 0x${byte.toString(16).toUpperCase()}`;
  if (isInString(state)) {
    if (byte < 0x20 && state === STATE.STRING) {
      return `expected an escape instead of a control character, found ${found}`;
    }
    return `expected valid UTF-8, found ${found}`;
  }
  return `expected ${expectedIn(state, inObject)}, found ${found}`;
}

/** The words for a text that ends in `state`. */
export function earlyEnd(state: number, inObject: boolean): string {
  if (isInString(state)) return "the file ends inside a string";
  return `the file ends where ${expectedIn(state, inObject)} should come`;
}

function isInString(state: number): boolean {
  return state === STATE.STRING || (state >= STATE.UTF8_1 && state <= STATE.UTF8_F4);
}
