import { deepStrictEqual, throws } from "node:assert/strict";
import fc from "../support/property.ts";
import { parseJson } from "../../core/base/json.ts";

/** As JSON.parse tells each number's own text: plain, and many times as slow. */
function byEachNumber(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, { source }: { source?: string } = {}) => {
    const isLong = typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? "");
    return isLong ? BigInt(source!) : value;
  });
}

const numbers = [
  ...["0", "-1", "2.5", "9007199254740991", "9007199254740992", "-9007199254740993", "1234567890123456"],
  ...["9223372036854775807", "123456789012345678901234567890", "0.12345678901234567", "12345678901234567.5"],
  ...["12345678901234567e3", "1e1234567890123456789", "1E-1234567890123456789", "01234567890123456789"],
];
const strings = ["", "a", "__proto__", "1", "9007199254740993", ", 9007199254740993,", '\\"', "\\\\", "\\u0001", "\\n"];
const marked = ["\\u0000", "\\u00009007199254740993", "\\\\u00009007199254740993"];
const space = fc.constantFrom("", "", "", " ", "\n\t");
const texts = (from: readonly string[]) => fc.constantFrom(...from).map((text) => `"${text}"`);

function jsonText(strings: readonly string[]) {
  const spaced = (inner: fc.Arbitrary<string>) => fc.tuple(space, inner, space).map((parts) => parts.join(""));
  return fc.letrec<{ value: string }>((tie) => ({
    value: spaced(fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...numbers, "true", "null"),
      texts(strings),
      fc.array(tie("value"), { maxLength: 5 }).map((items) => `[${items.join()}]`),
      // With a key twice V8 itself answers now this, now that.
      fc.uniqueArray(fc.tuple(texts(strings), space, tie("value")), { selector: ([key]) => key, maxLength: 5 })
        .map((entries) => `{${entries.map(([key, gap, value]) => `${gap}${key}${gap}:${value}`).join()}}`),
    )),
  })).value;
}

/** The same value, or an error of both. */
function compare(text: string): void {
  let expected: unknown;
  try {
    expected = byEachNumber(text);
  } catch (error) {
    throws(() => parseJson(text), { message: (error as Error).message }, text);
    return;
  }
  deepStrictEqual(parseJson(text), expected, text);
}

Deno.test("JSON is read with every integer exact, wherever it stands", () => {
  fc.assert(fc.property(fc.oneof(jsonText(strings), jsonText([...strings, ...marked])), compare));
});

Deno.test("what is no JSON is refused as JSON.parse refuses it", () => {
  const part = fc.constantFrom(...numbers, ...strings.map((text) => `"${text}"`), ..."[]{}:,- x");
  fc.assert(fc.property(fc.array(part, { maxLength: 8 }).map((parts) => parts.join("")), compare));
  const keys = [
    "{9007199254740993:1}",
    "[9007199254740993 9007199254740993]",
    "--9007199254740993",
    "9007199254740993x",
  ];
  for (const text of keys) compare(text);
});

Deno.test("long numbers and deep nesting are refused before they take their time", () => {
  throws(() => parseJson(`[${"1".repeat(1_001)}]`), /an integer has 1001 digits/);
  throws(() => parseJson("[".repeat(501) + "]".repeat(501)), /nested more than 500 levels deep/);
  deepStrictEqual(parseJson(`[${"1".repeat(1_000)}]`), [BigInt("1".repeat(1_000))]);
});
