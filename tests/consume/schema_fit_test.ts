import { deepStrictEqual, throws } from "node:assert/strict";
import { fitSchema } from "../../core/consume/schema_fit.ts";
import type { Schema } from "../../core/iceberg/format/schema.ts";
import type { TableMetadata } from "../../core/iceberg/format/table_metadata.ts";
import type { Field, Type } from "../../core/iceberg/format/type.ts";

const text: Type = { type: "string" };
const field = (id: number, name: string, type: Type = text, required = false): Field => ({ id, name, required, type });
const decimal = (precision: number): Type => ({ type: "decimal", precision, scale: 2 });

/** A batch was routed when the table had `before`, and brings `added` besides. */
function fit(before: Field[], written: Field[], now: Field[], lastColumnId: number) {
  const schema: Schema = { schemaId: 0, fields: written };
  const isSame = JSON.stringify(before) === JSON.stringify(now);
  const current: Schema = { schemaId: isSame ? 0 : 1, fields: now };
  const metadata = { schemas: [current], currentSchemaId: current.schemaId, lastColumnId } as TableMetadata;
  const lastColumnIdBefore = Math.max(...before.map(({ id }) => id));
  const { change, ids } = fitSchema("a.b", metadata, { schema, lastColumnIdBefore });
  const [added] = change.updates;
  return { ids: [...ids], fields: added?.action === "add-schema" ? added.schema.fields : now };
}

Deno.test("a table that is as it was takes the schema of the batch, whatever it changes", () => {
  for (
    const [before, written] of [
      [[field(1, "a")], [field(1, "a"), field(2, "b")]],
      [[field(1, "a", decimal(5))], [field(1, "a", decimal(9))]],
      [[field(1, "a", { type: "int" }, true)], [field(1, "a", { type: "long" })]],
    ] as const
  ) {
    deepStrictEqual(fit([...before], [...written], [...before], 1), { ids: [], fields: [...written] });
  }
});

Deno.test("a batch's columns get ids that nobody has, or those of columns of their name", () => {
  const before = [field(1, "a")], written = [field(1, "a"), field(2, "b"), field(3, "c")];
  deepStrictEqual(fit(before, written, [field(1, "a"), field(2, "x")], 2), {
    ids: [[2, 3], [3, 4]],
    fields: [field(1, "a"), field(2, "x"), field(3, "b"), field(4, "c")],
  });
  deepStrictEqual(fit(before, written, [field(1, "a"), field(2, "c")], 2), {
    ids: [[2, 3], [3, 2]],
    fields: [field(1, "a"), field(2, "c"), field(3, "b")],
  });
  const all = [field(1, "a"), field(2, "b"), field(3, "c"), field(4, "x")];
  deepStrictEqual(fit(before, written, all, 4), { ids: [], fields: all });
});

Deno.test("what another program has renamed, dropped or widened since stays so", () => {
  const before = [field(1, "a"), field(2, "n", { type: "int" })];
  const written = [...before, field(3, "b")];
  deepStrictEqual(fit(before, written, [field(1, "z"), before[1]!], 2), {
    ids: [],
    fields: [field(1, "z"), before[1]!, field(3, "b")],
  });
  deepStrictEqual(fit(before, written, [field(1, "a")], 2), { ids: [], fields: [field(1, "a"), field(3, "b")] });
  const wide = field(2, "n", { type: "long" });
  deepStrictEqual(fit(before, before, [before[0]!, wide], 2), { ids: [], fields: [before[0]!, wide] });
});

Deno.test("a column that both have widened is as wide as the wider of them", () => {
  const before = [field(1, "n", decimal(5))];
  for (const [ours, theirs] of [[7, 9], [9, 7]] as const) {
    const { fields } = fit(before, [field(1, "n", decimal(ours))], [field(1, "n", decimal(theirs))], 1);
    deepStrictEqual(fields, [field(1, "n", decimal(9))]);
  }
});

Deno.test("a column that must have a value, and that the batch has none for, may be null from then on", () => {
  const before = [field(1, "a", text, true)];
  const now = [field(1, "a", text, true), field(2, "x", text, true)];
  deepStrictEqual(fit(before, [field(1, "a")], now, 2).fields, [field(1, "a"), field(2, "x")]);
});

Deno.test("fields in structs, lists and maps are fitted as columns are", () => {
  const struct = (...fields: Field[]): Type => ({ type: "struct", fields });
  const list = (elementId: number, element: Type): Type => ({
    type: "list",
    elementId,
    elementRequired: false,
    element,
  });
  const written = [
    field(1, "s", list(2, struct(field(3, "a"), field(5, "b")))),
    field(4, "m", { type: "map", keyId: 6, key: text, valueId: 7, valueRequired: false, value: text }),
  ];
  const now = [field(1, "s", list(2, struct(field(3, "z"), field(4, "x"))))];
  const metadata = {
    schemas: [{ schemaId: 1, fields: now }],
    currentSchemaId: 1,
    lastColumnId: 4,
  } as unknown as TableMetadata;
  const { ids, schema } = fitSchema("a.b", metadata, {
    schema: { schemaId: 0, fields: written },
    lastColumnIdBefore: 3,
  });
  deepStrictEqual([...ids], [[4, 6], [6, 7], [7, 8]]);
  deepStrictEqual(schema.fields, [
    field(1, "s", list(2, struct(field(3, "a"), field(5, "b")))),
    field(6, "m", { type: "map", keyId: 7, key: text, valueId: 8, valueRequired: false, value: text }),
  ]);
});

Deno.test("a column that cannot take the batch's values is named, with its reason", () => {
  const before = [field(1, "a"), field(2, "k")], written = [...before, field(3, "b")];
  const refused: [Field[], RegExp][] = [
    [[...before, field(3, "b", { type: "int" })], /column b is int in the table and string in the contract/],
    [[...before, field(3, "B")], /column b differs only in case from the table's B/],
    [[field(1, "a"), field(2, "b")], /column b has the name of a column of the batch/],
  ];
  for (const [now, message] of refused) {
    throws(() => fit(before, written, now, 3), { kind: "conflict", message });
  }
});
