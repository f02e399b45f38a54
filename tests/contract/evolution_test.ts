import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type Contract } from "../../core/contract/contract.ts";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { evolve, refusalError } from "../../core/contract/evolution.ts";
import { deadLetterFields, eventFields, ledgerFields } from "../../core/lake/our_columns.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { assignFieldIds, highestFieldId, type Schema } from "../../core/iceberg/format/schema.ts";
import type { SchemaChange } from "../../core/iceberg/format/schema_change.ts";
import type { Field, Type } from "../../core/iceberg/format/type.ts";

function contract(properties: Record<string, unknown>, required: string[] = []): Contract {
  return parseContract(JSON.stringify({ type: "object", properties, required }));
}

function schemaOf(fields: Field[]): Schema {
  return { schemaId: 0, fields: assignFieldIds(fields, 1).fields };
}

/** The changes, in words, that lead from one contract's events to another's; or the refusals. */
function changes(before: Contract, after: Contract): string[] {
  const schema = schemaOf(eventFields(before, { rescued: false }));
  const evolution = evolve(schema, highestFieldId(schema), eventFields(after, { rescued: false }));
  return evolution.kind === "allowed"
    ? evolution.changes.filter(({ change }) => change !== "move-column").map(changeText)
    : evolution.refusals.map(({ column, reason }) => `refused: ${column} ${reason}`);
}

/** A change in words: `add column x (string)`. */
function changeText(change: SchemaChange): string {
  switch (change.change) {
    case "add-column":
      return `add column ${change.parent ? `${change.parent}.` : ""}${change.field.name} (${
        typeText(change.field.type)
      })`;
    case "widen-column":
      return `widen column ${change.path} to ${typeText(change.type)}`;
    default:
      return `${change.change.replaceAll("-", " ")} ${change.path}`;
  }
}

function typeText(type: Type): string {
  return type.type === "decimal" ? `decimal(${type.precision},${type.scale})` : type.type;
}

const text = { type: "string" }, int = { type: "integer", format: "int32" }, long = { type: "integer" };
const decimal = (maximum: number, multipleOf = 0.01) => ({ type: "number", multipleOf, minimum: 0, maximum });

Deno.test("events, dead letters and the ledger have the columns of the product", () => {
  const names = (fields: Field[]) => fields.map(({ name, required }) => required ? name : `${name}?`).join(" ");
  strictEqual(
    names(eventFields(defaultContract(), { rescued: true })),
    "user_id event_id event_type event_timestamp product_id? properties? _rescued? _ingested_at _source_file _source_position _batch_id",
  );
  strictEqual(
    names(deadLetterFields(defaultContract())),
    "_dead_letter_reason _dead_letter_detail? _raw_record? user_id? event_id? event_type? event_timestamp? product_id? " +
      "properties? _ingested_at _source_file _source_position? _batch_id",
  );
  strictEqual(
    names(ledgerFields()),
    "table source_file etag size batch_id records events dead_letters duplicates status ingested_at",
  );
});

Deno.test("a contract's types are Iceberg's", () => {
  const fields = eventFields(
    contract({
      s: text,
      d: decimal(9.99),
      m: { type: "object", additionalProperties: { type: ["integer", "null"] } },
      l: {
        type: "array",
        items: { type: "object", properties: { a: int, b: { type: ["number", "null"] } }, required: ["a", "b"] },
      },
      n: { type: ["boolean", "null"] },
    }, ["s", "n"]),
    { rescued: false },
  );
  deepStrictEqual(fields.slice(0, 5), [
    { id: 0, name: "s", required: true, type: { type: "string" } },
    { id: 0, name: "d", required: false, type: { type: "decimal", precision: 3, scale: 2 } },
    {
      id: 0,
      name: "m",
      required: false,
      type: {
        type: "map",
        keyId: 0,
        key: { type: "string" },
        valueId: 0,
        valueRequired: false,
        value: { type: "long" },
      },
    },
    {
      id: 0,
      name: "l",
      required: false,
      type: {
        type: "list",
        elementId: 0,
        elementRequired: true,
        element: {
          type: "struct",
          fields: [
            { id: 0, name: "a", required: true, type: { type: "int" } },
            { id: 0, name: "b", required: false, type: { type: "double" } },
          ],
        },
      },
    },
    { id: 0, name: "n", required: false, type: { type: "boolean" } },
  ]);
});

Deno.test("the same contract changes nothing, not even the schema object", () => {
  const schema = schemaOf(eventFields(defaultContract(), { rescued: true }));
  const evolution = evolve(schema, 30, eventFields(defaultContract(), { rescued: true }));
  ok(evolution.kind === "allowed" && evolution.schema === schema && evolution.lastColumnId === 30);
});

Deno.test("what Iceberg allows is done, at any depth", () => {
  const nested = (a: unknown, more = {}) => ({
    type: "array",
    items: { type: "object", properties: { a, ...more } },
  });
  deepStrictEqual(changes(contract({ a: text }), contract({ a: text, b: long })), ["add column b (long)"]);
  deepStrictEqual(changes(contract({ a: int }), contract({ a: long })), ["widen column a to long"]);
  deepStrictEqual(
    changes(contract({ a: { type: "number", format: "float" } }), contract({ a: { type: "number" } })),
    ["widen column a to double"],
  );
  deepStrictEqual(changes(contract({ a: decimal(9.99) }), contract({ a: decimal(999.99) })), [
    "widen column a to decimal(5,2)",
  ]);
  deepStrictEqual(changes(contract({ a: text }, ["a"]), contract({ a: text })), ["make optional a"]);
  deepStrictEqual(changes(contract({ l: nested(int) }), contract({ l: nested(long, { b: text }) })), [
    "widen column l.element.a to long",
    "add column l.element.b (string)",
  ]);
  deepStrictEqual(
    changes(
      contract({ m: { type: "object", additionalProperties: int }, l: { type: "array", items: text } }),
      contract({
        m: { type: "object", additionalProperties: { type: ["integer", "null"] } },
        l: { type: "array", items: { type: ["string", "null"] } },
      }),
    ),
    ["make optional m.value", "widen column m.value to long", "make optional l.element"],
  );
});

Deno.test("a column that the contract dropped stays, and is optional from then on", () => {
  deepStrictEqual(changes(contract({ a: text, b: text }, ["a", "b"]), contract({ a: text }, ["a"])), [
    "make optional b",
  ]);
  deepStrictEqual(changes(contract({ a: text, b: text }), contract({ a: text })), []);
});

Deno.test("what Iceberg does not allow is refused, with the column and the reason", () => {
  const refused = (before: Contract, after: Contract, reason: RegExp) => {
    const [first] = changes(before, after);
    match(first!, reason);
  };
  refused(
    contract({ a: text }),
    contract({ a: long }),
    /a is string in the table and long in the contract: Iceberg knows no such/,
  );
  refused(contract({ a: long }), contract({ a: int }), /a is long .* int .*: a table never makes a type narrower/);
  refused(contract({ a: decimal(99.99) }), contract({ a: decimal(9.99) }), /never makes a type narrower/);
  refused(contract({ a: decimal(9.99) }), contract({ a: decimal(9.999, 0.001) }), /knows no such change/);
  refused(contract({ a: long }), contract({ a: { type: "number" } }), /knows no such change/);
  refused(contract({ a: text }), contract({ a: { type: "array", items: text } }), /a is string in the table and list/);
  refused(
    contract({ a: text }),
    contract({ a: text }, ["a"]),
    /a is optional in the table, and a table cannot make it required/,
  );
  refused(contract({ a: text }), contract({ a: text, b: text }, ["b"]), /b is new and required/);
  refused(contract({ user: text }), contract({ User: text }), /User differs only in case from the table's user/);
  refused(
    contract({ s: { type: "object", properties: { b: text } } }),
    contract({ "s.b": text }),
    /s\.b would be one name/,
  );
  refused(
    contract({ l: { type: "array", items: { type: ["string", "null"] } } }),
    contract({ l: { type: "array", items: text } }),
    /l\.element may be null in the table/,
  );
  refused(
    contract({ s: { type: "object", properties: { a: text } } }),
    contract({ s: { type: "object", properties: { a: long } } }),
    /s\.a is string/,
  );
});

Deno.test("a column that identifies rows cannot be dropped", () => {
  const schema = {
    ...schemaOf(eventFields(contract({ a: text }, ["a"]), { rescued: false })),
    identifierFieldIds: [1],
  };
  const evolution = evolve(schema, 10, eventFields(contract({ b: text }), { rescued: false }));
  ok(evolution.kind === "refused" && evolution.refusals[0]!.column === "a");
});

Deno.test("new columns stand with the contract's, before our own, and have new ids", () => {
  const before = schemaOf(eventFields(contract({ a: text }), { rescued: false }));
  const evolution = evolve(before, 40, eventFields(contract({ c: long, a: text, b: decimal(1) }), { rescued: true }));
  ok(evolution.kind === "allowed");
  deepStrictEqual(evolution.schema.fields.map(({ id, name }) => `${name} ${id}`), [
    "a 1",
    "c 41",
    "b 42",
    "_ingested_at 2",
    "_source_file 3",
    "_source_position 4",
    "_batch_id 5",
    "_rescued 43",
  ]);
  strictEqual(evolution.lastColumnId, 43);
});

Deno.test("a table that others made gets our columns as optional ones", () => {
  const schema = schemaOf([{ id: 0, name: "a", required: false, type: { type: "string" } }]);
  const evolution = evolve(schema, 1, eventFields(contract({ a: text }), { rescued: false }));
  ok(evolution.kind === "allowed");
  deepStrictEqual(evolution.schema.fields.map(({ name, required }) => [name, required]), [
    ["a", false],
    ["_ingested_at", false],
    ["_source_file", false],
    ["_source_position", false],
    ["_batch_id", false],
  ]);
});

Deno.test("a refusal names every column, and what to do", () => {
  const error = refusalError("bronze.events", [{ column: "a", reason: "is odd" }, { column: "b", reason: "is odder" }]);
  strictEqual(error.kind, "usage");
  strictEqual(error.message, "Cannot change bronze.events to the contract: column a is odd; column b is odder");
  strictEqual(error.hint, "Change the contract, or send its events to another table with --table");
});

Deno.test("a refusal names the columns of the table that would be out of the way under another name", () => {
  const hint = (before: Contract, after: Contract) => {
    const schema = schemaOf(eventFields(before, { rescued: false }));
    const evolution = evolve(schema, highestFieldId(schema), eventFields(after, { rescued: false }));
    return refusalError("a.b", evolution.kind === "refused" ? evolution.refusals : []).hint!;
  };
  match(hint(contract({ a: text }), contract({ a: long })), /, or rename column a of a\.b with a program/);
  match(hint(contract({ user: text }), contract({ User: text })), /, or rename column user of a\.b/);
  match(
    hint(
      contract({ l: { type: "array", items: text }, b: text }),
      contract({ l: { type: "array", items: long }, b: long }),
    ),
    /, or rename the columns l, b of a\.b/,
  );
  const required = hint(contract({ a: text }), contract({ a: long, b: text }, ["b"]));
  strictEqual(required, "Change the contract, or send its events to another table with --table");
});
