import { Pointer } from "./memory.ts";
import { hexDigit } from "./text.ts";

/** What `readUuid` read: the sixteen bytes in their order. */
export const UUID: Pointer = <u32> memory.data(16, 16);

const DASH: u32 = 0x2d;

/** Reads the 36 characters of a UUID (RFC 9562, section 4) in either case; past them, or 0. */
export function readUuid(p: Pointer): Pointer {
  for (let byte: u32 = 0; byte < 16; byte++) {
    if (byte == 4 || byte == 6 || byte == 8 || byte == 10) {
      if (load<u8>(p) != DASH) return 0;
      p++;
    }
    const value = (hexDigit(load<u8>(p)) << 4) | hexDigit(load<u8>(p, 1));
    if (value > 0xff) return 0;
    store<u8>(UUID + byte, value);
    p += 2;
  }
  return p;
}
