import type { Field as IcebergField, Type } from "../iceberg/format/type.ts";
import { type Contract, type ContractType, type Field, NO_CHECKS } from "./contract.ts";
import { contractText } from "./contract_text.ts";
import { equalFullName, foldName, whyNotAName } from "./field_names.ts";
import type { JsonPath } from "../json/pointer.ts";

/**
 * `--on-extra-fields add`: fields that were seen but not named become columns. Their type is text,
 * whatever the values are: a string as it is, a number or boolean with its very digits, nested JSON
 * as its text. So no value is ever refused or rounded because an earlier one looked different
 * (Spark's Auto Loader, `addNewColumns`, infers strings for the same reason).
 */

/** More fields than this in one object and the rest is rescued: keys are then data, not columns. */
const FIELDS_MAX = 1000;

const ANY_TEXT: ContractType = { kind: "string", accepts: { numbers: true, booleans: true, nested: true } };

export interface Widened {
  readonly contract: Contract;
  /** The fields added, as paths of names; the same order as they were given in. */
  readonly added: readonly JsonPath[];
}

/**
 * The contract with the fields at `paths` (of `Judgement.extras`) as optional columns, nested ones
 * in their structs. Left out, and so for `_rescued`, are names that no column can have and names
 * that differ from another only in case.
 */
export function widenContract(contract: Contract, paths: Iterable<JsonPath>): Widened {
  let fields = contract.fields;
  const added: JsonPath[] = [];
  for (const path of paths) {
    const wider = addAt(fields, path, 0);
    if (wider === fields || equalFullName(wider) !== undefined) continue;
    fields = wider;
    added.push(path);
  }
  return { contract: added.length === 0 ? contract : withFields(contract, fields), added };
}

/**
 * The contract with what earlier runs have added to the table: its text columns, at any depth of
 * structs, that the contract lacks.
 */
export function adoptAddedColumns(contract: Contract, table: readonly IcebergField[]): Contract {
  const paths: JsonPath[] = [];
  const walk = (type: ContractType, column: Type, path: JsonPath): void => {
    if (type.kind === "struct" && column.type === "struct") {
      for (const inner of column.fields) {
        const field = type.fields.find(({ name }) => name === inner.name);
        if (field !== undefined) walk(field.type, inner.type, [...path, inner.name]);
        else if (inner.type.type === "string") paths.push([...path, inner.name]);
      }
    }
    if (type.kind === "list" && column.type === "list") walk(type.element.type, column.element, [...path, 0]);
    if (type.kind === "map" && column.type === "map") walk(type.value.type, column.value, [...path, ""]);
  };
  walk({ kind: "struct", fields: contract.fields }, { type: "struct", fields: [...table] }, []);
  return widenContract(contract, paths).contract;
}

function withFields(contract: Contract, fields: readonly Field[]): Contract {
  const parts = { ...contract, fields };
  return { ...parts, text: contractText(parts) };
}

/** The fields with one more at `path` from step `at` on; the very same where it cannot be. */
function addAt(fields: readonly Field[], path: JsonPath, at: number): readonly Field[] {
  const name = String(path[at]);
  const index = fields.findIndex((field) => field.name === name);
  if (index < 0) return at === path.length - 1 ? withField(fields, name, at === 0) : fields;
  const field = fields[index]!;
  const type = addInType(field.type, path, at + 1);
  return type === field.type ? fields : fields.with(index, { ...field, type });
}

function addInType(type: ContractType, path: JsonPath, at: number): ContractType {
  if (at >= path.length) return type;
  switch (type.kind) {
    case "struct": {
      const fields = addAt(type.fields, path, at);
      return fields === type.fields ? type : { ...type, fields };
    }
    case "list": {
      const inner = addInType(type.element.type, path, at + 1);
      return inner === type.element.type ? type : { ...type, element: { ...type.element, type: inner } };
    }
    case "map": {
      const inner = addInType(type.value.type, path, at + 1);
      return inner === type.value.type ? type : { ...type, value: { ...type.value, type: inner } };
    }
    default:
      return type;
  }
}

function withField(fields: readonly Field[], name: string, top: boolean): readonly Field[] {
  const taken = fields.some((field) => foldName(field.name) === foldName(name));
  if (taken || fields.length >= FIELDS_MAX || whyNotAName(name, { underscoreIsOurs: top }) !== undefined) return fields;
  return [...fields, { name, required: false, type: ANY_TEXT, nullable: false, checks: NO_CHECKS }];
}
