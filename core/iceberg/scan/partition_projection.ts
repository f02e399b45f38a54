import { cutString } from "../format/bound.ts";
import type { PartitionColumn } from "../format/partition_spec.ts";
import type { BoundTerm } from "../format/predicate.ts";
import { applyTransform, preservesOrder } from "../format/transform.ts";
import type { Value } from "../format/single_value.ts";

/**
 * The term on partition values that holds for every row for which `term` holds (specification:
 * "Scan Planning", inclusive projection); undefined if the partition says nothing about it.
 */
export function projectTerm(term: BoundTerm, column: PartitionColumn): BoundTerm | undefined {
  const { transform, fieldId } = { transform: column.field.transform, fieldId: column.field.fieldId };
  if (transform.name === "void" || transform.name === "unknown") return undefined;
  const base = { fieldId, type: column.type };
  if (term.op === "is-null" || term.op === "is-not-null") return { ...base, op: term.op };
  if (transform.name === "identity") return { ...term, ...base };
  const apply = (value: Value) => applyTransform(transform, column.source, value)!;
  switch (term.op) {
    case "=":
      return { ...base, op: "=", value: apply(term.value) };
    case "in":
      return { ...base, op: "in", values: term.values.map(apply) };
    case "<":
    case "<=":
      return preservesOrder(transform) ? { ...base, op: "<=", value: apply(beforeIfOpen(term)) } : undefined;
    case ">":
    case ">=":
      return preservesOrder(transform) ? { ...base, op: ">=", value: apply(term.value) } : undefined;
    case "starts-with": {
      if (transform.name !== "truncate") return undefined;
      const cut = cutString(term.prefix, transform.width);
      return Array.from(term.prefix).length < transform.width
        ? { ...base, op: "starts-with", prefix: term.prefix }
        : { ...base, op: "=", value: cut };
    }
    default:
      return undefined;
  }
}

/**
 * `< midnight` means the day before: for whole-numbered types an open end is the closed end minus
 * one.
 */
function beforeIfOpen(term: BoundTerm & { value: Value }): Value {
  if (term.op !== "<") return term.value;
  if (typeof term.value === "bigint") return term.value - 1n;
  return term.type.type === "int" || term.type.type === "date" ? (term.value as number) - 1 : term.value;
}
