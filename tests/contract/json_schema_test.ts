import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { z } from "zod";
import { isKind } from "../../core/base/errors.ts";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { parseContract } from "../../core/contract/json_schema.ts";

/** A contract with one column of this schema. */
function one(schema: unknown): string {
  return JSON.stringify({ type: "object", properties: { v: schema } });
}

function typeOf(schema: unknown): unknown {
  return parseContract(one(schema)).fields[0]!.type;
}

const strings = { numbers: false, booleans: false, nested: false };

Deno.test("the default contract has four required columns and two optional ones", () => {
  const { fields, title } = defaultContract();
  strictEqual(title, "event");
  deepStrictEqual(
    fields.map(({ name, required, type }) => [name, required, type.kind]),
    [
      ["user_id", true, "string"],
      ["event_id", true, "string"],
      ["event_type", true, "string"],
      ["event_timestamp", true, "timestamptz"],
      ["product_id", false, "string"],
      ["properties", false, "map"],
    ],
  );
  const properties = fields[5]!.type;
  ok(properties.kind === "map");
  deepStrictEqual(properties.value.type, { kind: "string", accepts: { ...strings, numbers: true, booleans: true } });
  strictEqual(properties.value.nullable, false);
});

Deno.test("each type is read from its JSON Schema", () => {
  const cases: [schema: unknown, type: unknown][] = [
    [{ type: "string" }, { kind: "string", accepts: strings }],
    [{ type: "string", format: "date" }, { kind: "date" }],
    [{ type: "string", format: "date-time" }, { kind: "timestamptz" }],
    [{ type: "string", format: "uuid" }, { kind: "uuid" }],
    [{ type: "integer" }, { kind: "long" }],
    [{ type: "integer", format: "int64" }, { kind: "long" }],
    [{ type: "integer", format: "int32" }, { kind: "int" }],
    [{ type: "number" }, { kind: "double" }],
    [{ type: "number", format: "double" }, { kind: "double" }],
    [{ type: "number", format: "float" }, { kind: "float" }],
    [{ type: "boolean" }, { kind: "boolean" }],
    [{ type: ["string", "null"] }, { kind: "string", accepts: strings }],
    [{ type: ["number", "string", "boolean"] }, {
      kind: "string",
      accepts: { ...strings, numbers: true, booleans: true },
    }],
    [{ type: ["string", "object", "array"] }, { kind: "string", accepts: { ...strings, nested: true } }],
  ];
  for (const [schema, type] of cases) deepStrictEqual(typeOf(schema), type);
});

Deno.test("a decimal has its scale from multipleOf and its precision from the bounds", () => {
  const decimal = (bounds: object) => typeOf({ type: "number", ...bounds });
  const size = (precision: number, scale: number) => ({ kind: "decimal", precision, scale });
  deepStrictEqual(decimal({ multipleOf: 0.01, minimum: 0, maximum: 9999.99 }), size(6, 2));
  deepStrictEqual(decimal({ multipleOf: 0.01, minimum: -99999, maximum: 1 }), size(7, 2));
  deepStrictEqual(decimal({ multipleOf: 0.01, minimum: 0, maximum: 0.5 }), size(2, 2));
  deepStrictEqual(decimal({ multipleOf: 1, minimum: 0, maximum: 100 }), size(3, 0));
  deepStrictEqual(decimal({ multipleOf: 0.001, exclusiveMinimum: -1000, exclusiveMaximum: 1000 }), size(6, 3));
  deepStrictEqual(decimal({ multipleOf: 1, minimum: 0, exclusiveMaximum: 1 }), size(1, 0));
  deepStrictEqual(decimal({ multipleOf: 1e-10, exclusiveMinimum: -1e28, exclusiveMaximum: 1e28 }), size(38, 10));
});

Deno.test("structs, maps and lists nest", () => {
  const contract = parseContract(one({
    type: "array",
    items: {
      type: "object",
      properties: { a: { type: "object", additionalProperties: { type: ["integer", "null"] } } },
      required: ["a"],
    },
  }));
  const list = contract.fields[0]!.type;
  ok(list.kind === "list" && list.element.type.kind === "struct");
  const [a] = list.element.type.fields;
  ok(a!.required && a!.type.kind === "map" && a!.type.value.nullable && a!.type.value.type.kind === "long");
});

Deno.test("checks are kept exactly, const as an enum of one", () => {
  const checks = (text: string) => parseContract(`{"type":"object","properties":{"v":${text}}}`).fields[0]!.checks;
  deepStrictEqual(checks('{"type":"integer","minimum":-9223372036854775808,"maximum":9.223372036854775807e18}'), {
    minimum: "-9223372036854775808",
    maximum: "9223372036854775807",
  });
  deepStrictEqual(checks('{"type":"number","exclusiveMinimum":-0.0,"exclusiveMaximum":1.50}'), {
    exclusiveMinimum: "0",
    exclusiveMaximum: "1.5",
  });
  deepStrictEqual(checks('{"type":"string","minLength":1,"maxLength":2e0,"pattern":"^a"}'), {
    minLength: 1,
    maxLength: 2,
    pattern: "^a",
  });
  deepStrictEqual(checks('{"type":"string","enum":["a","b","a"],"const":"b"}'), { enum: ["b"] });
  deepStrictEqual(checks('{"type":"number","enum":[1,1.0,1e0,2.50]}'), { enum: ["1", "2.5"] });
});

Deno.test("an enum that lacks null takes null out of the type", () => {
  const nullable = (schema: unknown) => parseContract(one(schema)).fields[0]!.nullable;
  strictEqual(nullable({ type: ["string", "null"] }), true);
  strictEqual(nullable({ type: ["string", "null"], enum: ["a", null] }), true);
  strictEqual(nullable({ type: ["string", "null"], enum: ["a"] }), false);
  strictEqual(nullable({ anyOf: [{ type: "string", enum: ["a"] }, { type: "null" }] }), true);
});

Deno.test("what zod writes for the types of a contract is understood", () => {
  const schema = z.strictObject({
    text: z.string().min(1).max(10).regex(/^a/).describe("some text"),
    whole: z.int(),
    small: z.int32(),
    any: z.number().gt(0).lte(10),
    money: z.number().multipleOf(0.01).min(0).max(9999999.99),
    flag: z.boolean(),
    day: z.iso.date(),
    at: z.iso.datetime({ offset: true }),
    id: z.uuid(),
    kind: z.enum(["a", "b"]),
    only: z.literal("x"),
    maybe: z.string().nullable(),
    map: z.record(z.string().regex(/^[a-z]+$/), z.number()).optional(),
    keys: z.partialRecord(z.enum(["a", "b"]), z.string()),
    list: z.array(z.strictObject({ a: z.string() })).nullish(),
    struct: z.object({ a: z.string().optional() }).nullable(),
  });
  const contract = parseContract(JSON.stringify(z.toJSONSchema(schema)));
  deepStrictEqual(contract.fields.map(({ type }) => type.kind), [
    ..."string long long double decimal boolean date timestamptz uuid string string string map map list struct".split(
      " ",
    ),
  ]);
  deepStrictEqual(contract.fields.filter(({ required }) => !required).map(({ name }) => name), ["map", "list"]);
  deepStrictEqual(contract.fields.filter(({ nullable }) => nullable).map(({ name }) => name), [
    "maybe",
    "list",
    "struct",
  ]);
  strictEqual(contract.fields[0]!.doc, "some text");
});

Deno.test("the canonical text gives the same contract again, and forgets how it was spelled", () => {
  const text = `{"description":"x","properties":{"b":{"type":["null","string"],"title":"t","description":"d"},
    "a":{"anyOf":[{"type":"null"},{"type":"number","multipleOf":0.10,"minimum":-1.0,"maximum":1e2}]},
    "m":{"type":"object","additionalProperties":{"type":"array","items":{"type":"boolean","const":true}},
      "propertyNames":{"pattern":"a"}}},
    "type":"object","required":["b"],"title":"T","$id":"urn:x","$comment":"c"}`;
  const contract = parseContract(text);
  const again = parseContract(contract.text);
  deepStrictEqual(again, contract);
  const other = text.replace('"multipleOf":0.10,', '"multipleOf":1e-1,').replace(
    '["null","string"]',
    '["string","null"]',
  );
  strictEqual(parseContract(other).text, contract.text);
  deepStrictEqual(parseContract(defaultContract().text), defaultContract());
});

Deno.test("what is not known or not well formed is refused, with its pointer", () => {
  const refused: [schema: unknown, message: RegExp][] = [
    [{ type: "string", minlength: 1 }, /at \/properties\/v\/minlength, the keyword "minlength" is not supported/],
    [{ type: "string", requird: true }, /the keyword "requird" is not supported/],
    [{ type: "string", format: 5 }, /"format" must be a string/],
    [{ type: "string", format: "epoch-millis" }, /the format epoch-millis is not for a string/],
    [{ type: "integer", format: "date-time-local" }, /the format date-time-local is not for a number/],
    [{ type: "number", multipleOf: 0 }, /above zero/],
    [{ type: "number", multipleOf: 0.01, minimum: 0, maximum: 1e37 }, /40 digits/],
    [{ type: "number", multipleOf: 0.01, minimum: 0, maximum: 1, format: "float" }, /has no format/],
    [{ type: "array", items: 5 }, /at \/properties\/v\/items, a schema must be a JSON object, true or false/],
    [{ type: "array", minItems: -1 }, /at \/properties\/v\/minItems, the value must be an integer from 0/],
    [{ type: "array", uniqueItems: 1 }, /"uniqueItems" must be true or false/],
    [{ type: "object", properties: { a: { type: "string" } }, required: ["b"] }, /"b" is required/],
    [{ type: "object", properties: { a: { type: "string" } }, required: true }, /"required" must be an array of names/],
    [
      { type: "object", patternProperties: { "a\\-": true } },
      /at \/properties\/v\/patternProperties\/a\\-, the pattern/,
    ],
    [{ type: "object", dependentRequired: { a: "b" } }, /"dependentRequired" must be an array of names/],
    [{ type: "string", enum: [] }, /at least one value/],
    [{ type: "string", enum: ["a", 5] }, /at \/properties\/v\/enum\/1, the value 5 is no string/],
    [{ type: "string", const: null }, /no value that could be valid/],
    [{ type: "string", enum: ["a"], const: "b" }, /leave no value/],
    [
      { type: "string", pattern: "ab(c" },
      /at \/properties\/v\/pattern, .* no regular expression .*: unterminated group, at character 3 \(\(c\)$/,
    ],
    [{ type: "string", pattern: "a\\-" }, /no regular expression .*: invalid escape, at character 2 \(\\-\)$/],
    [{ type: "string", pattern: "(a)\\1" }, /the pattern cannot be used: back references .*, at character 4 \(\\1\)$/],
    [{ type: "string", minLength: -1 }, /integer from 0/],
    [{ type: "string", minLength: 1.5 }, /integer from 0/],
    [{ type: "number", minimum: "1" }, /must be a number/],
    [{ type: "any" }, /"any" is no type/],
    [{ type: [] }, /there must be a type/],
    [{ type: ["string", "string"] }, /appears twice/],
    [{ allOf: [{ type: "string" }, { type: "number" }] }, /no type is left/],
    [{ allOf: [] }, /"allOf" must be an array of schemas/],
    [{ $ref: "#/$defs/a" }, /at \/properties\/v\/\$ref, the reference "#\/\$defs\/a" leads to nothing/],
    [{ $ref: "https://example.com/a.json" }, /the reference "https:\/\/example.com\/a.json" leads out of this text/],
    [
      {
        allOf: [
          { properties: { a: { type: "string" } }, additionalProperties: false },
          { properties: { b: { type: "string" } } },
        ],
      },
      /at \/properties\/v\/allOf\/0\/additionalProperties, false allows no "b"/,
    ],
    [{ "x-json": true, properties: { a: { type: "integer", "x-coerce": true } } }, /"x-coerce" is for columns/],
    [
      { oneOf: [{ type: "integer", format: "epoch-millis" }, { type: "object" }] },
      /the format epoch-millis is for columns/,
    ],
  ];
  for (const [schema, message] of refused) {
    throws(() => parseContract(one(schema)), (error) => {
      ok(isKind(error, "usage"), String(error));
      ok(error.message.startsWith("Cannot use the contract: at /properties/v"), error.message);
      match(error.message, message);
      return true;
    });
  }
});

Deno.test("everything that is wrong with a contract is said at once, each thing with its place", () => {
  const text = `{"type":"object","properties":{"a":{"type":"strin"},"b":{"$ref":"#/$defs/none"},"_c":{"type":"string"},
    "d":{"type":"array","items":{"type":"string","pattern":"("}},"e":{"type":"integer","enum":["x"]}},"requird":[]}`;
  throws(() => parseContract(text), (error) => {
    ok(isKind(error, "usage"));
    for (
      const said of [
        'at /properties/a/type, "strin" is no type',
        'at /properties/b/$ref, the reference "#/$defs/none" leads to nothing',
        "at /properties/_c, column names that start with _ are kept for streamlab's own columns",
        "at /properties/d/items/pattern, the pattern is no regular expression",
        'at /properties/e/enum/0, the value "x" is no number',
        'at /requird, the keyword "requird" is not supported',
      ]
    ) ok(error.message.includes(said), `${said}\nnot in\n${error.message}`);
    return true;
  });
});

Deno.test("what is wrong in the same way at many places is said once, with how many there are", () => {
  const properties = Object.fromEntries(Array.from({ length: 1_022 }, (_, i) => [`f${i}`, { type: "string", odd: 1 }]));
  throws(
    () => parseContract(JSON.stringify({ type: "object", properties, even: 1 })),
    /at \/properties\/f0\/odd, (\S+, ){18}\/properties\/f19\/odd and 1,002 more places, the keyword "odd" .*; at \/even, /,
  );
});

Deno.test("a document that is no such schema is refused", () => {
  const refused: [text: string, message: RegExp][] = [
    ["", /not JSON/],
    ['{"type":"object",}', /not JSON: character 18: expected a key/],
    ["[]", /must be a JSON object/],
    ['{"type":"string"}', /"type": "object" and "properties"/],
    ['{"type":"object","properties":{}}', /"type": "object" and "properties"/],
    ['{"type":"object","additionalProperties":{"type":"string"}}', /"type": "object" and "properties"/],
    ['{"type":"object","type":"object","properties":{"a":{"type":"string"}}}', /appears twice/],
    [
      '{"type":"object","properties":{"a":{"type":"string"},"a":{"type":"string"}}}',
      /at \/properties, the key "a" appears twice/,
    ],
    [`${'{"type":"array","items":'.repeat(300)}{}${"}".repeat(300)}`, /nested deeper/],
    [
      '{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"}]}}}',
      /at \/\$defs\/a, the schema refers to itself for the same value, without end/,
    ],
  ];
  for (const [text, message] of refused) throws(() => parseContract(text), message);
});

Deno.test("names that no table can carry are refused", () => {
  const properties = (...names: string[]) =>
    JSON.stringify({ type: "object", properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
  throws(() => parseContract(properties("_id")), /at \/properties\/_id, .*kept for streamlab's own columns/);
  throws(() => parseContract(properties("")), /without a name/);
  throws(() => parseContract(properties("a\0b")), /NUL/);
  throws(() => parseContract(properties("\ud800")), /half a surrogate pair/);
  throws(() => parseContract(properties("User", "user")), /"User" and "user" differ only in case/);
  throws(() => parseContract(properties("É", "é")), /differ only in case/);
  const nested = { type: "object", properties: { b: { type: "string" }, _c: { type: "string" } } };
  strictEqual(parseContract(JSON.stringify({ type: "object", properties: { a: nested } })).fields.length, 1);
  const dotted = JSON.stringify({ type: "object", properties: { a: nested, "a.b": { type: "string" } } });
  throws(() => parseContract(dotted), /full name "a.b"/);
});
