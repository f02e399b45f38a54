import { StreamlabError } from "../base/errors.ts";
import { assignFieldIds } from "../iceberg/spec/schema.ts";
import {
  type Field,
  isPrimitive,
  isPromotion,
  type PrimitiveType,
  type Type,
  typesEqual,
} from "../iceberg/spec/type.ts";
import { foldName } from "./field_names.ts";

/** A change of the table that the contract asks for. `column` is the full name, parts joined by dots. */
export type SchemaChange =
  | { readonly kind: "add-column"; readonly column: string; readonly type: string }
  | { readonly kind: "widen"; readonly column: string; readonly from: string; readonly to: string }
  | { readonly kind: "make-optional"; readonly column: string };

/** A change that no Iceberg table can follow. */
export interface Refusal {
  readonly column: string;
  readonly reason: string;
}

export type Evolution =
  /** `fields` with ids, the old ones kept; equal to what the table has when there are no `changes`. */
  | {
    readonly kind: "allowed";
    readonly changes: readonly SchemaChange[];
    readonly fields: Field[];
    readonly lastColumnId: number;
  }
  | { readonly kind: "refused"; readonly refusals: readonly Refusal[] };

export interface TableColumns {
  readonly fields: readonly Field[];
  /** The highest field id that the table ever used: ids are never given twice. */
  readonly lastColumnId: number;
  readonly identifierFieldIds?: readonly number[];
}

/**
 * What must change so that `table` can take rows of `wanted` (from `iceberg_schema.ts`). Allowed is what version 2 of the format
 * allows (specification: "Schema Evolution"): a new optional column at any depth, int to long, float to double, a wider
 * decimal, required to optional. A column that is no longer wanted stays, and is optional from then on.
 */
export function evolve(table: TableColumns, wanted: readonly Field[]): Evolution {
  const run = new EvolutionRun(table);
  const fields = run.struct(table.fields, wanted, "");
  run.refuseEqualFullNames(fields);
  if (run.refusals.length > 0) return { kind: "refused", refusals: run.refusals };
  return { kind: "allowed", changes: run.changes, fields, lastColumnId: run.lastColumnId };
}

/** The error that stops a run before anything is written. */
export function refusalError(table: string, refusals: readonly Refusal[]): StreamlabError {
  const [first, ...others] = refusals;
  const more = others.length > 0
    ? ` (and ${others.length} more: ${others.map(({ column }) => column).join(", ")})`
    : "";
  return new StreamlabError(
    "usage",
    `Cannot change ${table} to the contract: column ${first!.column} ${first!.reason}${more}`,
    {
      hint: "Nothing was written; change the contract, or send its events to another table with --table",
    },
  );
}

class EvolutionRun {
  readonly changes: SchemaChange[] = [];
  readonly refusals: Refusal[] = [];
  lastColumnId: number;
  readonly #identifiers: ReadonlySet<number>;

  constructor(table: TableColumns) {
    this.lastColumnId = table.lastColumnId;
    this.#identifiers = new Set(table.identifierFieldIds);
  }

  struct(current: readonly Field[], wanted: readonly Field[], prefix: string): Field[] {
    const byName = new Map(wanted.map((field) => [field.name, field]));
    const kept = current.map((field) => {
      const target = byName.get(field.name);
      byName.delete(field.name);
      const column = prefix + field.name;
      return target === undefined ? this.#optional(field, column) : this.#field(field, target, column);
    });
    const folded = new Map(current.map((field) => [foldName(field.name), field.name]));
    const added: Field[] = [];
    for (const field of byName.values()) {
      const other = folded.get(foldName(field.name));
      const column = prefix + field.name;
      if (other === undefined) added.push(this.#added(field, column, prefix === ""));
      else this.#refuse(column, `differs only in case from the table's ${other}, which most engines take for the same`);
    }
    return prefix === "" ? insertBeforeOurs(kept, added) : [...kept, ...added];
  }

  #field(current: Field, wanted: Field, column: string): Field {
    const type = this.#type(current.type, wanted.type, column);
    const field = typesEqual(type, current.type) ? current : { ...current, type };
    if (current.required && !wanted.required) return this.#optional(field, column);
    if (!current.required && wanted.required && !isOurs(column)) {
      this.#refuse(column, "is optional in the table, and a table cannot make it required");
    }
    return field;
  }

  #optional(field: Field, column: string): Field {
    if (!field.required) return field;
    if (this.#identifiers.has(field.id)) {
      this.#refuse(column, "identifies the table's rows, so that it must stay required");
    }
    this.changes.push({ kind: "make-optional", column });
    return { ...field, required: false };
  }

  #added(field: Field, column: string, top: boolean): Field {
    if (field.required && !(top && isOurs(column))) {
      this.#refuse(column, "is new and required, but the rows that are there have no value for it: make it optional");
    }
    this.changes.push({ kind: "add-column", column, type: typeText(field.type) });
    const { fields, nextId } = assignFieldIds([{ ...field, required: false }], this.lastColumnId + 1);
    this.lastColumnId = nextId - 1;
    return fields[0]!;
  }

  #type(current: Type, wanted: Type, column: string): Type {
    if (current.type === "struct" && wanted.type === "struct") {
      return { type: "struct", fields: this.struct(current.fields, wanted.fields, `${column}.`) };
    }
    if (current.type === "list" && wanted.type === "list") {
      const elementRequired = this.#inner(current.elementRequired, wanted.elementRequired, `${column}.element`);
      return { ...current, elementRequired, element: this.#type(current.element, wanted.element, `${column}.element`) };
    }
    if (current.type === "map" && wanted.type === "map") {
      const key = this.#type(current.key, wanted.key, `${column}.key`);
      const valueRequired = this.#inner(current.valueRequired, wanted.valueRequired, `${column}.value`);
      return { ...current, key, valueRequired, value: this.#type(current.value, wanted.value, `${column}.value`) };
    }
    if (isPrimitive(current) && isPrimitive(wanted)) return this.#primitive(current, wanted, column);
    this.#refuse(column, `is ${typeText(current)} in the table and ${typeText(wanted)} in the contract`);
    return current;
  }

  #primitive(current: PrimitiveType, wanted: PrimitiveType, column: string): PrimitiveType {
    if (typesEqual(current, wanted)) return current;
    const [from, to] = [typeText(current), typeText(wanted)];
    if (isPromotion(current, wanted)) {
      this.changes.push({ kind: "widen", column, from, to });
      return wanted;
    }
    const why = isPromotion(wanted, current) ? "a table never makes a type narrower" : "Iceberg knows no such change";
    this.#refuse(column, `is ${from} in the table and ${to} in the contract: ${why}`);
    return current;
  }

  /** Whether a list's element or a map's value stays required. */
  #inner(current: boolean, wanted: boolean, column: string): boolean {
    if (current && !wanted) this.changes.push({ kind: "make-optional", column });
    if (!current && wanted) this.#refuse(column, "may be null in the table, and a table cannot forbid it later");
    return current && wanted;
  }

  /** A new column "a.b" beside an old struct a with a field b is one name to Iceberg's Java code. */
  refuseEqualFullNames(fields: readonly Field[]): void {
    const seen = new Set<string>();
    const add = (column: string) => {
      if (seen.has(foldName(column))) this.#refuse(column, "would stand twice, as a nested field and by its full name");
      seen.add(foldName(column));
    };
    const walk = (type: Type, column: string): void => {
      add(column);
      if (type.type === "struct") type.fields.forEach((field) => walk(field.type, `${column}.${field.name}`));
      if (type.type === "list") walk(type.element, `${column}.element`);
      if (type.type === "map") {
        walk(type.key, `${column}.key`);
        walk(type.value, `${column}.value`);
      }
    };
    fields.forEach((field) => walk(field.type, field.name));
  }

  #refuse(column: string, reason: string): void {
    this.refusals.push({ column, reason });
  }
}

function isOurs(column: string): boolean {
  return column.startsWith("_");
}

/** New columns of the contract stand with its others, before our own that end the table. */
function insertBeforeOurs(kept: readonly Field[], added: readonly Field[]): Field[] {
  let at = kept.length;
  while (at > 0 && isOurs(kept[at - 1]!.name)) at--;
  const ours = added.filter((field) => isOurs(field.name));
  const theirs = added.filter((field) => !isOurs(field.name));
  return [...kept.slice(0, at), ...theirs, ...kept.slice(at), ...ours];
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
