import { StreamlabError } from "../base/errors.ts";
import { evolve, type Refusal } from "../contract/evolution.ts";
import type { TableChange } from "../iceberg/catalog/catalog.ts";
import { childFields, renumberFields, sameSchema, type Schema } from "../iceberg/format/schema.ts";
import { currentSchema, type TableMetadata } from "../iceberg/format/table_metadata.ts";
import { LAST_ADDED } from "../iceberg/format/table_update.ts";
import { type Field, isPrimitive, isPromotion, type Type } from "../iceberg/format/type.ts";

/** How the files of a routed batch fit into their table, as it is when they are committed. */
export interface SchemaFit {
  /** Gives the table the columns that it lacks. */
  change: TableChange;
  /** Field ids that the files must have instead of those that they were written with. */
  ids: ReadonlyMap<number, number>;
  /** Of the files, by these ids. */
  schema: Schema;
}

/** The schema that files were written with, and the highest field id of the table before it. */
export interface WrittenSchema {
  schema: Schema;
  lastColumnIdBefore: number;
}

const NO_CHANGE: TableChange = { requirements: [], updates: [] };
const SAME_IDS: ReadonlyMap<number, number> = new Map();

/**
 * Other programs may change a table's columns while a batch is routed. Such a change counts as made
 * after the batch: what was renamed or dropped stays so. But an id that another program has taken
 * is its own, and the batch's new columns get others, or those of columns of their name and type.
 * Fails with `conflict` where a column of that name cannot take the batch's values.
 */
export function fitSchema(table: string, metadata: TableMetadata, written: WrittenSchema): SchemaFit {
  const current = currentSchema(metadata);
  const { schema, lastColumnIdBefore } = written;
  if (sameSchema(current, schema)) return { change: NO_CHANGE, ids: SAME_IDS, schema };
  // The written schema has the number of the one that it was made from.
  const isUnchanged = schema.schemaId === metadata.currentSchemaId && metadata.lastColumnId === lastColumnIdBefore;
  if (isUnchanged) return { change: changeTo(schema, metadata), ids: SAME_IDS, schema };

  const wanted = new Merging(table, lastColumnIdBefore).fields(schema.fields, current.fields, {
    path: "",
    isNew: false,
  });
  const evolution = evolve(current, metadata.lastColumnId, wanted);
  if (evolution.kind === "refused") throw misfit(table, evolution.refusals);
  const ids = new Map(differingIds(wanted, evolution.schema.fields));
  const fields = renumberFields(schema.fields, (id) => ids.get(id) ?? id);
  return {
    change: evolution.changes.length === 0 ? NO_CHANGE : changeTo(evolution.schema, metadata),
    ids,
    schema: { ...schema, fields },
  };
}

function changeTo(schema: Schema, { currentSchemaId, lastColumnId }: TableMetadata): TableChange {
  return {
    requirements: [
      { type: "assert-current-schema-id", currentSchemaId },
      { type: "assert-last-assigned-field-id", lastAssignedFieldId: lastColumnId },
    ],
    updates: [{ action: "add-schema", schema }, { action: "set-current-schema", schemaId: LAST_ADDED }],
  };
}

/** What the files ask of the table's columns: their fields, by the names that the table has now. */
class Merging {
  readonly #table: string;
  readonly #lastColumnIdBefore: number;

  constructor(table: string, lastColumnIdBefore: number) {
    this.#table = table;
    this.#lastColumnIdBefore = lastColumnIdBefore;
  }

  /** `parent`: the struct's path, empty at the top, and whether it is known by its name only. */
  fields(written: readonly Field[], current: readonly Field[], parent: { path: string; isNew: boolean }): Field[] {
    const byId = new Map(current.map((field) => [field.id, field]));
    const byName = new Map(current.map((field) => [field.name, field]));
    const names = new Set<string>();
    return written.flatMap((field) => {
      const isOld = !parent.isNew && field.id <= this.#lastColumnIdBefore;
      const same = isOld ? byId.get(field.id) : undefined;
      // What was dropped stays so, unless the batch adds something to it.
      if (isOld && same === undefined && !this.#brings(field)) return [];
      const known = same ?? byName.get(field.name);
      const name = known?.name ?? field.name;
      const path = parent.path === "" ? name : `${parent.path}.${name}`;
      if (names.has(name)) {
        throw misfit(this.#table, [{ column: path, reason: "has the name of a column of the batch" }]);
      }
      names.add(name);
      const required = field.required && known !== undefined && known.required;
      const type = this.#type(field.type, known?.type, { path, isNew: same === undefined });
      return [{ ...field, name, required, type }];
    });
  }

  #type(written: Type, current: Type | undefined, at: { path: string; isNew: boolean }): Type {
    const inner = (name: string) => ({ ...at, path: `${at.path}.${name}` });
    if (written.type === "struct" && current?.type === "struct") {
      return { ...written, fields: this.fields(written.fields, current.fields, at) };
    }
    if (written.type === "list" && current?.type === "list") {
      const elementRequired = written.elementRequired && current.elementRequired;
      return { ...written, elementRequired, element: this.#type(written.element, current.element, inner("element")) };
    }
    if (written.type === "map" && current?.type === "map") {
      return {
        ...written,
        key: this.#type(written.key, current.key, inner("key")),
        valueRequired: written.valueRequired && current.valueRequired,
        value: this.#type(written.value, current.value, inner("value")),
      };
    }
    if (current === undefined || !isPrimitive(written) || !isPrimitive(current)) return written;
    // Every reader widens the values of a file to the type that the table has.
    return isPromotion(written, current) ? current : written;
  }

  /** Whether the batch adds it, or something in it. */
  #brings({ id, type }: Field): boolean {
    return id > this.#lastColumnIdBefore || childFields(type).some((child) => this.#brings(child));
  }
}

/** Of fields of one name whose ids differ: as they were written, and as the table has them. */
function* differingIds(written: readonly Field[], current: readonly Field[]): Iterable<[number, number]> {
  const byName = new Map(current.map((field) => [field.name, field]));
  for (const field of written) {
    const known = byName.get(field.name)!;
    if (known.id !== field.id) yield [field.id, known.id];
    yield* differingIds(childFields(field.type), childFields(known.type));
  }
}

function misfit(table: string, refusals: readonly Refusal[]): StreamlabError {
  const reasons = refusals.map(({ column, reason }) => `column ${column} ${reason}`).join("; ");
  return new StreamlabError(
    "conflict",
    `Cannot commit to ${table}: another program has changed its columns since the batch was routed, and ${reasons}`,
    { hint: "Rename or drop that column with a program that changes tables; then the next run commits the batch" },
  );
}
