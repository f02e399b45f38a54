import { StreamlabError } from "../base/errors.ts";
import { fieldsById, type Schema } from "../iceberg/format/schema.ts";
import { evolveSchema, type SchemaChange } from "../iceberg/format/schema_change.ts";
import {
  type Field,
  isPrimitive,
  isPromotion,
  type PrimitiveType,
  type Type,
  typesEqual,
} from "../iceberg/format/type.ts";
import { foldName } from "./field_names.ts";

/** A change that no table can follow. `column` is the full name, parts joined by dots. */
export interface Refusal {
  readonly column: string;
  readonly reason: string;
  /** The column of the table that would be out of the way under another name. */
  readonly rename?: string | undefined;
}

export type Evolution =
  /** `schema` is the table's schema after `changes`; without changes it is the same object. */
  | {
    readonly kind: "allowed";
    readonly changes: SchemaChange[];
    readonly schema: Schema;
    readonly lastColumnId: number;
  }
  | { readonly kind: "refused"; readonly refusals: readonly Refusal[] };

/**
 * Plans the changes that let a table with this schema take rows of `wanted` (from
 * `iceberg_schema.ts`). Version 2 of the format allows (specification: "Schema Evolution"): a new
 * optional column at any depth, int to long, float to double, a wider decimal, required to
 * optional. A column that is no longer wanted stays and becomes optional. `lastColumnId` is the
 * highest field id that the table ever used.
 */
export function evolve(schema: Schema, lastColumnId: number, wanted: readonly Field[]): Evolution {
  const comparison = new Comparison(schema);
  comparison.struct(schema.fields, wanted, "");
  if (comparison.refusals.length > 0) return { kind: "refused", refusals: comparison.refusals };
  const { changes } = comparison;
  if (changes.length === 0) return { kind: "allowed", changes, schema, lastColumnId };
  const added = changes.filter(({ change }) => change === "add-column");
  const twice = equalPath(evolveSchema(schema, added, lastColumnId).schema);
  if (twice !== undefined) {
    const reason = "would be one name with another field's, by which engines cannot tell them apart";
    return { kind: "refused", refusals: [{ column: twice, reason }] };
  }
  return { kind: "allowed", changes, ...evolveSchema(schema, changes, lastColumnId) };
}

/** The error for the user. The caller adds what was already written. */
export function refusalError(table: string, refusals: readonly Refusal[]): StreamlabError {
  const reasons = refusals.map(({ column, reason }) => `column ${column} ${reason}`).join("; ");
  return new StreamlabError("usage", `Cannot change ${table} to the contract: ${reasons}`, {
    hint: `Change the contract, or send its events to another table with --table${otherwiseRename(table, refusals)}`,
  });
}

/** Where another program has made the columns, the contract may be right, and a batch may wait. */
function otherwiseRename(table: string, refusals: readonly Refusal[]): string {
  const columns = refusals.map(({ rename }) => rename);
  if (columns.length === 0 || columns.includes(undefined)) return "";
  const what = columns.length === 1 ? `column ${columns[0]}` : `the columns ${columns.join(", ")}`;
  return `, or rename ${what} of ${table} with a program that changes tables: the contract then gets its own`;
}

class Comparison {
  readonly changes: SchemaChange[] = [];
  readonly refusals: Refusal[] = [];
  readonly #identifiers: ReadonlySet<number>;

  constructor(schema: Schema) {
    this.#identifiers = new Set(schema.identifierFieldIds);
  }

  /** `path` is the struct's path, empty at the top. */
  struct(current: readonly Field[], wanted: readonly Field[], path: string): void {
    const left = new Map(wanted.map((field) => [field.name, field]));
    for (const field of current) {
      const target = left.get(field.name);
      left.delete(field.name);
      const column = joined(path, field.name);
      if (target === undefined) this.#makeOptional(field, column);
      else this.#field(field, target, column);
    }
    const folded = new Map(current.map((field) => [foldName(field.name), field.name]));
    // New columns follow the contract's columns. Our own columns stay last.
    let after = path === "" ? lastBeforeOurs(current) : undefined;
    for (const field of left.values()) {
      const other = folded.get(foldName(field.name));
      const column = joined(path, field.name);
      if (other !== undefined) {
        const reason = `differs only in case from the table's ${other}, which most engines take for the same`;
        this.#refuse(column, reason, joined(path, other));
      } else if (this.#add(field, path) && path === "" && !isOurs(column)) {
        this.changes.push({ change: "move-column", path: column, after });
        after = field.name;
      }
    }
  }

  #add(field: Field, path: string): boolean {
    // Only tables that others created lack our own columns. Their old rows have no values there.
    if (field.required && !(path === "" && isOurs(field.name))) {
      const reason = "is new and required, but existing rows have no value for it: make it optional";
      this.#refuse(joined(path, field.name), reason);
      return false;
    }
    const parent = path === "" ? {} : { parent: path };
    this.changes.push({ change: "add-column", ...parent, field: { ...field, required: false } });
    return true;
  }

  #field(current: Field, wanted: Field, column: string): void {
    this.#type(current.type, wanted.type, { column, field: column });
    if (current.required && !wanted.required) this.#makeOptional(current, column);
    if (!current.required && wanted.required && !isOurs(column)) {
      this.#refuse(column, "is optional in the table, and a table cannot make it required");
    }
  }

  #makeOptional(field: Field, column: string): void {
    if (!field.required) return;
    if (this.#identifiers.has(field.id)) {
      this.#refuse(column, "identifies the table's rows, so that it must stay required");
    }
    this.changes.push({ change: "make-optional", path: column });
  }

  /** `field`: the path of the field that the type is of, or is in as an element, key or value. */
  #type(current: Type, wanted: Type, { column, field }: { column: string; field: string }): void {
    const inner = (name: string) => ({ column: `${column}.${name}`, field });
    if (current.type === "struct" && wanted.type === "struct") {
      this.struct(current.fields, wanted.fields, column);
    } else if (current.type === "list" && wanted.type === "list") {
      this.#inner(current.elementRequired, wanted.elementRequired, `${column}.element`);
      this.#type(current.element, wanted.element, inner("element"));
    } else if (current.type === "map" && wanted.type === "map") {
      this.#type(current.key, wanted.key, inner("key"));
      this.#inner(current.valueRequired, wanted.valueRequired, `${column}.value`);
      this.#type(current.value, wanted.value, inner("value"));
    } else if (isPrimitive(current) && isPrimitive(wanted)) {
      this.#primitive(current, wanted, { column, field });
    } else {
      this.#refuse(column, `is ${typeText(current)} in the table and ${typeText(wanted)} in the contract`, field);
    }
  }

  #primitive(
    current: PrimitiveType,
    wanted: PrimitiveType,
    { column, field }: { column: string; field: string },
  ): void {
    if (typesEqual(current, wanted)) return;
    if (isPromotion(current, wanted)) {
      this.changes.push({ change: "widen-column", path: column, type: wanted });
      return;
    }
    const why = isPromotion(wanted, current) ? "a table never makes a type narrower" : "Iceberg knows no such change";
    const reason = `is ${typeText(current)} in the table and ${typeText(wanted)} in the contract: ${why}`;
    this.#refuse(column, reason, field);
  }

  /** A list's element or a map's value. */
  #inner(current: boolean, wanted: boolean, column: string): void {
    if (current && !wanted) this.changes.push({ change: "make-optional", path: column });
    if (!current && wanted) this.#refuse(column, "may be null in the table, and a table cannot forbid it later");
  }

  #refuse(column: string, reason: string, rename?: string): void {
    this.refusals.push({ column, reason, rename });
  }
}

/**
 * A full name that two fields share, such as a new column "a.b" beside an old struct a with a field
 * b.
 */
function equalPath(schema: Schema): string | undefined {
  const seen = new Set<string>();
  for (const { path } of fieldsById(schema).values()) {
    if (seen.has(foldName(path))) return path;
    seen.add(foldName(path));
  }
  return undefined;
}

function lastBeforeOurs(fields: readonly Field[]): string | undefined {
  return fields.findLast((field) => !isOurs(field.name))?.name;
}

function isOurs(column: string): boolean {
  return column.startsWith("_");
}

function joined(path: string | undefined, name: string): string {
  return path === undefined || path === "" ? name : `${path}.${name}`;
}

function typeText(type: Type): string {
  switch (type.type) {
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    case "fixed":
      return `fixed[${type.length}]`;
    default:
      return type.type;
  }
}
