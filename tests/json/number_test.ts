import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import {
  canonicalNumber,
  compareNumbers,
  exactNumber,
  integerDigits,
  plainText,
  scaleOf,
} from "../../core/json/number.ts";

const digits = (minLength: number) => fc.string({ unit: fc.constantFrom(..."0012389"), minLength, maxLength: 12 });
/** JSON numbers, as text. */
const number = fc.tuple(
  fc.constantFrom("", "-"),
  digits(1).map((text) => text.replace(/^0+(?=\d)/, "")),
  fc.option(digits(1), { nil: undefined }),
  fc.option(fc.tuple(fc.constantFrom("e", "E"), fc.constantFrom("", "+", "-"), fc.integer({ min: 0, max: 15 })), {
    nil: undefined,
  }),
).map(([sign, whole, fraction, exponent]) =>
  `${sign}${whole}${fraction === undefined ? "" : `.${fraction}`}${exponent === undefined ? "" : exponent.join("")}`
);

/** The number times 10^40, exactly. */
function scaled(text: string): bigint {
  const [mantissa, exponent] = text.toLowerCase().split("e");
  const [whole, fraction = ""] = mantissa!.split(".");
  return BigInt(whole! + fraction) * 10n ** BigInt(40 - fraction.length + Number(exponent ?? 0));
}

Deno.test("numbers compare as their exact values do", () => {
  fc.assert(fc.property(number, number, (a, b) => {
    const [x, y] = [scaled(a), scaled(b)];
    strictEqual(Math.sign(compareNumbers(exactNumber(a), exactNumber(b))), x < y ? -1 : x > y ? 1 : 0, `${a} ${b}`);
  }));
});

Deno.test("equal numbers have one canonical text, which is JSON and has the same value", () => {
  fc.assert(fc.property(number, number, (a, b) => {
    const [left, right] = [a, b].map((text) => canonicalNumber(exactNumber(text)));
    strictEqual(left === right, scaled(a) === scaled(b));
    strictEqual(scaled(left!), scaled(a));
    JSON.parse(left!);
  }));
});

Deno.test("the digits that a number needs are counted exactly", () => {
  fc.assert(fc.property(number, (text) => {
    const exact = exactNumber(text);
    const plain = plainText(exact);
    strictEqual(scaled(plain), scaled(text));
    const [whole, fraction = ""] = plain.replace("-", "").split(".");
    strictEqual(integerDigits(exact), whole === "0" ? 0 : whole!.length);
    strictEqual(scaleOf(exact), fraction.length);
  }));
});

Deno.test("absurd exponents cost nothing", () => {
  const huge = exactNumber("1e999999999999999999"), tiny = exactNumber("-1e-999999999999999999");
  strictEqual(compareNumbers(huge, exactNumber("1e400")) > 0, true);
  strictEqual(compareNumbers(tiny, exactNumber("0")) < 0, true);
  strictEqual(compareNumbers(tiny, exactNumber("-1e-400")) > 0, true);
  deepStrictEqual(exactNumber("-0.000e99999999999"), { negative: true, digits: "", exponent: 0 });
});
