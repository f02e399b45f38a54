import type { Contract } from "../../contract/contract.ts";
import type { Field, Type } from "../../iceberg/format/type.ts";
import { deadLetterFields, eventFields } from "../../lake/our_columns.ts";
import type { TargetTable } from "../../tables/write/target_table.ts";

/**
 * The columns of a table's data files: types, and what may be null, as the contract has them, which
 * may be narrower than the table's; ids as the table has them.
 */
export function eventFileFields(contract: Contract, table: TargetTable, rescued: boolean): Field[] {
  return withIds(eventFields(contract, { rescued }), table.written);
}

/** The same of dead letters. */
export function letterFileFields(contract: Contract, table: TargetTable): Field[] {
  return withIds(deadLetterFields(contract), table.written);
}

function withIds(fields: readonly Field[], known: readonly Field[]): Field[] {
  return fields.map((field) => {
    const own = known.find(({ name }) => name === field.name)!;
    return { ...field, id: own.id, type: typeWithIds(field.type, own.type) };
  });
}

function typeWithIds(type: Type, known: Type): Type {
  if (type.type === "struct" && known.type === "struct") return { ...type, fields: withIds(type.fields, known.fields) };
  if (type.type === "list" && known.type === "list") {
    return { ...type, elementId: known.elementId, element: typeWithIds(type.element, known.element) };
  }
  if (type.type === "map" && known.type === "map") {
    return {
      ...type,
      keyId: known.keyId,
      valueId: known.valueId,
      value: typeWithIds(type.value, known.value),
    };
  }
  return type;
}
