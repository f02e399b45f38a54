import { Ajv2020 } from "ajv/2020";
import { strictEqual } from "node:assert/strict";
import { isKind } from "../../core/base/errors.ts";
import { ContractProblems } from "../../core/contract/contract_error.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { Judge } from "../../core/contract/judge.ts";
import { COLUMN_FORMATS } from "../../core/contract/schema/column_formats.ts";
import { normalSchema } from "../../core/contract/schema/normal_schema.ts";
import { SchemaBudget } from "../../core/contract/schema/schema_budget.ts";
import { SchemaCheck } from "../../core/contract/schema/schema_check.ts";
import { parseJsonTree } from "../../core/json/tree.ts";
import fc from "../support/property.ts";
import { isThorough } from "../support/thorough.ts";

type Schema = boolean | Record<string, unknown>;

const keys = ["a", "b", "ab"];
const small = fc.integer({ min: 0, max: 3 });

/** Any of these keywords beside a type, each there or not. */
function typed(type: string, keywords: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Schema> {
  return fc.record(keywords, { requiredKeys: [] }).map((rest) => ({ type, ...rest }));
}

const schema: fc.Memo<Schema> = fc.memo((depth) => {
  if (depth <= 1) return scalar;
  const inner = schema(depth - 1);
  const fields = fc.dictionary(fc.constantFrom(...keys), inner, { minKeys: 1, maxKeys: 3 });
  const names = fc.uniqueArray(fc.constantFrom(...keys), { minLength: 1, maxLength: 2 });
  const several = fc.array(inner, { minLength: 1, maxLength: 3 });
  const array = typed("array", {
    items: inner,
    minItems: small,
    maxItems: small,
    uniqueItems: fc.boolean(),
    contains: inner,
  });
  const closed = fields.map((properties) => ({ type: "object", properties, additionalProperties: false }));
  const alternatives = fc.array(closed, { minLength: 2, maxLength: 3 });
  const map = typed("object", { additionalProperties: inner, required: names, minProperties: small });
  const object = fc.tuple(
    fields,
    fc.record({
      minProperties: small,
      maxProperties: fc.integer({ min: 2, max: 4 }),
      propertyNames: fc.constant({ maxLength: 1 }),
      dependentRequired: fc.tuple(fc.constantFrom(...keys), names).map(([name, list]) => ({ [name]: list })),
      patternProperties: inner.map((value) => ({ "^a": value })),
      // Of a struct, `false` itself says nothing: extra fields are not the contract's matter.
      additionalProperties: inner.map((value) => value === false ? { not: {} } : value),
      unevaluatedProperties: inner,
      dependentSchemas: fc.tuple(fc.constantFrom(...keys), inner).map(([name, value]) => ({ [name]: value })),
      not: inner,
    }, { requiredKeys: [] }),
    fc.boolean(),
  ).map(([properties, rest, all]) => ({
    type: "object",
    properties,
    ...rest,
    ...(all ? { required: Object.keys(properties) } : {}),
  }));
  return fc.oneof(
    { weight: 3, arbitrary: scalar },
    { weight: 2, arbitrary: array },
    { weight: 3, arbitrary: object },
    map,
    several.map((anyOf) => ({ anyOf })),
    alternatives.map((anyOf) => ({ anyOf })),
    alternatives.map((oneOf) => ({ oneOf })),
    several.map((oneOf) => ({ oneOf })),
    several.map((allOf) => ({ allOf })),
    inner.map((not) => ({ not })),
    fc.record({ if: inner, then: inner, else: inner }, { requiredKeys: ["if"] }),
    inner.map((value) => ({ oneOf: [value, { type: "null" }] })),
    fc.array(inner, { minLength: 1, maxLength: 2 }).map((prefixItems) => ({ type: "array", prefixItems })),
    fc.constant<Schema>({ $ref: "#/$defs/tree" }),
    fc.boolean(),
  );
});

const scalar: fc.Arbitrary<Schema> = fc.oneof(
  typed("string", {
    minLength: small,
    maxLength: small,
    pattern: fc.constantFrom("^a", "b$", "^[ab]*$"),
  }),
  typed("integer", { minimum: small, exclusiveMaximum: small, multipleOf: fc.constantFrom(2, 3) }),
  typed("number", { exclusiveMinimum: small, maximum: small, multipleOf: fc.constantFrom(0.5, 1.5) }),
  fc.constantFrom<Schema>(
    { type: "boolean" },
    { type: ["string", "number"] },
    { type: ["string", "integer"], minLength: 1 },
    { enum: ["a", "b"] },
    { enum: ["a", 1, true] },
    { const: 2 },
    { oneOf: [{ const: "a" }, { const: "b" }] },
    {},
  ),
);

const tree = { type: "object", properties: { a: { $ref: "#/$defs/tree" }, b: { type: "integer" } }, required: ["b"] };

const value: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom(0, 1, 2, 3, 1.5, -1, "", "a", "b", "ab", "abb", true, false),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...keys, "c"), tie("value"), { maxKeys: 3 }),
  ),
})).value;

const cases = fc.tuple(schema(3), fc.array(value, { minLength: 1, maxLength: 12 })).map(([own, values]) => ({
  document: { ...(typeof own === "boolean" ? { allOf: [own] } : own), $defs: { tree } },
  values,
}));

const numRuns = isThorough ? 10_000 : 60;

/**
 * With conditions for dependent schemas, which mean the same. Beside one that does not apply, ajv
 * 8.20 forgets which properties were looked at, and `unevaluatedProperties` refuses them.
 */
function withConditions(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withConditions);
  if (typeof schema !== "object" || schema === null) return schema;
  const { dependentSchemas, ...rest } = Object.fromEntries(
    Object.entries(schema).map(([keyword, of]) => [keyword, withConditions(of)]),
  );
  if (dependentSchemas === undefined) return rest;
  const allOf = Object.entries(dependentSchemas as object).map(([name, then]) => ({ if: { required: [name] }, then }));
  return { ...rest, allOf };
}

/** One for many schemas: the schema of schemas, compiled first, takes longer than one of ours. */
class SecondValidator {
  #ajv: Ajv2020 | undefined;
  #compiled = 0;

  compile(schema: object): (data: unknown) => unknown {
    // It keeps all that it has compiled, so that it must not live for ever.
    if (this.#compiled++ % 100 === 0) this.#ajv = undefined;
    // Code that runs a dozen times need not be short.
    this.#ajv ??= new Ajv2020({ strict: false, validateFormats: false, code: { optimize: false } });
    return this.#ajv.compile(schema);
  }
}

const secondValidator = new SecondValidator();

function secondOpinion(document: object): (data: unknown) => boolean {
  const validate = secondValidator.compile(withConditions(document) as object);
  // To it an object without a prototype equals no other.
  return (data) => validate(JSON.parse(JSON.stringify(data))) as boolean;
}

Deno.test("a schema's values are valid or not as another validator says", () => {
  fc.assert(
    fc.property(cases, fc.boolean(), ({ document, values }, withNull) => {
      const problems = new ContractProblems();
      const options = { assertFormats: false, columnFormats: COLUMN_FORMATS };
      const normal = normalSchema(
        parseJsonTree(JSON.stringify(document)),
        options,
        problems,
        new SchemaBudget(problems),
      );
      problems.refuse();
      const check = new SchemaCheck(normal.definitions);
      const opinion = secondOpinion(document);
      for (const data of withNull ? [...values, null] : values) {
        const found = check.mismatch(normal.root, parseJsonTree(JSON.stringify(data)));
        strictEqual(found === undefined, opinion(data), JSON.stringify({ document, data, found }));
      }
    }),
    { numRuns },
  );
});

Deno.test("a column takes the values that another validator takes, whatever became of its schema", () => {
  fc.assert(
    fc.property(cases, ({ document, values }) => {
      const { $defs, ...own } = document;
      const contract = { type: "object", properties: { v: own }, required: ["v"], $defs };
      let judge: Judge;
      try {
        judge = new Judge(parseContract(JSON.stringify(contract)), "rescue");
      } catch (error) {
        // No value is left, so that there is no column.
        if (!isKind(error, "usage")) throw error;
        return;
      }
      const opinion = secondOpinion(document);
      for (const data of values) {
        const judgement = judge.judge(JSON.stringify({ v: data }));
        strictEqual(judgement.kind === "event", opinion(data), JSON.stringify({ document, data, judgement }));
      }
    }),
    { numRuns },
  );
});
