import { deepStrictEqual } from "node:assert/strict";
import { isPlainText } from "../../core/disk/file_signature.ts";

Deno.test("a byte that is no text is found wherever it stands, and no other", () => {
  const allowed = new Set([0x09, 0x0a, 0x0d]);
  for (let length = 1; length <= 9; length++) {
    for (let at = 0; at < length; at++) {
      for (let byte = 0; byte < 0x100; byte++) {
        const text = new Uint8Array(length).fill(0x7e);
        text[at] = byte;
        // The text may end within a character.
        const isBegun = at === length - 1 && byte >= 0xc2 && byte <= 0xf4;
        const isText = (byte >= 0x20 && byte < 0x80) || allowed.has(byte) || isBegun;
        deepStrictEqual(isPlainText(text), isText, `byte ${byte} at ${at} of ${length}`);
      }
    }
  }
});

Deno.test("characters of any length are text wherever they stand, and cut ones are not", () => {
  for (const character of ["é", "€", "😀", "\u00a0"]) {
    for (let before = 0; before < 9; before++) {
      const text = new TextEncoder().encode(`${" ".repeat(before)}${character}${"a".repeat(before)}`);
      deepStrictEqual(isPlainText(text), true);
      deepStrictEqual(isPlainText(text.subarray(before + 1)), false);
    }
  }
});
