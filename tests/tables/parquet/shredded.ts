import type { Value } from "../../../core/iceberg/format/single_value.ts";
import { type Field, isPrimitive, type Type } from "../../../core/iceberg/format/type.ts";
import type { TableRow, Tree } from "./random_table.ts";

/** A leaf's values with Dremel's levels. */
export interface ShreddedLeaf {
  definitions: number[];
  repetitions: number[];
  values: Value[];
}

/** Rows as columns, in the order of the schema's leaves. */
export function shred(fields: readonly Field[], rows: readonly TableRow[]): ShreddedLeaf[] {
  const leaves: ShreddedLeaf[] = [];
  const writers = fields.map((field) => writerOf(field, leaves, 0, 0));
  for (const row of rows) {
    for (const [i, { name }] of fields.entries()) writers[i]!(row[name]!, 0, 0);
  }
  return leaves;
}

/** Writes a value; `definition` and `repetition` are those of its parent in this row. */
type Write = (value: Tree, definition: number, repetition: number) => void;

function writerOf(
  { type, required }: Pick<Field, "type" | "required">,
  leaves: ShreddedLeaf[],
  definition: number,
  repetition: number,
): Write {
  const here = definition + (required ? 0 : 1);
  const first = leaves.length;
  const write = presentWriter(type, leaves, here, repetition);
  const inside = leaves.slice(first);
  return (value, found, repeated) => {
    if (found < definition || value === null) writeNull(inside, Math.min(found, definition), repeated);
    else write(value, here, repeated);
  };
}

function presentWriter(type: Type, leaves: ShreddedLeaf[], here: number, repetition: number): Write {
  if (isPrimitive(type)) {
    const leaf: ShreddedLeaf = { definitions: [], repetitions: [], values: [] };
    leaves.push(leaf);
    return (value, found, repeated) => {
      leaf.definitions.push(found);
      leaf.repetitions.push(repeated);
      leaf.values.push(value as Value);
    };
  }
  if (type.type === "struct") {
    const writers = type.fields.map((field) => writerOf(field, leaves, here, repetition));
    return (value, found, repeated) => {
      for (const [i, { name }] of type.fields.entries()) {
        writers[i]!((value as Record<string, Tree>)[name]!, found, repeated);
      }
    };
  }
  const first = leaves.length;
  const parts = type.type === "list"
    ? [{ type: type.element, required: type.elementRequired }]
    : [{ type: type.key, required: true }, { type: type.value, required: type.valueRequired }];
  const writers = parts.map((part) => writerOf(part, leaves, here + 1, repetition + 1));
  const inside = leaves.slice(first);
  return (value, found, repeated) => {
    const items = value as (Tree | [Tree, Tree])[];
    if (items.length === 0) writeNull(inside, found, repeated);
    for (const [i, item] of items.entries()) {
      const values = type.type === "list" ? [item as Tree] : item as [Tree, Tree];
      for (const [at, part] of values.entries()) writers[at]!(part, here + 1, i === 0 ? repeated : repetition + 1);
    }
  };
}

function writeNull(leaves: readonly ShreddedLeaf[], definition: number, repetition: number): void {
  for (const leaf of leaves) {
    leaf.definitions.push(definition);
    leaf.repetitions.push(repetition);
  }
}
