import { deepStrictEqual as assertEquals, throws as assertThrows } from "node:assert/strict";
import { isKind } from "../../../core/base/errors.ts";
import { assignFieldIds, fieldsById, findFieldByPath, type Schema } from "../../../core/iceberg/format/schema.ts";
import { evolveSchema, type SchemaChange } from "../../../core/iceberg/format/schema_change.ts";
import type { Field, Type } from "../../../core/iceberg/format/type.ts";

function field(name: string, type: Type | "long" | "int" | "string" | "float", required = false): Field {
  return { id: 0, name, required, type: typeof type === "string" ? { type } : type };
}

const struct = (...fields: Field[]): Type => ({ type: "struct", fields });
const list = (element: Type): Type => ({ type: "list", elementId: 0, elementRequired: true, element });
const map = (value: Type): Type => ({
  type: "map",
  keyId: 0,
  key: { type: "string" },
  valueId: 0,
  valueRequired: true,
  value,
});

const base: Schema = {
  schemaId: 0,
  fields: assignFieldIds([
    field("id", "int", true),
    field("where", struct(field("city", "string"), field("at", struct(field("x", "float"))))),
    field("tags", list(struct(field("t", "int", true)))),
    field("props", map(struct(field("v", "int")))),
  ], 1).fields,
};
const lastColumnId = Math.max(...fieldsById(base).keys());

function paths(schema: Schema): string[] {
  return [...fieldsById(schema).entries()].map(([id, { path }]) => `${id} ${path}`);
}

const evolve = (...changes: SchemaChange[]) => evolveSchema(base, changes, lastColumnId).schema;

Deno.test("ids are given level by level, and elements, keys and values have theirs", () => {
  assertEquals(paths(base), [
    "1 id",
    "2 where",
    "5 where.city",
    "6 where.at",
    "7 where.at.x",
    "3 tags",
    "8 tags.element",
    "9 tags.element.t",
    "4 props",
    "10 props.key",
    "11 props.value",
    "12 props.value.v",
  ]);
});

Deno.test("columns come, change and go at any depth, and ids are never used again", () => {
  const { schema, lastColumnId: last } = evolveSchema(base, [
    { change: "drop-column", path: "where.city" },
    { change: "add-column", parent: "where", field: field("city", struct(field("name", "string"))) },
    { change: "add-column", parent: "tags.element", field: field("u", list({ type: "long" })) },
    { change: "add-column", parent: "props.value", field: field("w", "string") },
    { change: "add-column", field: field("top", "string") },
    { change: "rename-column", path: "where", name: "place" },
    { change: "move-column", path: "props", after: undefined },
    { change: "move-column", path: "place.city", after: undefined },
  ], lastColumnId);
  assertEquals(paths(schema), [
    "4 props",
    "10 props.key",
    "11 props.value",
    "12 props.value.v",
    "17 props.value.w",
    "1 id",
    "2 place",
    "13 place.city",
    "14 place.city.name",
    "6 place.at",
    "7 place.at.x",
    "3 tags",
    "8 tags.element",
    "9 tags.element.t",
    "15 tags.element.u",
    "16 tags.element.u.element",
    "18 top",
  ]);
  assertEquals(last, 18);
});

Deno.test("types widen and columns become optional, nested ones too", () => {
  const schema = evolve(
    { change: "widen-column", path: "id", type: { type: "long" } },
    { change: "widen-column", path: "where.at.x", type: { type: "double" } },
    { change: "widen-column", path: "tags.element.t", type: { type: "long" } },
    { change: "make-optional", path: "id" },
    { change: "make-optional", path: "tags.element.t" },
    { change: "make-optional", path: "tags.element" },
    { change: "make-optional", path: "props.value" },
    { change: "set-doc", path: "id", doc: "who" },
  );
  const found = (path: string) => {
    const { type, required } = findFieldByPath(schema, path)!;
    return [type.type, required];
  };
  assertEquals(["id", "where.at.x", "tags.element.t", "tags.element", "props.value"].map(found), [
    ["long", false],
    ["double", false],
    ["long", false],
    ["struct", false],
    ["struct", false],
  ]);
  assertEquals(findFieldByPath(schema, "id")!.doc, "who");
});

Deno.test("what the specification does not allow is refused, saying why", () => {
  const cases: [SchemaChange, RegExp][] = [
    [{ change: "add-column", field: field("new", "int", true) }, /must be optional/],
    [{ change: "add-column", field: field("id", "int") }, /there is one of that name/],
    [{ change: "add-column", parent: "tags", field: field("x", "int") }, /"tags" is a list/],
    [{ change: "widen-column", path: "id", type: { type: "string" } }, /a int cannot become a string/],
    [{ change: "widen-column", path: "where", type: { type: "string" } }, /a struct cannot become/],
    [{ change: "rename-column", path: "id", name: "tags" }, /there is a "tags" already/],
    [{ change: "drop-column", path: "nothing" }, /there is no such column/],
    [{ change: "drop-column", path: "tags.element" }, /it is part of a list/],
    [{ change: "make-optional", path: "props.key" }, /keys are never null/],
    [{ change: "move-column", path: "id", after: "nothing" }, /there is no "nothing" beside it/],
  ];
  for (const [change, message] of cases) {
    assertThrows(() => evolve(change), (error) => {
      return isKind(error, "usage") && message.test(error.message);
    }, JSON.stringify(change));
  }
});

Deno.test("decimals widen in precision only", () => {
  const money: Schema = {
    schemaId: 0,
    fields: [{ id: 1, name: "m", required: false, type: { type: "decimal", precision: 9, scale: 2 } }],
  };
  const widen = (precision: number, scale: number) =>
    evolveSchema(money, [{ change: "widen-column", path: "m", type: { type: "decimal", precision, scale } }], 1);
  assertEquals(widen(12, 2).schema.fields[0]!.type, { type: "decimal", precision: 12, scale: 2 });
  assertThrows(() => widen(12, 3));
  assertThrows(() => widen(5, 2));
});

Deno.test("a change among thousands of columns looks at those that it names", () => {
  const count = 20_000;
  const column = (i: number) => `c${i}`;
  const changes = Array.from({ length: count }, (_, i): SchemaChange[] => [
    { change: "add-column", field: field(column(i), "int") },
    { change: "move-column", path: column(i), after: i === 0 ? undefined : column(i - 1) },
    { change: "widen-column", path: column(i), type: { type: "long" } },
  ]).flat();
  const nested = Array.from({ length: count }, (_, i): SchemaChange => {
    return { change: "add-column", parent: "where", field: field(column(i), "int") };
  });
  const { fields } = evolve(...changes, ...nested, { change: "make-optional", path: "id" });
  assertEquals(fields.map(({ name }) => name), [
    ...Array.from({ length: count }, (_, i) => column(i)),
    ...base.fields.map(({ name }) => name),
  ]);
  assertEquals([fields[0]!.type, fields[count]!.required], [{ type: "long" }, false]);
  assertEquals((fields[count + 1]!.type as Type & { type: "struct" }).fields.length, 2 + count);
});
