import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { messageOf } from "../../core/base/errors.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { Judge } from "../../core/contract/judge.ts";

type Schema = object | boolean;

const TEXT = { type: "string" };

function numbers(count: number): number[] {
  return [...Array(count).keys()];
}

/** A contract with one column, which the definition d0 describes. */
function chained(length: number, make: (next: object) => Schema, last: Schema): string {
  const steps = numbers(length).map((i) => [`d${i}`, make({ $ref: `#/$defs/d${i + 1}` })]);
  return contract({ v: { $ref: "#/$defs/d0" } }, { ...Object.fromEntries(steps), [`d${length}`]: last });
}

function contract(properties: object, $defs: object = {}): string {
  return JSON.stringify({ type: "object", properties, $defs });
}

/** As many fields that all refer to one definition. */
function fields(count: number, make: (i: number) => Schema = () => ({ $ref: "#/$defs/d" })): object {
  return Object.fromEntries(numbers(count).map((i) => [`f${i}`, make(i)]));
}

function refusal(text: string): string {
  try {
    parseContract(text);
  } catch (error) {
    return messageOf(error);
  }
  throw new Error(`the contract is not refused: ${text.slice(0, 200)}`);
}

const STRUCT = { type: "object", properties: { x: TEXT } };
/** Each definition leads to the next in two ways: 2^40 ways to the last. */
const TWICE: Record<string, (next: object) => Schema> = {
  allOf: (next) => ({ allOf: [next, next] }),
  anyOf: (next) => ({ anyOf: [next, { allOf: [next] }] }),
  oneOf: (next) => ({ type: "object", oneOf: [next, next] }),
  nullable: (next) => ({ allOf: [{ anyOf: [next, { type: "null" }] }, { anyOf: [next, { type: "null" }] }] }),
  conditional: (next) => ({ type: "object", if: { required: ["q"] }, then: next, else: next }),
  dependent: (next) => ({ type: "object", dependentSchemas: { a: next, b: next } }),
};

for (const [name, make] of Object.entries(TWICE)) {
  Deno.test(`definitions that lead to one another in many ways are read as many times as there are (${name})`, () => {
    const { text } = parseContract(chained(40, make, STRUCT));
    ok(text.length < 10_000, text.slice(0, 300));
    strictEqual(parseContract(text).text, text);
  });
}

Deno.test("what one definition says twice of a value counts once", () => {
  const twice = contract({ v: { allOf: [{ $ref: "#/$defs/d" }, { $ref: "#/$defs/d" }] } }, { d: { items: TEXT } });
  deepStrictEqual(parseContract(twice).text, parseContract(contract({ v: { items: TEXT } })).text);
});

Deno.test("a contract that stands for more than it is long is refused with the place where it is too much", () => {
  const words = numbers(5_000).map((i) => `word ${i}`);
  const cases: [text: string, message: RegExp][] = [
    [chained(40, (next) => ({ type: "object", properties: { a: next, b: next } }), TEXT), / fields$/],
    [contract({ v: { anyOf: numbers(500).map(() => ({ $ref: "#/$defs/d" })) } }, { d: { enum: words } }), / parts$/],
    [contract(fields(500), { d: { type: "string", enum: words } }), / parts$/],
    [contract(fields(500), { d: { type: "string", not: { enum: words } } }), / characters$/],
    [contract(fields(500), { d: { type: "string", description: "d".repeat(50_000) } }), / characters$/],
    [contract(fields(500, (i) => ({ type: "string", pattern: `^[a-z]{9000}${i}` }))), / parts$/],
    [contract(fields(500), { d: { type: "string", pattern: "^[a-z]{9000}" } }), / parts$/],
    [contract({ ["k".repeat(50_000)]: { not: { properties: fields(2_000, () => true) } } }), / parts$/],
    [chained(300, (next) => next, TEXT), /lead to each other through more than 200 steps$/],
    [chained(30, (next) => numbers(20).reduce<Schema>((s) => ({ allOf: [s] }), next), TEXT), /more than 200 steps$/],
    [chained(100, (next) => ({ type: "object", properties: { x: next } }), TEXT), /nested deeper than 80 levels$/],
    [chained(100, (next) => ({ type: "array", items: next }), TEXT), /nested deeper than 80 levels$/],
  ];
  for (const [text, message] of cases) {
    const found = refusal(text);
    match(found, message);
    match(found, /^Cannot use the contract: at \/(properties|\$defs)\//);
  }
});

Deno.test("a contract's own text can always be read again, also with one more column", () => {
  const condition = (depth: number) => numbers(depth).reduce<Schema>((schema) => ({ not: schema }), { minLength: 1 });
  const text = (depth: number) =>
    chained(60, (next) => ({ type: "object", properties: { x: next } }), { type: "string", allOf: [condition(depth)] });
  const read = parseContract(text(60));
  strictEqual(parseContract(read.text).text, read.text);
  match(refusal(text(120)), /with its references followed, the schema is nested deeper than 200 levels$/);
});

Deno.test("values by the hundred thousand are no more than a long list", () => {
  const words = numbers(150_000).map((i) => `w${i}`);
  const { checks } = parseContract(contract({ v: { anyOf: [{ enum: words }] } })).fields[0]!;
  strictEqual(checks.enum?.length, words.length);
  const lengths = numbers(130_000).map((minLength) => ({ minLength }));
  strictEqual(parseContract(contract({ v: { type: "string", allOf: lengths } })).fields[0]!.checks.minLength, 129_999);
});

Deno.test("thousands of mistakes are one message of bounded length", () => {
  const message = refusal(contract(fields(4_000, (i) => ({ [`odd${i}`]: 1 }))));
  match(message, /at \/properties\/f0\/odd0, the keyword "odd0" is not supported; .*; and 3,950 more mistakes$/);
  ok(message.length < 10_000, String(message.length));
  ok(refusal(contract({ v: { ["k".repeat(100_000)]: 1 } })).length < 3_000);
});

Deno.test("definitions that lead to one another in many ways judge each value once", () => {
  for (const make of Object.values(TWICE)) {
    const judge = new Judge(parseContract(chained(40, make, STRUCT)), "dead-letter");
    strictEqual(judge.judge('{"v":{"x":1}}').kind, "dead_letter");
    // Two alternatives of one "oneOf" are the same, so that no object is valid.
    strictEqual(judge.judge('{"v":{"x":"a"}}').kind, make === TWICE.oneOf ? "dead_letter" : "event");
  }
});
