import { Kind } from "../assembly/kind.ts";
import {
  type Contract,
  type ContractField,
  type ContractType,
  type ContractValue,
  JSON_STRINGS_ONLY,
  keyOf,
  mayBeNull,
} from "../../contract/contract.ts";
import { judgesRecords, judgesValues } from "../../contract/judge_alone.ts";
import { keepsRescued } from "../../contract/rescued.ts";
import { planCheck, planTextCheck } from "./check_plan.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import type { ReaderInstance } from "./reader_instance.ts";
import type { Reading } from "./reading.ts";

/** A leaf of a table as it lies in the reader's memory. */
export interface ReaderColumn {
  /** Names from the top; `key`, `value` and `element` for what is inside maps and lists. */
  readonly path: readonly string[];
  readonly kind: Kind;
  readonly type: ContractType;
  /** Dremel's levels of a value that is there: a byte each, as no contract is so deep. */
  readonly maxDefinition: number;
  readonly maxRepetition: number;
  /** A value has 1 << shift bytes. */
  readonly shift: number;
  /** In the table. */
  readonly index: number;
  readonly handle: number;
}

/** A table in the reader's memory. */
export interface ReaderTable {
  readonly handle: number;
  /** In the order of the schema: the contract's columns, then ours. */
  readonly columns: readonly ReaderColumn[];
}

const KINDS: Readonly<Record<ContractType["kind"], Kind>> = {
  string: Kind.STRING,
  json: Kind.STRING,
  int: Kind.INT,
  long: Kind.LONG,
  float: Kind.FLOAT,
  double: Kind.DOUBLE,
  boolean: Kind.BOOLEAN,
  date: Kind.DATE,
  timestamptz: Kind.INSTANT,
  timestamp: Kind.INSTANT,
  uuid: Kind.UUID,
  decimal: Kind.DECIMAL,
  struct: Kind.STRUCT,
  map: Kind.MAP,
  list: Kind.LIST,
};

const TEXT: ContractType = { kind: "string", accepts: JSON_STRINGS_ONLY };
const LONG: ContractType = { kind: "long" };

/** How a text column may keep its values: see `TextChoice` in ../assembly/column.ts. */
const NUMBERED_OR_PLAIN = 0, NUMBERED_ONLY = 1, PLAIN_ONLY = 2;

/** Slots, and bytes of texts, that new columns have room for together; a few columns fill less. */
const SLOTS_FIRST_MAX = 1 << 22, SPREAD_SLOTS_FIRST_MAX = 1 << 24, TEXT_BYTES_FIRST_MAX = 1 << 25;
/** A column of texts has room for as much as so many of the average: few have long ones. */
const TEXT_SHARES = 4;
/** Partitions by these are few in a row group, by others they may be many. */
const TIMES: ReadonlySet<string> = new Set(["year", "month", "day", "hour", "void"]);
/** A record has more bytes, mostly. */
const RECORD_BYTES_LEAST = 64;

/**
 * Gives the columns that are made from now on room for a row group, or for all that there is: they
 * would double until they have it, and move all that is there each time.
 */
export function expectRows(
  { calls }: ReaderInstance,
  contract: Contract,
  { units, limits, events }: Pick<Reading, "units" | "limits" | "events">,
): void {
  const bytes = units.reduce((sum, { size }) => sum + size, 0);
  const columns = leafCount(contract.fields) + OWN_COLUMNS_MAX;
  const isSpread = events.spec.fields.some(({ transform }) => !TIMES.has(transform.name));
  const wanted = isSpread ? limits.heldRows : limits.groupRows;
  const slotsMax = isSpread ? SPREAD_SLOTS_FIRST_MAX : SLOTS_FIRST_MAX;
  const rows = Math.min(wanted, bytes / RECORD_BYTES_LEAST, slotsMax / columns);
  const textBytes = Math.min(limits.groupBytes, bytes, TEXT_BYTES_FIRST_MAX);
  const each = Math.min(TEXT_SHARES * textBytes / columns, textBytes);
  calls.expectRows(powerOfTwo(rows), powerOfTwo(each), powerOfTwo(textBytes));
}

/** The next one. */
function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(least, 1)));
}

/**
 * The table of events: the contract's columns, what is rescued where anything is, the file and the
 * position in it.
 */
export function planEvents(
  reader: ReaderInstance,
  contract: Contract,
  rules: Pick<Reading, "onExtraFields" | "onWrongType">,
): ReaderTable {
  const rescued = keepsRescued(rules);
  const plan = new TablePlan(reader, contract, false);
  const extras = rescued ? plan.addLeaf(TEXT, [OUR_COLUMNS.rescued], 1, 0) : 0;
  plan.addPlace();
  const table = plan.end();
  if (rescued) reader.calls.setRescuedColumn(table.handle, extras);
  // Fields that are to become columns are for the judge to name.
  if (rules.onExtraFields === "rescue") reader.calls.rescueExtras(table.handle);
  return table;
}

/** The table of dead letters: the same, all of it optional, with reason, detail and raw record. */
export function planLetters(reader: ReaderInstance, contract: Contract): ReaderTable {
  const plan = new TablePlan(reader, contract, true);
  const reason = plan.addLeaf(TEXT, [OUR_COLUMNS.deadLetterReason], 0, 0);
  const detail = plan.addLeaf(TEXT, [OUR_COLUMNS.deadLetterDetail], 1, 0);
  const raw = plan.addLeaf(TEXT, [OUR_COLUMNS.rawRecord], 1, 0, PLAIN_ONLY);
  plan.addPlace();
  const table = plan.end();
  reader.calls.setLetterColumns(table.handle, reason, detail, raw);
  return table;
}

/** Columns of ours that a table has at most. */
const OWN_COLUMNS_MAX = 8;

class TablePlan {
  readonly #reader: ReaderInstance;
  readonly #isOfLetters: boolean;
  readonly #handle: number;
  readonly #arrayOfColumns: number;
  readonly #columns: ReaderColumn[] = [];

  constructor(reader: ReaderInstance, contract: Contract, isOfLetters: boolean) {
    this.#reader = reader;
    this.#isOfLetters = isOfLetters;
    this.#handle = reader.calls.newTable(leafCount(contract.fields) + OWN_COLUMNS_MAX);
    this.#arrayOfColumns = reader.calls.columnsOf(this.#handle);
    this.#addContract(contract);
  }

  #addContract(contract: Contract): void {
    const { calls } = this.#reader;
    const values = contract.fields.map((field) => {
      return this.#addValue(field, this.#isOfLetters || mayBeNull(field), mayBeNull(field), [field.name], 0, 0);
    });
    const root = this.#node(Kind.STRUCT, 0, false, 0, 0);
    this.#setFields(root, contract.fields, values);
    if (judgesRecords(contract)) calls.setJudgeAlone(root);
    calls.setRoot(this.#handle, root);
  }

  addPlace(): void {
    const source = this.addLeaf(TEXT, [OUR_COLUMNS.sourceFile], 0, 0, NUMBERED_ONLY);
    const position = this.addLeaf(LONG, [OUR_COLUMNS.sourcePosition], this.#isOfLetters ? 1 : 0, 0);
    this.#reader.calls.setPlaceColumns(this.#handle, source, position);
  }

  addLeaf(
    type: ContractType,
    path: readonly string[],
    maxDefinition: number,
    maxRepetition: number,
    choice = NUMBERED_OR_PLAIN,
  ): number {
    const { calls } = this.#reader;
    const kind = KINDS[type.kind];
    const shift = shiftOf(type), index = this.#columns.length;
    const handle = calls.newColumn(kind, shift, maxDefinition, maxRepetition, choice);
    calls.addColumn(this.#handle, handle);
    this.#columns.push({ path, kind, type, maxDefinition, maxRepetition, shift, index, handle });
    return handle;
  }

  end(): ReaderTable {
    return { handle: this.#handle, columns: this.#columns };
  }

  /**
   * The node of a value. `optional`: the column has a level for null. `nullable`: the record may
   * say null.
   */
  #addValue(
    value: ContractValue,
    optional: boolean,
    nullable: boolean,
    path: readonly string[],
    definition: number,
    repetition: number,
  ): number {
    const { calls } = this.#reader;
    const { type, checks } = value;
    const here = definition + (optional ? 1 : 0);
    const first = this.#columns.length;
    const kind = KINDS[type.kind];
    if (type.kind === "struct") {
      const values = type.fields.map((field) => {
        const mayLack = mayBeNull(field);
        return this.#addValue(field, mayLack, mayLack, [...path, field.name], here, repetition);
      });
      const node = this.#node(kind, first, nullable, here, repetition);
      this.#setFields(node, type.fields, values);
      if (judgesValues(value)) calls.setJudgeAlone(node);
      return node;
    }
    let column = 0, keys = 0, inner = 0, within = repetition;
    if (type.kind === "map") {
      within++;
      keys = this.addLeaf(TEXT, [...path, "key"], here + 1, within, NUMBERED_ONLY);
      inner = this.#addInner(type.value, [...path, "value"], here, within);
    } else if (type.kind === "list") {
      within++;
      inner = this.#addInner(type.element, [...path, "element"], here, within);
    } else {
      column = this.addLeaf(type, path, here, within);
    }
    const node = this.#node(kind, first, nullable, here, within);
    if (judgesValues(value)) calls.setJudgeAlone(node);
    if (type.kind === "string") {
      const { numbers, booleans, nested } = type.accepts;
      calls.setAccepted(node, numbers ? 1 : 0, booleans ? 1 : 0, nested ? 1 : 0);
    }
    if (type.kind === "decimal") calls.setDecimal(node, type.precision, type.scale);
    calls.setCheck(node, planCheck(this.#reader, type, checks));
    if (type.kind === "map") calls.setKeyCheck(node, planTextCheck(this.#reader, type.keys));
    calls.setInner(node, column, keys, inner);
    return node;
  }

  /** A map's value or a list's element. */
  #addInner(value: ContractValue, path: readonly string[], definition: number, repetition: number): number {
    return this.#addValue(value, value.nullable, value.nullable, path, definition + 1, repetition);
  }

  #node(kind: Kind, first: number, nullable: boolean, definition: number, repetition: number): number {
    const { calls } = this.#reader;
    const node = calls.newNode(kind, this.#arrayOfColumns, first, this.#columns.length);
    if (nullable) calls.setNullable(node);
    calls.setLevels(node, definition, repetition);
    return node;
  }

  #setFields(node: number, fields: readonly ContractField[], values: readonly number[]): void {
    const { calls } = this.#reader;
    calls.setFieldCount(node, fields.length);
    for (const [index, field] of fields.entries()) {
      const key = keyOf(field);
      const name = this.#reader.place(key), quoted = this.#reader.place(JSON.stringify(key));
      calls.setField(node, index, values[index]!, field.required ? 1 : 0);
      calls.setFieldName(node, index, name.at, name.length, quoted.at, quoted.length);
    }
  }
}

/** Leaves at any depth. */
function leafCount(fields: readonly ContractValue[]): number {
  return fields.reduce((count, { type }) => {
    if (type.kind === "struct") return count + leafCount(type.fields);
    if (type.kind === "map") return count + 1 + leafCount([type.value]);
    return count + (type.kind === "list" ? leafCount([type.element]) : 1);
  }, 0);
}

/** The width of a value of a leaf, as a power of two. */
function shiftOf(type: ContractType): number {
  switch (type.kind) {
    case "long":
    case "double":
    case "timestamptz":
    case "timestamp":
      return 3;
    case "uuid":
      return 4;
    case "decimal":
      return type.precision <= INT_DIGITS ? 2 : type.precision <= LONG_DIGITS ? 3 : 4;
    default:
      return 2;
  }
}

/** Digits that every integer of 32 and 64 bits has room for. */
const INT_DIGITS = 9, LONG_DIGITS = 18;
