import fc from "../support/property.ts";
import type { Contract } from "../../core/contract/contract.ts";
import { isKind } from "../../core/base/errors.ts";
import { parseContract } from "../../core/contract/json_schema.ts";

type Schema = Record<string, unknown>;

/**
 * Names that are awkward in JSON, in SQL or in a regular expression, and some that routing might
 * use itself.
 */
const names = [
  "a",
  "b",
  "c",
  "user_id",
  "a.b",
  "x y",
  'q"t',
  "it's",
  "back\\slash",
  "$^.*+?()[]{}|",
  "ü😀",
  "select",
  "2",
  "1",
  "tab\t",
  "__proto__",
  "element",
  "key",
  "%s",
  "file",
  "name",
  "position",
  "record",
  "parsed",
  "e0",
];

const bound = fc.oneof(
  fc.integer({ min: -50, max: 50 }),
  fc.constantFrom(0.1, 1e15, 1e20, 1e40, 1e300, -1e30, 9007199254740993, 0.000000001, 1e-12),
);

function bounded(schema: Schema): fc.Arbitrary<Schema> {
  const limit = fc.tuple(fc.constantFrom("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), bound);
  return fc.oneof(fc.constant(schema), limit.map(([keyword, value]) => ({ ...schema, [keyword]: value })));
}

const text: fc.Arbitrary<Schema> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ type: "string" }) },
  fc.constantFrom<Schema>(
    { type: ["string", "number"] },
    { type: ["string", "number", "boolean"] },
    { type: ["string", "boolean"] },
    { type: ["string", "number", "boolean", "object", "array"] },
    { type: "string", enum: ["a", "", "b\\", 'c"', "d.e", "ü"] },
    { type: "string", enum: ["ü", "😀"] },
    { type: "string", const: "a/b" },
    { type: "string", minLength: 2 },
    { type: "string", maxLength: 3 },
    { type: "string", minLength: 1, maxLength: 2 },
    { type: "string", pattern: "^a" },
  ),
);

const decimal: fc.Arbitrary<Schema> = fc.record({
  whole: fc.integer({ min: 0, max: 20 }),
  scale: fc.integer({ min: 0, max: 18 }),
}).filter(({ whole, scale }) => whole + scale > 0).map(({ whole, scale }) => ({
  type: "number",
  multipleOf: Number(`1e-${scale}`),
  minimum: whole === 0 ? -0.5 : Number(`-1e${whole - 1}`),
  maximum: whole === 0 ? 0.5 : Number(`1e${whole - 1}`),
}));

const scalar: fc.Arbitrary<Schema> = fc.oneof(
  { weight: 2, arbitrary: text },
  bounded({ type: "integer" }),
  bounded({ type: "integer", format: "int32" }),
  bounded({ type: "number" }),
  bounded({ type: "number", format: "float" }),
  decimal,
  {
    weight: 3,
    arbitrary: fc.constantFrom<Schema>(
      { type: "boolean" },
      { type: "boolean", const: true },
      { type: "integer", enum: [1, 2, 30] },
      { type: "string", format: "date" },
      { type: "string", format: "date-time" },
      { type: "string", format: "uuid" },
    ),
  },
);

const type: fc.Memo<Schema> = fc.memo((depth) => {
  const value = depth <= 1 ? scalar : fc.oneof(
    { weight: 6, arbitrary: scalar },
    object(type(depth - 1)),
    type(depth - 1).map((items) => ({ type: "array", items })),
    type(depth - 1).map((additionalProperties) => ({ type: "object", additionalProperties })),
    fc.constant<Schema>({ type: "object", additionalProperties: { type: "string" }, propertyNames: { minLength: 2 } }),
  );
  return fc.tuple(value, fc.integer({ min: 0, max: 4 })).map(([schema, chance]) =>
    chance === 0 ? { anyOf: [schema, { type: "null" }] } : schema
  );
});

function object(inner: fc.Arbitrary<Schema>, most = 4): fc.Arbitrary<Schema> {
  const field = fc.tuple(fc.constantFrom(...names), inner, fc.boolean());
  return fc.uniqueArray(field, { minLength: 1, maxLength: most, selector: ([name]) => name }).map((fields) => ({
    type: "object",
    properties: Object.fromEntries(fields.map(([name, schema]) => [name, schema])),
    required: fields.filter(([, , required]) => required).map(([name]) => name),
  }));
}

/** A contract of any types, nested up to three deep, with any checks. */
export const anyContract: fc.Arbitrary<Contract> = contracts(object(type(3), 6));

/** What a type and checks do not say: conditions, JSON text, other spellings and names. */
const beyond: fc.Arbitrary<Schema> = fc.oneof(
  fc.constantFrom<Schema>(
    {},
    { type: "object" },
    { type: "array", minItems: 1 },
    { type: ["string", "object"] },
    { oneOf: [{ type: "string", minLength: 1 }, { type: "integer" }, { type: "array", items: { type: "boolean" } }] },
    { "x-json": true, type: "object", required: ["a"] },
    { type: "integer", multipleOf: 7 },
    { type: "number", multipleOf: 0.5 },
    { type: "integer", not: { enum: [1, 2, 3] } },
    { type: "string", allOf: [{ pattern: "^a" }, { pattern: "b$" }] },
    { type: ["string", "integer"] },
    { type: "array", items: { type: "integer" }, uniqueItems: true, maxItems: 2 },
    { type: "object", additionalProperties: { type: "integer" }, minProperties: 1, maxProperties: 2 },
    { $ref: "#/$defs/tree" },
    { type: "object", oneOf: [{ properties: { a: { type: "integer" } } }, { properties: { b: { type: "boolean" } } }] },
    { type: "boolean", "x-loose": true },
  ),
  fc.constantFrom<Schema>(
    { type: "string", format: "date-time-local" },
    { type: "string", format: "date-time-lenient" },
    { type: "integer", format: "epoch-seconds" },
    { type: "number", format: "epoch-millis" },
    { type: "integer", format: "epoch-micros", "x-coerce": true },
    { type: "integer", minimum: -5, "x-coerce": true },
    { type: "boolean", "x-coerce": true },
    { type: "number", "x-coerce": true, multipleOf: 0.01, minimum: -99, maximum: 99 },
  ),
);

const renamed = fc.tuple(scalar, fc.constantFrom("renamed", "_id", "other")).map(([schema, name]) => ({
  ...schema,
  "x-column": name.replace("_", "x_"),
}));

const nothing: Schema = {};
const wholeRecord = fc.oneof(
  { weight: 3, arbitrary: fc.constant(nothing) },
  fc.constantFrom<Schema>(
    { minProperties: 2 },
    { maxProperties: 3 },
    { dependentRequired: { a: ["b"] } },
    { additionalProperties: { type: "string" } },
    { propertyNames: { maxLength: 8 } },
    { anyOf: [{ required: ["a"] }, { required: ["b"] }, { required: ["c"] }] },
    { anyOf: [{ properties: { a: { type: "integer" } } }, { properties: { b: { enum: ["x", "y"] } } }] },
  ),
);

const definitions = {
  tree: {
    type: "object",
    properties: { name: { type: "string" }, below: { type: "array", items: { $ref: "#/$defs/tree" } } },
  },
};

/** A contract with at least some of what only the judge knows. */
export const conditionedContract: fc.Arbitrary<Contract> = contracts(
  fc.tuple(object(fc.oneof(beyond, renamed, type(2)), 6), wholeRecord).map(([schema, whole]) => ({
    ...schema,
    ...whole,
    $defs: definitions,
  })),
);

/** Of those schemas that are contracts. */
function contracts(schemas: fc.Arbitrary<Schema>): fc.Arbitrary<Contract> {
  return schemas.map((schema) => {
    try {
      return parseContract(JSON.stringify(schema));
    } catch (error) {
      if (!isKind(error, "usage")) throw error;
      return undefined;
    }
  }).filter((contract) => contract !== undefined);
}
