import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { Judge } from "../../core/contract/judge.ts";
import { parseContract, parseContractDocument } from "../../core/contract/json_schema.ts";

/** A contract with one column of this schema. */
function one(schema: unknown): string {
  return JSON.stringify({ type: "object", properties: { v: schema } });
}

Deno.test("a schema that no column's type holds, or that says nothing, makes a column of JSON text", () => {
  const json = [
    {},
    true,
    { description: "whatever" },
    { type: "object" },
    { type: "object", additionalProperties: true },
    { type: "object", properties: {} },
    { type: "array" },
    { type: "array", items: {} },
    { type: "array", prefixItems: [{ type: "string" }, { type: "integer" }] },
    { type: ["string", "object"] },
    { type: ["boolean", "null", "number"] },
    { enum: ["a", 1, {}] },
    { const: { a: 1 } },
    { minLength: 3 },
    { oneOf: [{ type: "string" }, { type: "object", properties: { a: { type: "string" } } }] },
    { not: { type: "string" } },
    { type: "null" },
    { "x-json": true, type: "object", properties: { a: { type: "string" } } },
  ];
  for (const schema of json) {
    deepStrictEqual(parseContract(one(schema)).fields[0]!.type, { kind: "json" }, JSON.stringify(schema));
  }
});

Deno.test("references, allOf, nullable unions and unions of constants are read as what they stand for", () => {
  const text = (schema: object, defs: object = {}) =>
    parseContract(JSON.stringify({ type: "object", properties: { v: schema }, $defs: defs })).text;
  const same: [schema: object, plain: object][] = [
    [{ $ref: "#/$defs/t" }, { type: "string", minLength: 2 }],
    [{ $ref: "#/$defs/u" }, { type: "string", minLength: 2 }],
    [{ $ref: "#t" }, { type: "string", minLength: 2 }],
    [{ allOf: [{ $ref: "#/$defs/t" }, { maxLength: 9 }] }, { type: "string", minLength: 2, maxLength: 9 }],
    [{ allOf: [{ minimum: 1 }, { type: "integer", minimum: 3 }, { type: "number" }] }, { type: "integer", minimum: 3 }],
    [{ $ref: "#/$defs/t", minLength: 5 }, { type: "string", minLength: 5 }],
    [{ oneOf: [{ type: "null" }, { $ref: "#/$defs/t" }] }, { type: ["string", "null"], minLength: 2 }],
    [{ anyOf: [{ type: "string", format: "date" }, { enum: [null] }] }, { type: ["string", "null"], format: "date" }],
    [{ oneOf: [{ const: "a", title: "A" }, { enum: ["b", "c"] }] }, { type: "string", enum: ["a", "b", "c"] }],
    [{ anyOf: [{ const: 1 }, { const: 2 }, { const: null }] }, { type: ["integer", "null"], enum: [1, 2, null] }],
    [{ enum: ["a", "b"] }, { type: "string", enum: ["a", "b"] }],
    [{ const: true }, { type: "boolean", const: true }],
    [{ properties: { a: { type: "string" } } }, { type: "object", properties: { a: { type: "string" } } }],
    [{ items: { type: "string" } }, { type: "array", items: { type: "string" } }],
    [
      {
        allOf: [
          { type: "object", properties: { a: { type: "string" } }, required: ["a"] },
          { type: "object", properties: { b: { type: "integer" }, a: { maxLength: 3 } }, required: ["b"] },
        ],
      },
      {
        type: "object",
        properties: { a: { type: "string", maxLength: 3 }, b: { type: "integer" } },
        required: ["a", "b"],
      },
    ],
    [
      { type: "object", patternProperties: { "^x": { type: "string" } }, additionalProperties: false },
      { type: "object", additionalProperties: { type: "string" }, propertyNames: { pattern: "^x" } },
    ],
  ];
  const defs = { t: { type: "string", minLength: 2, $anchor: "t" }, u: { $ref: "#/$defs/t" } };
  for (const [schema, plain] of same) strictEqual(text(schema, defs), text(plain), JSON.stringify(schema));
});

Deno.test("alternatives of objects make one struct of all their fields, each optional, and stay a condition", () => {
  const contract = parseContract(JSON.stringify({
    type: "object",
    properties: { kind: { type: "string" } },
    required: ["kind"],
    oneOf: [
      { properties: { kind: { const: "click" }, x: { type: "integer" }, at: { type: "string" } }, required: ["x"] },
      { properties: { kind: { const: "view" }, page: { type: "string" }, at: { type: "integer" } } },
    ],
  }));
  deepStrictEqual(contract.fields.map(({ name, required, type }) => [name, required, type.kind]), [
    ["kind", true, "string"],
    ["x", false, "long"],
    ["at", false, "string"],
    ["page", false, "string"],
  ]);
  strictEqual(contract.schemas.length, 1);
});

Deno.test("a field is loose where an alternative leaves it open, and only there", () => {
  const open = { properties: { x: { type: "integer" } }, required: ["x"] };
  const other = { properties: { y: { type: "string" } } };
  const closed = { ...other, additionalProperties: false };
  const loose: [schema: object, names: string[]][] = [
    [{ oneOf: [open, other] }, ["x", "y"]],
    [{ anyOf: [open, closed] }, ["y"]],
    [{ anyOf: [open, { type: "string" }, false, { properties: { x: { type: "string" } } }] }, []],
    [{ anyOf: [open, other], properties: { x: { minimum: 1, type: "integer" } } }, ["y"]],
    [{ anyOf: [{ oneOf: [open, closed] }, { $ref: "#/$defs/open" }] }, ["y"]],
    [{ anyOf: [open, other], oneOf: [open, closed] }, ["y"]],
    [{ if: open, then: open }, ["x"]],
    [{ if: open, then: open, else: { $ref: "#/$defs/open" } }, []],
    [{ dependentSchemas: { x: open, y: { properties: { z: {} } } } }, ["z"]],
    [{ properties: { x: { type: "integer", "x-loose": true } } }, ["x"]],
    [{ properties: { x: { "x-json": true, "x-loose": true, type: "integer" } } }, ["x"]],
  ];
  for (const [schema, names] of loose) {
    const text = JSON.stringify({ type: "object", ...schema, $defs: { open } });
    const contract = parseContract(text);
    deepStrictEqual(contract.fields.filter((field) => field.loose).map(({ name }) => name), names, text);
    deepStrictEqual(parseContract(contract.text), contract);
  }
});

Deno.test("numbers and booleans written as text are taken in alternatives as well, where the contract says so", () => {
  const coerce = { "x-coerce": true };
  const contract = parseContract(JSON.stringify({
    type: "object",
    properties: { kind: { type: "string" } },
    oneOf: [
      { properties: { kind: { const: "a" }, n: { type: "integer", minimum: 5, ...coerce } }, required: ["n"] },
      {
        properties: { kind: { const: "b" }, o: { type: "object", properties: { on: { type: "boolean" } }, ...coerce } },
      },
      { properties: { kind: { const: "c" }, strict: { type: "integer" } } },
    ],
  }));
  deepStrictEqual(parseContract(contract.text), contract);
  const judge = new Judge(contract, "dead-letter");
  const kinds: [record: string, kind: string][] = [
    ['{"kind":"a","n":"5"}', "event"],
    ['{"kind":"a","n":"4"}', "dead_letter"],
    ['{"kind":"a","n":"five"}', "dead_letter"],
    ['{"kind":"b","o":{"on":"true"}}', "event"],
    ['{"kind":"b","o":{"on":"1"}}', "dead_letter"],
    ['{"kind":"c","strict":"1"}', "dead_letter"],
  ];
  for (const [record, kind] of kinds) strictEqual(judge.judge(record).kind, kind, record);
});

Deno.test("a record is an object, whatever else its schema describes", () => {
  const event = { properties: { a: { type: "string" } }, required: ["a"] };
  const schemas = [
    { ...event, type: ["array", "object"] },
    { anyOf: [{ type: "object", ...event }, { type: "array", items: event }] },
    { if: { required: ["a"] }, then: event, else: { ...event, properties: { a: { type: "string" }, b: {} } } },
  ];
  for (const schema of schemas) {
    const judge = new Judge(parseContract(JSON.stringify(schema)), "dead-letter");
    deepStrictEqual(['{"a":"x"}', '{"a":1}', "[]"].map((record) => judge.judge(record).kind), [
      "event",
      "dead_letter",
      "dead_letter",
    ]);
  }
});

Deno.test("a key that is required of a map or of any object stays a condition", () => {
  for (
    const v of [{ type: "object", required: ["a"] }, {
      required: ["a"],
      additionalProperties: { type: "integer" },
      type: "object",
    }]
  ) {
    const judge = new Judge(parseContract(one(v)), "dead-letter");
    deepStrictEqual(['{"v":{"a":1,"b":2}}', '{"v":{"b":2}}'].map((record) => judge.judge(record).kind), [
      "event",
      "dead_letter",
    ]);
  }
});

Deno.test("a loose field that is required must be there, whatever its value is", () => {
  const alternatives = {
    anyOf: [{ properties: { x: { type: "integer" } } }, { properties: { y: { type: "string" } } }],
  };
  const contract = parseContract(JSON.stringify({ type: "object", ...alternatives, required: ["x"] }));
  strictEqual(contract.fields[0]!.required, false);
  const judge = new Judge(contract, "rescue");
  const rows = ['{"x":1}', '{"x":"1","y":"a"}', '{"x":"1"}', '{"y":"a"}', '{"x":"1","y":2}'].map((record) => {
    const judgement = judge.judge(record);
    return judgement.kind === "event" ? [judgement.values.x, judgement.rescued] : judgement.kind;
  });
  deepStrictEqual(rows, [["1", null], [null, '{"x":"1"}'], [null, '{"x":"1"}'], "dead_letter", "dead_letter"]);
});

Deno.test("constants of several types stay a condition on the column of text, in whatever unions they lie", () => {
  const constants = [
    { enum: ["a", 1, true] },
    { oneOf: [{ enum: ["a", 1, true] }] },
    { anyOf: [{ const: "a" }, { enum: [1, true] }] },
    { oneOf: [{ oneOf: [{ enum: ["a", 1, true] }] }, { type: "null" }] },
    { anyOf: [{ type: "null" }, { anyOf: [{ const: "a" }, { enum: [1, true] }] }] },
  ];
  for (const v of constants) {
    const judge = new Judge(parseContract(JSON.stringify({ type: "object", properties: { v } })), "rescue");
    const events = ['"a"', "1", "true", "0", '"b"', "false"].filter((value) =>
      judge.judge(`{"v":${value}}`).kind === "event"
    );
    deepStrictEqual(events, ['"a"', "1", "true"], JSON.stringify(v));
  }
});

Deno.test("older dialects are read by what they share with 2020-12", () => {
  const text = (schema: object) => parseContract(JSON.stringify(schema)).text;
  const today = text({
    type: "object",
    properties: { n: { type: "number", exclusiveMinimum: 0 }, s: { type: ["string", "null"] }, d: { type: "string" } },
    dependentRequired: { n: ["s"] },
  });
  const draft4 = {
    $schema: "http://json-schema.org/draft-04/schema#",
    id: "http://example.com/x.json#",
    type: "object",
    properties: {
      n: { $ref: "#/definitions/positive" },
      s: { oneOf: [{ type: "string" }, { type: "null" }] },
      d: { $ref: "x.json#/definitions/text", minLength: 5 },
    },
    dependencies: { n: ["s"] },
    definitions: { positive: { type: "number", minimum: 0, exclusiveMinimum: true }, text: { type: "string" } },
  };
  strictEqual(text(draft4), today);
  const openApi = {
    type: "object",
    properties: {
      n: { type: "number", exclusiveMinimum: true, minimum: 0, example: 5 },
      s: { type: "string", nullable: true, discriminator: {} },
      d: { type: "string" },
    },
    dependentRequired: { n: ["s"] },
  };
  strictEqual(text(openApi), today);
});

Deno.test("an older spelling beside the newer one is refused: one of the two would be lost", () => {
  const cases: [schema: object, message: RegExp][] = [
    [
      { dependencies: { a: ["b"] }, dependentRequired: { b: ["c"] } },
      /at \/properties\/v\/dependencies, "dependencies"/,
    ],
    [{ dependencies: { a: {} }, dependentSchemas: { b: {} } }, /"dependencies" cannot stand beside "dependentSchemas"/],
    [{ items: [{ type: "string" }], prefixItems: [{ type: "integer" }] }, /"items" cannot stand beside "prefixItems"/],
    [{ $ref: "#/$defs/a", $dynamicRef: "#/$defs/a" }, /"\$dynamicRef" cannot stand beside "\$ref"/],
  ];
  const of = (v: object) => ({ type: "object", properties: { v }, $defs: { a: { type: "string" } } });
  for (const [schema, message] of cases) throws(() => parseContract(JSON.stringify(of(schema))), { message });
  throws(() => parseContract(JSON.stringify({ ...of({}), ...cases[0]![0] })), /at \/dependencies, "dependencies"/);
  ok(parseContract(JSON.stringify(of({ dependencies: { a: ["b"] }, dependentSchemas: { b: {} } }))));
});

Deno.test("a definition that refers to itself is a column of JSON text where it would not end", () => {
  const contract = parseContract(JSON.stringify({
    type: "object",
    properties: { tree: { $ref: "#/$defs/node" } },
    $defs: {
      node: {
        type: "object",
        properties: { name: { type: "string" }, children: { type: "array", items: { $ref: "#/$defs/node" } } },
        required: ["name"],
      },
    },
  }));
  const tree = contract.fields[0]!.type;
  ok(tree.kind === "struct");
  const children = tree.fields[1]!.type;
  ok(children.kind === "list");
  deepStrictEqual(children.element, {
    type: { kind: "json" },
    nullable: false,
    checks: { schemas: ['{"$ref":"#/$defs/node"}'] },
  });
  deepStrictEqual(Object.keys(contract.definitions), ["node"]);
  deepStrictEqual(parseContract(contract.text), contract);
});

Deno.test("what is read over is told, with its places, and formats are checked where that is asked for", () => {
  const text = JSON.stringify({
    type: "object",
    properties: {
      mail: { type: "string", format: "email", default: "x" },
      at: { type: "string", format: "date-time", readOnly: true },
      odd: { type: "string", format: "odd", title: "t", "x-note": 1, deprecated: true },
    },
  });
  const { contract, unchecked } = parseContractDocument(text);
  deepStrictEqual(unchecked, [
    { what: "format email", pointer: "/properties/mail/format" },
    { what: "default", pointer: "/properties/mail/default" },
    { what: "readOnly", pointer: "/properties/at/readOnly" },
    { what: "format odd", pointer: "/properties/odd/format" },
  ]);
  strictEqual(contract.fields[0]!.checks.schemas, undefined);
  throws(
    () => parseContractDocument(text, { assertFormats: true }),
    /at \/properties\/odd\/format, .*cannot be checked/,
  );
  const known = parseContractDocument(text.replace('"format":"odd"', '"format":"uri"'), { assertFormats: true });
  deepStrictEqual(known.contract.fields[0]!.checks.schemas, ['{"format":"email"}']);
  deepStrictEqual(parseContract(known.contract.text), known.contract);
});

Deno.test("an assumed offset is part of the contract, and is refused where nothing takes it", () => {
  const text = (format: string) => one({ type: "string", format });
  const { contract } = parseContractDocument(text("date-time-lenient"), { assumeOffset: "+01:00" });
  deepStrictEqual(contract.fields[0]!.type, {
    kind: "timestamptz",
    written: { as: "lenient", assumeOffset: "+01:00" },
  });
  deepStrictEqual(parseContract(contract.text), contract);
  throws(
    () => parseContractDocument(text("date-time"), { assumeOffset: "Z" }),
    /no field is of the format date-time-lenient/,
  );
});

Deno.test("a text of the format regex is one that can be read, whatever it could be matched with", () => {
  const schema = { type: "object", "x-assert-formats": true, properties: { v: { type: "string", format: "regex" } } };
  const judge = new Judge(parseContract(JSON.stringify(schema)), "dead-letter");
  const kinds = (...texts: string[]) => texts.map((v) => judge.judge(JSON.stringify({ v })).kind);
  deepStrictEqual(kinds("^a+$", "(a)\\1", "(?i:a)", "(?<n>a)\\k<n>", ""), Array(5).fill("event"));
  deepStrictEqual(kinds("(", "\\z", "[b-a]", `[${"\\p{L}".repeat(50_000)}]`), Array(4).fill("dead_letter"));
});

Deno.test("a contract's own text is read again whatever its definitions are called", () => {
  const rest = (name: string) => ({ type: "object", properties: { next: { $ref: `#/$defs/${encoded(name)}` } } });
  for (const name of ["a#", "#", "50%", "a%41", "%25", "line\nbreak", "blank ", "a/b~c", "naïve"]) {
    const text = JSON.stringify({
      type: "object",
      properties: { v: { $ref: `#/$defs/${encoded(name)}` } },
      $defs: { [name]: rest(name) },
    });
    const contract = parseContract(text);
    strictEqual(parseContract(contract.text).text, contract.text, name);
  }
});

Deno.test("nullable beside a type that has null adds nothing, and such a contract's own text is read again", () => {
  const unions = [
    { anyOf: [{ type: "object", additionalProperties: { type: "string" } }, { type: "null", nullable: true }] },
    { anyOf: [{ type: ["string", "null"], nullable: true }, { type: "integer" }] },
  ];
  for (const v of unions) {
    const contract = parseContract(JSON.stringify({ type: "object", properties: { v } }));
    strictEqual(parseContract(contract.text).text, contract.text);
  }
});

/** A name as a step of a pointer in a URI. */
function encoded(name: string): string {
  return encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));
}
