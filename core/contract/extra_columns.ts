import { childFields } from "../iceberg/format/schema.ts";
import type { Field as IcebergField, Type } from "../iceberg/format/type.ts";
import { type Contract, type ContractField, type ContractType, keyOf, NO_CHECKS } from "./contract.ts";
import { contractText } from "./contract_text.ts";
import { foldName, fullNames, whyNotAName } from "./field_names.ts";
import type { JsonPath } from "../json/pointer.ts";

/**
 * `--on-extra-fields add`: fields that the contract does not name become columns. Their type is
 * always text: strings as they are, numbers and booleans with their exact digits, nested JSON as
 * its text. So no value is refused or rounded because an earlier one looked different. (Spark's
 * Auto Loader infers strings in `addNewColumns` for the same reason.)
 */

/** The most columns that `add` gives one table: beyond that, names are data, not columns. */
export const ADDED_COLUMNS_MAX = 200;

const ANY_TEXT: ContractType = { kind: "string", accepts: { numbers: true, booleans: true, nested: true } };

/** Fields that do not become columns. */
export interface LeftOut {
  /** Full names that the tables or the contract already use for another field. */
  readonly clashing: readonly string[];
  /** The number of fields beyond the limit. */
  readonly beyond: number;
}

export interface Widened extends LeftOut {
  readonly contract: Contract;
  /** The added fields as paths of names, in the given order. */
  readonly added: readonly JsonPath[];
}

/** What can still be added to tables. */
export interface ColumnRoom {
  /** The full names of all their fields, folded. */
  readonly taken: ReadonlySet<string>;
  /** Columns. */
  readonly columns: number;
}

const ANY_ROOM: ColumnRoom = { taken: new Set(), columns: Infinity };

/**
 * Adds the fields at `paths` (from `Judgement.extras`) to the contract as optional columns, nested
 * ones in their structs. These are left out and go to `_rescued`: names that no column can have,
 * names that engines confuse with another field's (they differ only in case, or in a dot that joins
 * parts), and fields beyond the limit.
 */
export function widenContract(contract: Contract, paths: Iterable<JsonPath>, room = ANY_ROOM): Widened {
  let { fields } = contract;
  const names = new Set(fullNames(fields).map(foldName));
  const added = new Map<string, JsonPath>();
  const clashing = new Set<string>(), beyond = new Set<string>();
  for (const path of paths) {
    const name = fullNameAt(fields, path);
    if (added.has(name)) continue;
    const wider = addAt(fields, path, 0);
    if (wider === fields) continue;
    if (names.has(foldName(name)) || room.taken.has(foldName(name))) {
      clashing.add(name);
    } else if (added.size >= room.columns) {
      beyond.add(name);
    } else {
      fields = wider;
      added.set(name, path);
      names.add(foldName(name));
    }
  }
  return {
    contract: added.size === 0 ? contract : withFields(contract, fields),
    added: [...added.values()],
    clashing: [...clashing],
    beyond: beyond.size,
  };
}

/**
 * What can be added to the tables of a contract. A name that the tables use already is taken: that
 * field has another type, or was dropped from the contract and keeps its values.
 */
export function columnRoom(
  contract: Contract,
  tables: { events: readonly IcebergField[]; deadLetters: readonly IcebergField[] },
): ColumnRoom {
  const taken = [tables.events, tables.deadLetters].flatMap((fields) => columnNames(fields, "")).map(foldName);
  const { added } = widenContract(contract, addedColumns(contract, tables.events));
  return { taken: new Set(taken), columns: Math.max(0, ADDED_COLUMNS_MAX - added.length) };
}

/**
 * The contract with the columns that earlier runs added: the table's text columns, at any depth of
 * structs, that the contract lacks.
 */
export function adoptAddedColumns(contract: Contract, table: readonly IcebergField[]): Contract {
  return widenContract(contract, addedColumns(contract, table)).contract;
}

function addedColumns(contract: Contract, table: readonly IcebergField[]): JsonPath[] {
  const paths: JsonPath[] = [];
  const walk = (type: ContractType, column: Type, path: JsonPath): void => {
    if (type.kind === "struct" && column.type === "struct") {
      for (const inner of column.fields) {
        const field = type.fields.find(({ name }) => name === inner.name);
        if (field !== undefined) walk(field.type, inner.type, [...path, keyOf(field)]);
        else if (inner.type.type === "string") paths.push([...path, inner.name]);
      }
    }
    if (type.kind === "list" && column.type === "list") walk(type.element.type, column.element, [...path, 0]);
    if (type.kind === "map" && column.type === "map") walk(type.value.type, column.value, [...path, ""]);
  };
  walk({ kind: "struct", fields: contract.fields }, { type: "struct", fields: [...table] }, []);
  return paths;
}

/** Names joined by dots, of fields at any depth. */
function columnNames(fields: readonly IcebergField[], prefix: string): string[] {
  return fields.flatMap(({ name, type }) => [prefix + name, ...columnNames(childFields(type), `${prefix}${name}.`)]);
}

/** The full name of the field at a path whose steps may be a list's index or a map's key. */
function fullNameAt(fields: readonly ContractField[], path: JsonPath): string {
  const names: string[] = [];
  let type: ContractType | undefined = { kind: "struct", fields };
  for (const step of path) {
    if (type?.kind === "list") {
      names.push("element");
      type = type.element.type;
    } else if (type?.kind === "map") {
      names.push("value");
      type = type.value.type;
    } else {
      const key = String(step);
      const field: ContractField | undefined = type?.kind === "struct" ? withKey(type.fields, key) : undefined;
      names.push(field?.name ?? key);
      type = field?.type;
    }
  }
  return names.join(".");
}

function withKey(fields: readonly ContractField[], key: string): ContractField | undefined {
  return fields.find((field) => keyOf(field) === key);
}

function withFields(contract: Contract, fields: readonly ContractField[]): Contract {
  const parts = { ...contract, fields };
  return { ...parts, text: contractText(parts) };
}

/** Adds a field at `path`, from step `at` on. Returns the same object if that is impossible. */
function addAt(fields: readonly ContractField[], path: JsonPath, at: number): readonly ContractField[] {
  const key = String(path[at]);
  const index = fields.findIndex((field) => keyOf(field) === key);
  if (index < 0) return at === path.length - 1 ? withField(fields, key, at === 0) : fields;
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

function withField(fields: readonly ContractField[], name: string, top: boolean): readonly ContractField[] {
  if (whyNotAName(name, { underscoreIsOurs: top }) !== undefined) return fields;
  return [...fields, { name, required: false, type: ANY_TEXT, nullable: false, checks: NO_CHECKS }];
}
