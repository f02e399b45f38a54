import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { jsonPieces } from "../../core/json/pieces.ts";

const LONG = 300_000;
/** Six characters for each of the 65,536 that are escaped at once. */
const PIECE_LENGTH_MAX = 6 << 16;

Deno.test("the pieces of a value are its JSON text", () => {
  const values: unknown[] = [
    { a: null, b: "x", c: ["1", null, { d: "\u0000" }], e: undefined, f: -1 },
    { file: 1, position: null, raw: 'a"\\\n'.repeat(LONG), values: { a: ["\u0001".repeat(LONG), null], b: {} } },
    ["\u00e4\u4f60".repeat(LONG)],
    { "\n": "\u0000".repeat(LONG), undefined },
  ];
  for (const value of values) strictEqual([...jsonPieces(value)].join(""), JSON.stringify(value));
});

Deno.test("a pair of surrogates that falls into two pieces is read as one character", () => {
  for (const text of ["\u{1f600}".repeat(LONG), `x${"\u{1f600}".repeat(LONG)}`]) {
    deepStrictEqual(JSON.parse([...jsonPieces({ text })].join("")), { text });
  }
});

Deno.test("no piece of a long text is long itself", () => {
  for (const piece of jsonPieces({ raw: "\u0000".repeat(10 * LONG) })) ok(piece.length <= PIECE_LENGTH_MAX);
});
