import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { Judge } from "../../core/contract/judge.ts";
import { VALUES_MAX } from "../../core/json/reader.ts";
import { parseContract } from "../../core/contract/json_schema.ts";

/** A JSON value as its members and items, so that an object may hold a key twice. */
type Model =
  | { kind: "string"; value: string }
  | { kind: "raw"; text: string }
  | { kind: "array"; items: Model[] }
  | { kind: "object"; members: [string, Model][] };

const text = fc.oneof(fc.string({ maxLength: 6 }), fc.string({ unit: "binary", maxLength: 4 }), fc.constant("\ud800"));
const numbers = fc.constantFrom("0", "-0", "1.50", "1e2", "-12.5e-3", "123456789012345678901234567890", "1E+400");
const scalar: fc.Arbitrary<Model> = fc.oneof(
  text.map((value): Model => ({ kind: "string", value })),
  fc.oneof(numbers, fc.constantFrom("true", "false", "null")).map((text): Model => ({ kind: "raw", text })),
);
const anything: fc.Arbitrary<Model> = fc.letrec<{ value: Model }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }).map((items): Model => ({ kind: "array", items })),
    fc.array(fc.tuple(fc.oneof(fc.constantFrom("a", "b", "__proto__", "0"), text), tie("value")), { maxLength: 3 })
      .map((members): Model => ({ kind: "object", members })),
  ),
})).value;

const instant = fc.constantFrom("2026-03-01T12:00:00Z", "1999-12-31t23:59:59.25z").map((value): Model => ({
  kind: "string",
  value,
}));
const properties = fc.array(fc.tuple(fc.oneof(fc.constantFrom("a", "b", "__proto__"), text), scalar), { maxLength: 4 })
  .map((members): Model => ({ kind: "object", members }));
const plain = fc.string({ maxLength: 5 }).map((value): Model => ({ kind: "string", value }));
const mostly = (good: fc.Arbitrary<Model>) =>
  fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: anything });
const member = <T extends string>(key: T, value: fc.Arbitrary<Model>) =>
  fc.tuple(fc.constant(key as string), mostly(value));

/** Records of the default contract: mostly right, each in some ways wrong, keys in any order. */
const record: fc.Arbitrary<Model> = fc.tuple(
  fc.subarray(["user_id", "event_id", "event_type"], { minLength: 2 }).chain((keys) =>
    fc.tuple(...keys.map((key) => member(key, plain)))
  ),
  fc.array(member("event_timestamp", instant), { minLength: 1, maxLength: 1 }),
  fc.array(member("event_type", plain), { maxLength: 1 }),
  fc.array(member("product_id", plain), { maxLength: 1 }),
  fc.array(member("properties", properties), { maxLength: 1 }),
  fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, {
    weight: 1,
    arbitrary: fc.array(fc.tuple(fc.oneof(fc.constantFrom("x", "USER_ID", ""), text), mostly(scalar)), {
      minLength: 1,
      maxLength: 2,
    }),
  }),
).chain((parts) => {
  const members = parts.flat() as [string, Model][];
  return fc.shuffledSubarray(members, { minLength: members.length }).map((members): Model => ({
    kind: "object",
    members,
  }));
});

/** Renders with white space and escapes that the seed chooses. */
function render(model: Model, choose: () => number): string {
  const space = () => ["", "", "", " ", "\n\t", "\r\n  "][choose() % 6]!;
  const string = (value: string) =>
    `"${
      [...value].map((character) => {
        const escaped = JSON.stringify(character).slice(1, -1);
        if (choose() % 8 > 0) return escaped;
        return Array.from(
          { length: character.length },
          (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
        ).join("");
      }).join("")
    }"`;
  const write = (node: Model): string => {
    switch (node.kind) {
      case "string":
        return string(node.value);
      case "raw":
        return node.text;
      case "array":
        return `[${space()}${node.items.map(write).join(`${space()},${space()}`)}${space()}]`;
      case "object":
        return `{${space()}${
          node.members.map(([key, value]) => `${string(key)}${space()}:${space()}${write(value)}`).join(
            `${space()},${space()}`,
          )
        }${space()}}`;
    }
  };
  return space() + write(model) + space();
}

/** Whether what no record may hold is in the value: a key twice, half a surrogate pair. */
function isUnfit(model: Model): boolean {
  switch (model.kind) {
    case "string":
      return !model.value.isWellFormed();
    case "raw":
      return false;
    case "array":
      return model.items.some(isUnfit);
    case "object":
      return new Set(model.members.map(([key]) => key)).size < model.members.length ||
        model.members.some(([key, value]) => !key.isWellFormed() || isUnfit(value));
  }
}

/**
 * The default contract's rules again, written for plainness alone: what becomes of a record, and
 * the columns of an event.
 */
function oracle(model: Model): { kind: string; values?: Record<string, unknown> } {
  if (model.kind !== "object" || isUnfit(model)) return { kind: "invalid_schema" };
  const fields = new Map(model.members);
  const isNull = (value: Model | undefined) => value === undefined || (value.kind === "raw" && value.text === "null");
  const values: Record<string, unknown> = {};
  for (const name of ["user_id", "event_id", "event_type", "product_id", "event_timestamp"]) {
    const value = fields.get(name);
    values[name] = null;
    if (isNull(value) && name === "product_id") continue;
    if (value?.kind !== "string") return { kind: "invalid_schema" };
    values[name] = value.value;
  }
  const at = String(values.event_timestamp);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/i.test(at)) return { kind: "invalid_schema" };
  values.event_timestamp = `${new Date(at).toISOString().slice(0, -1)}000Z`;
  const map = fields.get("properties");
  values.properties = null;
  if (!isNull(map)) {
    if (map?.kind !== "object") return { kind: "invalid_schema" };
    const entries = map.members.map(([key, value]) => [key, textOf(value)] as const);
    if (entries.some(([, value]) => value === undefined)) return { kind: "invalid_schema" };
    values.properties = Object.fromEntries(entries);
  }
  const known = Object.keys(values);
  return [...fields.keys()].every((key) => known.includes(key)) ? { kind: "event", values } : { kind: "extra_fields" };
}

function textOf(model: Model): string | undefined {
  if (model.kind === "string") return model.value;
  return model.kind === "raw" && model.text !== "null" ? model.text : undefined;
}

/** Numbers from a seed (xorshift), for layouts. */
function chooser(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Plain objects without the fields that are null: a struct has every field. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => item !== null).map(([key, item]) => [key, withoutNulls(item)]),
  );
}

/** Compares whatever the prototypes. */
function plainJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

Deno.test("records in any layout are judged as the rules say, written a second time", () => {
  const judge = new Judge(defaultContract(), "dead-letter");
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(record, fc.integer(), (model, seed) => {
      const written = render(model, chooser(seed));
      const expected = oracle(model);
      const found = judge.judge(written);
      strictEqual(
        found.kind === "dead_letter" ? found.reason : found.kind,
        expected.kind,
        `${written} ${JSON.stringify(found)}`,
      );
      if (found.kind === "event") deepStrictEqual(plainJson(found.values), plainJson(expected.values));
      deepStrictEqual(judge.judgeBytes(new TextEncoder().encode(written)), found);
      seen.set(expected.kind, (seen.get(expected.kind) ?? 0) + 1);
    }),
    { numRuns: 3000 },
  );
  for (const kind of ["event", "invalid_schema", "extra_fields"]) {
    // Some seventy of each are usual; the point is that none is missing.
    ok(seen.get(kind)! > 10, `${kind}: ${seen.get(kind)}`);
  }
});

Deno.test("any damage to a record is either JSON still or told to be none, and never thrown", () => {
  const judge = new Judge(defaultContract(), "rescue");
  fc.assert(
    fc.property(
      record,
      fc.integer(),
      fc.nat(),
      fc.oneof(fc.constantFrom(...'{}[]",:\\ue0-.n\n\x00 ]'), fc.string({ unit: "binary", maxLength: 2 })),
      fc.nat(2),
      (model, seed, at, insert, drop) => {
        const written = render(model, chooser(seed));
        const place = at % written.length;
        const damaged = written.slice(0, place) + insert + written.slice(place + drop);
        let valid = true;
        try {
          JSON.parse(damaged);
        } catch {
          valid = false;
        }
        strictEqual(judge.judge(damaged).kind !== "not_json", valid, damaged);
      },
    ),
    { numRuns: 3000 },
  );
});

Deno.test("a rescued record loses nothing: its columns and what was rescued are the record", () => {
  const contract = parseContract(JSON.stringify({
    type: "object",
    properties: {
      a: { type: "object", properties: { x: { type: "string" } } },
      m: { type: "object", additionalProperties: { type: "object", properties: { x: { type: "string" } } } },
    },
  }));
  const inner = fc.dictionary(fc.constantFrom("x", "y", "__proto__", "0"), fc.string({ maxLength: 3 }), {
    noNullPrototype: true,
  });
  const judge = new Judge(contract, "rescue");
  fc.assert(
    fc.property(inner, fc.dictionary(fc.constantFrom("k", "l"), inner), fc.option(fc.jsonValue()), (a, m, extra) => {
      const source = extra === null ? { a, m } : { a, extra, m };
      const found = judge.judge(JSON.stringify(source));
      ok(found.kind === "event");
      const merged = (left: Record<string, unknown>, right: Record<string, unknown>): Record<string, unknown> => {
        const all = new Map(Object.entries(left));
        for (const [key, value] of Object.entries(right)) {
          const other = all.get(key);
          const both = typeof other === "object" && other !== null && typeof value === "object" && value !== null;
          all.set(key, both ? merged(other as Record<string, unknown>, value as Record<string, unknown>) : value);
        }
        return Object.fromEntries(all);
      };
      deepStrictEqual(
        merged(withoutNulls(found.values) as Record<string, unknown>, JSON.parse(found.rescued ?? "{}")),
        plainJson(source),
      );
    }),
  );
});

Deno.test("a record of 64 MB is judged", () => {
  const long = "x".repeat(64 << 20);
  const judge = new Judge(defaultContract(), "dead-letter");
  const found = judge.judge(
    `{"user_id":"${long}","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z","product_id":5}`,
  );
  ok(found.kind === "dead_letter" && found.detail === "/product_id: expected string, found number 5");
  strictEqual(found.values.user_id, long);
});

Deno.test("nesting of 200,000 levels is judged, wherever it stands", () => {
  const judge = new Judge(defaultContract(), "rescue");
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  const base = '"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"';
  const rescued = judge.judge(`{${base},"x":${deep}}`);
  ok(rescued.kind === "event" && rescued.rescued === `{"x":${deep}}`);
  for (const text of [deep, `{${base},"properties":${deep}}`, `{${base},"properties":{"a":${deep}}}`]) {
    strictEqual(judge.judge(text).kind, "dead_letter");
  }
});

Deno.test("a record that a pattern would hold up for years is a dead letter that names the pattern", () => {
  const pattern = "^([a-z0-9]+-?)+\\.example$";
  const type = { type: "string", pattern };
  const contract = parseContract(JSON.stringify({
    type: "object",
    properties: { host: type, hosts: { type: "object", propertyNames: { pattern }, additionalProperties: type } },
  }));
  const judge = new Judge(contract, "dead-letter");
  const host = `${"a".repeat(60)}!`;
  for (const record of [{ host }, { hosts: { [host]: "a.example" } }, { hosts: { "a.example": host } }]) {
    const found = judge.judge(JSON.stringify(record));
    ok(found.kind === "dead_letter" && found.detail.includes(`string that matches ${pattern}, found `), found.kind);
  }
  const long = parseContract(
    '{"type":"object","properties":{"s":{"type":"string","pattern":"^(?:a|b)*a(?:a|b){60}c"}}}',
  );
  const given = new Judge(long, "dead-letter").judge(JSON.stringify({ s: "ab".repeat(1_500_000) }));
  ok(given.kind === "dead_letter");
  match(given.detail, /^\/s: expected string short enough to be matched with \^\(\?:a\|b\)\*a.*, found string/);
});

Deno.test("details stay short, whatever the record holds", () => {
  const judge = new Judge(defaultContract(), "dead-letter");
  const long = "\u{1f600}".repeat(100_000);
  for (
    const text of [
      `{"user_id":["${long}"]}`,
      `{"${long}":1,"${long}":2}`,
      `"${long}"`,
      `{"properties":{"${long}":null}}`,
    ]
  ) {
    const found = judge.judge(text);
    ok(found.kind === "dead_letter" && found.detail.length < 400 && found.detail.isWellFormed());
  }
});

Deno.test("a record of more than a million values is a dead letter, at any depth and in any place", () => {
  const judge = new Judge(defaultContract(), "rescue");
  const base = '"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"';
  const values = (count: number) => `[${"1,".repeat(count - 1)}1]`;
  strictEqual(judge.judge(`{${base},"x":${values(VALUES_MAX - 5)}}`).kind, "event");
  const detail = "the record: expected at most 1000000 values, found more";
  for (const text of [`{${base},"x":${values(VALUES_MAX - 4)}}`, `${"[".repeat(VALUES_MAX + 1)}`, values(VALUES_MAX)]) {
    const found = judge.judge(text);
    ok(found.kind === "dead_letter" && found.reason === "invalid_schema", text.slice(0, 99));
    strictEqual(found.detail, detail);
  }
});

Deno.test("a value that conditions would follow too deep is a letter that says so", () => {
  const steps = Array.from({ length: 150 }, (_, i) => [`d${i}`, { $ref: `#/$defs/d${i + 1}` }]);
  const $defs = { ...Object.fromEntries(steps), d150: { items: { $ref: "#/$defs/d0" } } };
  const contract = parseContract(JSON.stringify({ type: "object", properties: { v: { $ref: "#/$defs/d0" } }, $defs }));
  const judge = new Judge(contract, "dead-letter");
  const nested = (depth: number) => `{"v":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  strictEqual(judge.judge(nested(4)).kind, "event");
  const judgement = judge.judge(nested(190));
  ok(judgement.kind === "dead_letter");
  match(judgement.detail, /^\/v\/0: expected a value that conditions can look through, .* more than 800 steps$/);
  strictEqual(judge.judge(nested(4)).kind, "event");
});

Deno.test("a large value before many alternatives is written out once, for the message", () => {
  const wanted = Array.from({ length: 1_000 }, (_, i) => ({ const: { a: `w${i}` } }));
  const alternatives = wanted.map((schema) => ({ ...schema, type: "object", required: ["b"] }));
  const v = { anyOf: [...wanted, ...alternatives] };
  const judge = new Judge(parseContract(JSON.stringify({ type: "object", properties: { v } })), "dead-letter");
  strictEqual(judge.judge(`{"v":{"a":"${"x".repeat(5_000_000)}"}}`).kind, "dead_letter");
  strictEqual(judge.judge('{"v":{"a":"w7"}}').kind, "event");
});

Deno.test("few values of enum are compared as many are", () => {
  const values = ["1", "1.0", "10e-1", '"1"', "true", "null", "[1,[]]", "[1]", '{"a":1,"b":[2]}', '{"b":[2.0],"a":1}'];
  const others = Array.from({ length: 30 }, (_, i) => `"other ${i}"`);
  for (const one of values) {
    const judges = [[one, "{}"], [one, "{}", ...others]].map((list) => {
      const text = `{"type":"object","properties":{"v":{"x-json":true,"enum":[${list}]}}}`;
      return new Judge(parseContract(text), "dead-letter");
    });
    for (const other of values) {
      const [few, many] = judges.map((judge) => judge.judge(`{"v":${other}}`).kind);
      strictEqual(few, many, `${one} and ${other}`);
    }
    strictEqual(judges[0]!.judge(`{"v":${one}}`).kind, "event");
  }
});
