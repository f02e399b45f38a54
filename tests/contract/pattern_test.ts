import { match, ok, strictEqual, throws } from "node:assert/strict";
import fc from "../support/property.ts";
import { PatternError } from "../../core/contract/pattern/parse_pattern.ts";
import { Pattern } from "../../core/contract/pattern/pattern.ts";

/** Alike often enough to match, and all that the syntax tells apart. */
const characters = fc.constantFrom(
  "a",
  "b",
  "A",
  "0",
  "_",
  "-",
  " ",
  "\n",
  "\u2028",
  "é",
  "ſ",
  "😀",
  "\ud83d",
  "\ude00",
);
/** Short: the engine takes minutes for a pattern such as `((a|b*)+c?)*` on a dozen characters. */
const texts = fc.array(characters, { maxLength: 8 }).map((parts) => parts.join(""));
const atoms = fc.constantFrom(
  ...["a", "b", "0", ".", "é", "😀", "\\ud83d", "\\u{1f600}", "\\ud83d\\ude00", "\\n", "\\x61", "\\cJ", "\\0", "\\/"],
  ...["\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\p{L}", "\\P{L}", "\\p{Lu}", "\\p{Script=Latin}", "\\-".slice(1)],
  ...[
    "[a-b]",
    "[^a]",
    "[\\w-]",
    "[\\d\\-é-😀]",
    "[]",
    "[^]",
    "[\\b]",
    "[^\\W_]",
    "[a-]",
    "[.*+]",
    "[\\]^]",
    "\\.",
    "\\$",
  ],
);
const quantifiers = fc.constantFrom("", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{0}", "{1,}", "{0,2}", "{2,3}?");
const { pattern: patterns } = fc.letrec<{ pattern: string; sequence: string; term: string }>((tie) => ({
  pattern: fc.array(tie("sequence"), { minLength: 1, maxLength: 3 }).map((items) => items.join("|")),
  sequence: fc.array(tie("term"), { maxLength: 4 }).map((items) => items.join("")),
  term: fc.oneof(
    { maxDepth: 2 },
    fc.tuple(atoms, quantifiers).map(([atom, quantifier]) => atom + quantifier),
    fc.constantFrom("^", "$", "\\b", "\\B"),
    fc.tuple(fc.constantFrom("(?:", "(", "(?<n>"), tie("pattern"), quantifiers)
      .map(([opening, inner, quantifier]) => `${opening}${inner.replaceAll("(?<n>", "(")})${quantifier}`),
    fc.tuple(fc.constantFrom("(?=", "(?!", "(?<=", "(?<!"), tie("pattern"))
      .map(([opening, inner]) => `${opening}${inner})`),
  ),
}));

/**
 * Begins at each character, as ECMA-262 has it (AdvanceStringIndex): by itself V8 also finds an
 * empty match in the middle of a surrogate pair.
 */
function matches(sticky: RegExp, text: string): boolean {
  for (let at = 0; at <= text.length; at += text.codePointAt(at)! > 0xffff ? 2 : 1) {
    sticky.lastIndex = at;
    if (sticky.test(text)) return true;
  }
  return false;
}

Deno.test("a pattern matches what the engine's own regular expressions match", () => {
  fc.assert(
    fc.property(patterns, fc.array(texts, { minLength: 1, maxLength: 6 }), (source, samples) => {
      let expected: RegExp;
      try {
        expected = new RegExp(source, "uy");
      } catch {
        return;
      }
      let pattern: Pattern;
      try {
        pattern = new Pattern(source);
      } catch (error) {
        ok(error instanceof PatternError && error.message.startsWith("more than 24 looks"), String(error));
        return;
      }
      for (const text of samples) {
        strictEqual(pattern.test(text), matches(expected, text), `/${source}/u on ${JSON.stringify(text)}`);
      }
    }),
    { numRuns: 1_000 },
  );
});

const known: [source: string, text: string][] = [
  ["^([a-z0-9]+-?)+\\.example$", `${"a".repeat(5_000)}!`],
  ["^([a-zA-Z0-9_.+-]+)+@example\\.com$", `${"a".repeat(5_000)}!`],
  ["(a*)*b", "a".repeat(5_000)],
  ["^(a|a)*$", `${"a".repeat(5_000)}b`],
  ["^(?:a?){200}a{200}$", "a".repeat(199)],
  ["(?=(a+)+$)b|(a|b|ab)*c", "ab".repeat(2_500)],
  ["(x+x+)+y", "x".repeat(5_000)],
  ["^(?=.*\\d)(?=.*[a-z])(?!.*(.+)+!$).{8,}$", `abc1${"d".repeat(5_000)}!`],
];

Deno.test("no text makes a pattern slow: what would take the engine years is answered", () => {
  for (const [source, text] of known) strictEqual(new Pattern(source).test(text), false, source);
});

Deno.test("a text too long for its pattern is given up, always at the same place", () => {
  const pattern = new Pattern("^(?:a|b)*a(?:a|b){60}c");
  const text = "ab".repeat(1_500_000);
  strictEqual(pattern.test(text), undefined);
  strictEqual(pattern.test("ab"), false);
  strictEqual(pattern.test(text), undefined);
  // Where it is clear before, the length is no matter.
  strictEqual(new Pattern("^.{1,4000}$").test("a".repeat(200_000)), false);
  strictEqual(new Pattern("a{1,4000}").test("a".repeat(5_000_000)), true);
});

Deno.test("what is no pattern is refused with the engine's reason and its place", () => {
  const refused: [string, RegExp, number | undefined][] = [
    ["a\\-b", /^invalid escape$/, 1],
    ["x\\@", /^invalid escape$/, 1],
    ["(?i)a", /^invalid group$/, 0],
    ["[[:alpha:]]", /^lone quantifier brackets$/, 10],
    ["a**", /^nothing to repeat$/, 2],
    ["(a", /^unterminated group$/, 0],
    ["a)", /^unmatched '\)'$/, 1],
    ["[b-a]", /^range out of order/, 2],
    ["a{2,1}", /^numbers out of order/, 1],
    ["\\p{Nothing}", /^invalid property name$/, 0],
    ["(a)\\1", /^back references cannot be matched in bounded time/, 3],
    ["(?<x>a)\\k<x>", /^back references/, 7],
    ["(?i:a)", /^modifiers, such as \(\?i:…\), are not supported$/, 0],
    ["(?:a{100}){101}", /^with its repetitions written out it has more than 10000 steps$/, undefined],
  ];
  for (const [source, reason, offset] of refused) {
    throws(() => new Pattern(source), (error) => {
      ok(error instanceof PatternError, String(error));
      match(error.message, reason, source);
      strictEqual(error.offset, offset, source);
      return true;
    });
  }
});

Deno.test("a short pattern that stands for very much is built at once, or refused", () => {
  strictEqual(new Pattern("^(?:){99999999999}a$").test("a"), true);
  strictEqual(new Pattern("^(?:(?:){9999999}){9999999}a$").test("b"), false);
  const ideographs = Array.from({ length: 3_000 }, (_, i) => String.fromCharCode(0x4e00 + 2 * i)).join("");
  const cases: [source: string, message: RegExp][] = [
    ["(".repeat(10_000) + ")".repeat(10_000), /^groups are nested deeper than 200 levels$/],
    [ideographs, /^it tells too many different characters apart$/],
    ["[^\\p{L}]".repeat(5_000), /^its characters and classes make more than 200000 ranges$/],
    [`[${"\\p{L}".repeat(5_000)}]`, /^its characters and classes make more than 200000 ranges$/],
  ];
  for (const [source, message] of cases) throws(() => new Pattern(source), { message });
});

Deno.test("a pattern that forgets its states, of which it keeps few where it has many letters, matches as before", () => {
  const letters = Array.from({ length: 500 }, (_, i) => String.fromCharCode(0x4e00 + 2 * i));
  const pattern = new Pattern(`(?:${letters.join("|")}|.)*一.{12}$`);
  const random = (i: number) => letters[(i * i + 7 * i) % 499]!;
  const text = Array.from({ length: 3_000 }, (_, i) => i % 3 === 0 ? "一" : random(i)).join("");
  strictEqual(pattern.test(text), /一.{12}$/.test(text));
});
