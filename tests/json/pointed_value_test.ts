import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ElementPlaces, type ValuePlace } from "../../core/json/element_places.ts";
import { findPointedValue, type PointedValue } from "../../core/json/pointed_value.ts";
import { pointerSteps } from "../../core/json/pointer.ts";
import { takePointedTexts } from "../../core/json/pointed_texts.ts";
import { JsonReader } from "../../core/json/reader.ts";
import type { RandomBytes } from "../../core/json/value_split.ts";
import fc from "../support/property.ts";

function bytesOf(text: string | Uint8Array): RandomBytes & { bytes: Uint8Array } {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return {
    bytes,
    size: bytes.length,
    readInto(offset, target) {
      const part = bytes.subarray(offset, offset + target.length);
      target.set(part);
      return part.length;
    },
  };
}

function find(text: string, pointer: string): PointedValue {
  const bytes = bytesOf(text);
  return findPointedValue(bytes, { from: 0, to: bytes.size }, pointerSteps(pointer)!);
}

/** The text that was found, or the words for what is there instead. */
function found(text: string, pointer: string): string {
  const value = find(text, pointer);
  if (value.kind === "other") return value.found;
  if (value.kind === "not_json") return value.kind;
  return new TextDecoder().decode(bytesOf(text).bytes.subarray(value.place.from, value.place.to));
}

Deno.test("a pointer's text has steps as RFC 6901 says, or is none", () => {
  deepStrictEqual(["", "/", "/a~1b/m~0n", "/~01", "/a//0", "/ /é"].map(pointerSteps), [
    [],
    [""],
    ["a/b", "m~n"],
    ["~1"],
    ["a", "", "0"],
    [" ", "é"],
  ]);
  for (const text of ["a", "Records", "#/a", "/a~", "/~2"]) strictEqual(pointerSteps(text), undefined, text);
});

Deno.test("a pointer leads to an array or object, or to words for what is there instead", () => {
  const cases: readonly (readonly [text: string, pointer: string, found: string])[] = [
    ['{"Records":[1, 2]}', "/Records", "[1, 2]"],
    ['{"data" : {"items":\n[]  } }', "/data/items", "[]"],
    ['{"a":{"a":{"b":1}}}', "/a/a", '{"b":1}'],
    ['{"a/b":{"~":[1]}}', "/a~1b/~0", "[1]"],
    ['{"\\u0052ecords":[1]}', "/Records", "[1]"],
    ['{"":[[1]]}', "/", "[[1]]"],
    ['[0,{"x":[2]}]', "/1/x", "[2]"],
    ['{"x":[[1],[2],[3]]}', "/x/2", "[3]"],
    ['{"1":[2]}', "/1", "[2]"],
    ["{}", "/Records", "nothing"],
    ['{"records":[]}', "/Records", "nothing"],
    ['{"a":{"Records":[]}}', "/Records", "nothing"],
    ['{"data":{}}', "/data/items", "nothing"],
    ["{}", "/data/items", "nothing at /data"],
    ["[[1]]", "/1", "nothing"],
    ["[[1]]", "/00", "an array at the top"],
    ["[[1]]", "/-", "an array at the top"],
    ['{"Records":null}', "/Records", "null"],
    ['{"Records":true}', "/Records", "a boolean"],
    ['{"Records":"[1]"}', "/Records", "a string"],
    ['{"Records":-1.5e3}', "/Records", "a number"],
    ['{"data":[{"items":[1]}]}', "/data/items", "an array at /data"],
    ['{"data":"x"}', "/data/items", "a string at /data"],
    ["5", "/Records", "a number at the top"],
    ['"Records"', "/Records", "a string at the top"],
    ['{"Records":[1],"x":0,"Record\\u0073":[2]}', "/Records", "/Records twice"],
    ['{"data":{"items":[1]},"data":{}}', "/data/items", "/data twice"],
    ['{"data":{"items":[1],"items":null}}', "/data/items", "/data/items twice"],
    ['{"x":1,"x":2,"Records":[{"a":1,"a":2}]}', "/Records", '[{"a":1,"a":2}]'],
    ['{"Records":[1}', "/Records", "not_json"],
    ['{"Records":[1]', "/Records", "not_json"],
    ['{"Records":[1]} x', "/Records", "not_json"],
    ['{"Records":[1]}]', "/Records", "not_json"],
    ['{"Records":[1],}', "/Records", "not_json"],
    ["1,2", "/Records", "not_json"],
    ["nul", "/Records", "not_json"],
  ];
  for (const [text, pointer, expected] of cases) strictEqual(found(text, pointer), expected, `${text} ${pointer}`);
});

const step = fc.constantFrom("a", "b", "", "0", "1", "a/b", "~", "é");
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(null, true, 0, -2.5e-7, "]},{[\"'\\", "\u2028😀"),
    fc.array(tie("any"), { maxLength: 3 }),
    fc.dictionary(step, tie("any"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any;

function valueAt(root: unknown, steps: readonly string[]): unknown {
  return steps.reduce((at: unknown, key) => {
    const isThere = typeof at === "object" && at !== null && Object.hasOwn(at, key) &&
      (!Array.isArray(at) || key !== "length");
    return isThere ? (at as Record<string, unknown>)[key] : undefined;
  }, root);
}

function elements(bytes: RandomBytes & { bytes: Uint8Array }, array: ValuePlace): unknown[] {
  const places = new ElementPlaces(bytes, array);
  const values: unknown[] = [];
  for (let place = places.next(); place !== undefined; place = places.next()) {
    values.push(JSON.parse(new TextDecoder().decode(bytes.bytes.subarray(place.from, place.to))));
  }
  return values;
}

Deno.test("what is found is what JSON.parse has there, element for element, and so are the texts of a sample", () => {
  const steps = fc.array(step, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(value, steps, fc.constantFrom(0, 1, "\t"), (root, path, indent) => {
      const text = JSON.stringify(root, null, indent);
      const bytes = bytesOf(`  ${text}\n`);
      const result = findPointedValue(bytes, { from: 2, to: bytes.size - 1 }, path);
      const expected = valueAt(root, path);
      const isNested = typeof expected === "object" && expected !== null;
      strictEqual(result.kind, isNested ? Array.isArray(expected) ? "array" : "object" : "other");
      const reader = new JsonReader();
      reader.start(text);
      const taken: unknown[] = [];
      takePointedTexts(reader, path, (record) => taken.push(JSON.parse(record)));
      reader.end();
      deepStrictEqual(taken, isNested ? Array.isArray(expected) ? expected : [expected] : []);
      if (result.kind === "other") return;
      const { from, to } = result.place;
      deepStrictEqual(JSON.parse(new TextDecoder().decode(bytes.bytes.subarray(from, to))), expected);
      if (result.kind === "array") deepStrictEqual(elements(bytes, result.place), expected);
    }),
    { numRuns: 300 },
  );
});

Deno.test("what JSON.parse refuses is no value to look through, and nothing else is", () => {
  let broken = 0;
  fc.assert(
    fc.property(value, fc.nat(), fc.constantFrom(...'{}[],:"\\x 0-'), (root, at, byte) => {
      const text = JSON.stringify(root);
      const place = at % (text.length + 1);
      const changed = `${text.slice(0, place)}${byte}${text.slice(place + 1)}`.trim();
      if (changed === "" || !changed.isWellFormed()) return;
      let isJson = true;
      try {
        JSON.parse(changed);
      } catch {
        isJson = false;
        broken++;
      }
      strictEqual(find(changed, "/a").kind !== "not_json", isJson, changed);
    }),
    { numRuns: 300 },
  );
  ok(broken > 0);
});

Deno.test("keys, records and white space may stand across the ends of what is read at once", () => {
  for (const before of [(1 << 18) - 3, (1 << 18) - 9, 1 << 18, (1 << 18) + 1]) {
    const text = `{"x":"${"y".repeat(before - 10)}","\\u0052ecords" :[ {"a":"\\\\"}${" ".repeat(before)},"\\"]" ]}`;
    const bytes = bytesOf(text);
    const result = findPointedValue(bytes, { from: 0, to: bytes.size }, ["Records"]);
    ok(result.kind === "array");
    deepStrictEqual(elements(bytes, result.place), [{ a: "\\" }, '"]']);
  }
});
