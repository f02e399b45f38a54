import { deepStrictEqual as assertEquals, ok as assert } from "node:assert/strict";
import fc from "../../support/property.ts";
import { BOUND_LENGTH_MAX, lowerBound, upperBound } from "../../../core/iceberg/format/bound.ts";
import { compareBytes, compareCodePoints, compareValues } from "../../../core/iceberg/format/value_order.ts";

const string = { type: "string" } as const;
const binary = { type: "binary" } as const;
const encoder = new TextEncoder();
/** Many characters at the edges where code units, surrogates and planes change. */
const edge = fc.constantFrom("a", "z", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{1f600}", "\u{10ffff}");
const text = fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.string({ unit: edge, maxLength: 40 }));

Deno.test("strings are ordered by their UTF-8 bytes", () => {
  fc.assert(fc.property(text, text, (a, b) => {
    assertEquals(Math.sign(compareCodePoints(a, b)), Math.sign(compareBytes(encoder.encode(a), encoder.encode(b))));
  }));
  assert("\u{1f600}" < "\uffff" && compareValues("\u{1f600}", "\uffff") > 0, "unlike JavaScript's own order");
});

Deno.test("bounds of strings hold every string that begins alike, in sixteen code points", () => {
  fc.assert(fc.property(text, text, (value, tail) => {
    const lower = lowerBound(string, value) as string;
    const upper = upperBound(string, value) as string | undefined;
    assert(Array.from(lower).length <= BOUND_LENGTH_MAX);
    assert(compareCodePoints(lower, value) <= 0);
    if (upper === undefined) return;
    assert(Array.from(upper).length <= BOUND_LENGTH_MAX);
    assert(compareCodePoints(upper, value) >= 0);
    if (Array.from(value).length > BOUND_LENGTH_MAX) assert(compareCodePoints(upper, value + tail) > 0);
    assertEquals(new TextDecoder().decode(encoder.encode(upper)), upper, "no half of a surrogate pair");
  }));
});

Deno.test("an upper bound carries left, jumps the surrogates, and is left out where there is none", () => {
  const sixteen = "x".repeat(15);
  assertEquals(upperBound(string, sixteen + "yz"), sixteen + "z");
  assertEquals(upperBound(string, sixteen + "\u{10ffff}z"), "x".repeat(14) + "y");
  assertEquals(upperBound(string, sixteen + "\ud7ffz"), sixteen + "\ue000");
  assertEquals(upperBound(string, "\u{10ffff}".repeat(17)), undefined);
  assertEquals(upperBound(string, "\u{10ffff}".repeat(16)), "\u{10ffff}".repeat(16));
  assertEquals(upperBound(binary, new Uint8Array(17).fill(255)), undefined);
  assertEquals(
    upperBound(binary, Uint8Array.of(...new Uint8Array(14), 1, 255, 0)),
    Uint8Array.of(...new Uint8Array(14), 2),
  );
});

Deno.test("minus zero comes before zero and NaN last", () => {
  const sorted = [NaN, 1, 0, -0, -Infinity, Infinity, -1].sort(compareValues);
  assertEquals(sorted, [-Infinity, -1, -0, 0, 1, Infinity, NaN]);
});
