import { civilFromDay } from "../../base/calendar.ts";
import { type PartitionColumn, partitionColumns } from "../../iceberg/format/partition_spec.ts";
import type { ContractType } from "../../contract/contract.ts";
import { fieldsById } from "../../iceberg/format/schema.ts";
import { uuidFromBytes, type Value } from "../../iceberg/format/single_value.ts";
import { applyTransform } from "../../iceberg/format/transform.ts";
import { partitionText } from "../../tables/write/partition_text.ts";
import type { TargetTable } from "../../tables/write/target_table.ts";
import { Kind } from "../assembly/kind.ts";
import type { ReaderColumn, ReaderTable } from "./column_plan.ts";
import type { ReaderCalls } from "./reader_calls.ts";
import type { ReaderInstance } from "./reader_instance.ts";
import { type BatchConstants, constantOf } from "./batch_constants.ts";

const MICROS_PER_DAY = 86_400_000_000n;
const MICROS_PER_HOUR = 3_600_000_000n;
/** Values whose partitions are remembered: of most columns these are all. */
const REMEMBERED_MAX = 100_000;
/** What two numbers of partitions are joined with: neither is ever so large. */
const JOINED_BY = 2 ** 26;

/** Numbers the partitions of a table's rows, as they lie in the reader's memory. */
export class RowPartitions {
  readonly #reader: ReaderInstance;
  readonly #table: number;
  readonly #keys: PartitionKeys[];
  /** Of partitions by more than one field: pairs of numbers, by field. */
  readonly #joined: Map<number, number>[];
  /** What such a pair stands for: the printed values up to that field. */
  readonly #joinedValues: (string | null)[][][];
  /** The printed values of each partition, by its number. */
  readonly #values: (string | null)[][];

  constructor(reader: ReaderInstance, columns: ReaderTable, constants: BatchConstants, table: TargetTable) {
    this.#reader = reader;
    this.#table = columns.handle;
    const fields = fieldsById(table.schema);
    const namesTo = (id: number | undefined): string[] => {
      const found = id === undefined ? undefined : fields.get(id);
      return found === undefined ? [] : [...namesTo(found.parentId), found.field.name];
    };
    this.#keys = partitionColumns(table.spec, [table.schema]).map((part) => {
      const path = namesTo(part.field.sourceId);
      const column = columns.columns.find((each) => samePath(each.path, path));
      return new PartitionKeys(part, constantOf(path, constants) ?? column);
    });
    this.#joined = this.#keys.map(() => new Map());
    this.#joinedValues = this.#keys.map(() => []);
    this.#values = this.#joinedValues.at(-1) ?? [[]];
  }

  /** Gives every row the number of its partition; returns how many there have been so far. */
  number(): number {
    const { calls } = this.#reader;
    const at = calls.rowPartitionsOf(this.#table);
    if (this.#keys.length === 0) this.#listAt(at, calls.rowsOf(this.#table)).fill(0);
    for (let field = 0; field < this.#keys.length; field++) {
      if (field === 0) this.#begin(at);
      else this.#join(field, at);
    }
    return this.#values.length;
  }

  /** A list of a number for each row, in the reader's memory. */
  #listAt(at: number, rows: number): Int32Array {
    return new Int32Array(this.#reader.calls.memory.buffer, at, rows);
  }

  /** The values of a partition, printed as `partitionValue` reads them. */
  valuesOf(partition: number): (string | null)[] {
    return this.#values[partition]!;
  }

  #begin(at: number): void {
    const first = this.#keys[0]!;
    first.number(this.#reader, this.#table, at);
    const values = this.#joinedValues[0]!;
    while (values.length < first.texts.length) values.push([first.texts[values.length]!]);
  }

  #join(field: number, at: number): void {
    const keys = this.#keys[field]!, joined = this.#joined[field]!;
    const before = this.#joinedValues[field - 1]!, values = this.#joinedValues[field]!;
    const { calls } = this.#reader;
    const rows = calls.rowsOf(this.#table), bytes = rows * Int32Array.BYTES_PER_ELEMENT, ownAt = calls.alloc(bytes);
    keys.number(this.#reader, this.#table, ownAt);
    const numbers = this.#listAt(at, rows), own = this.#listAt(ownAt, rows);
    for (let row = 0; row < own.length; row++) {
      const pair = numbers[row]! * JOINED_BY + own[row]!;
      let number = joined.get(pair);
      if (number === undefined) {
        joined.set(pair, number = joined.size);
        values.push([...before[numbers[row]!]!, keys.texts[own[row]!]!]);
      }
      numbers[row] = number;
    }
    calls.dealloc(ownAt, bytes);
  }
}

/** The values of one partition field, each with a number. */
class PartitionKeys {
  /** Printed, by their numbers. */
  readonly texts: (string | null)[] = [];
  readonly #numbers = new Map<string | null, number>();
  /** By the value in the column: a number, or a text. */
  readonly #remembered = new Map<number | bigint | string, number>();
  readonly #part: PartitionColumn;
  /** A column of the reader's, or the one value of all rows. */
  readonly #source: ReaderColumn | bigint | undefined;

  constructor(part: PartitionColumn, source: ReaderColumn | bigint | undefined) {
    this.#part = part;
    this.#source = source;
  }

  /** Writes the number of each row's value to the list at this address. */
  number(reader: ReaderInstance, table: number, at: number): void {
    const { calls } = reader;
    const source = this.#source, { name } = this.#part.field.transform;
    const rows = calls.rowsOf(table);
    const list = () => new Int32Array(calls.memory.buffer, at, rows);
    // A column that rows do not have (any more) is null in all of them.
    if (source === undefined || name === "void") list().fill(this.#keyOf(null));
    else if (typeof source === "bigint") list().fill(this.#keyOf(source));
    else if (source.kind === Kind.INSTANT && name !== "identity" && name !== "bucket") {
      this.#numberUnits(source, calls, table, at);
    } else {
      const { handle, maxDefinition } = source;
      const none = maxDefinition > 0 ? this.#keyOf(null) : 0;
      const keyAt = this.#keysIn(source, reader), numbers = list();
      for (let row = 0; row < rows; row++) {
        const isNull = maxDefinition > 0 && calls.columnLevel(handle, row) < maxDefinition;
        numbers[row] = isNull ? none : keyAt(row);
      }
    }
  }

  /** By the days or hours of instants: far fewer of these are different. */
  #numberUnits({ handle, maxDefinition }: ReaderColumn, calls: ReaderCalls, table: number, at: number): void {
    const micros = this.#part.field.transform.name === "hour" ? MICROS_PER_HOUR : MICROS_PER_DAY;
    const none = maxDefinition > 0 ? this.#keyOf(null) : 0;
    const rows = calls.rowsOf(table);
    calls.forgetUnits();
    for (let row = 0; (row = calls.numberUnits(table, handle, at, row, micros, none)) < rows;) {
      const count = Number(calls.missingUnit());
      calls.keepUnitNumber(this.#remembered.get(count) ?? this.#unitKey(count));
    }
  }

  #keysIn({ handle, kind, type }: ReaderColumn, reader: ReaderInstance): (row: number) => number {
    const { calls } = reader;
    const values = calls.columnValues(handle);
    const { bytes } = reader;
    const view = new DataView(bytes.buffer);
    const isLong = this.#part.source.type === "long";
    switch (kind) {
      case Kind.STRING:
        return this.#textKeys(handle, calls, bytes);
      case Kind.INSTANT:
      case Kind.LONG:
        return (row) => this.#remember(view.getBigInt64(values + row * 8, true));
      case Kind.DOUBLE:
        return (row) => this.#remember(view.getFloat64(values + row * 8, true));
      case Kind.FLOAT:
        return (row) => this.#remember(view.getFloat32(values + row * 4, true));
      case Kind.BOOLEAN:
        return (row) => this.#keyOf(view.getInt32(values + row * 4, true) !== 0);
      case Kind.UUID:
        return (row) => this.#remember(uuidFromBytes(bytes.subarray(values + row * 16, values + row * 16 + 16)));
      case Kind.DECIMAL:
        return this.#decimalKeys(type, view, values);
      default:
        // A column of ints may be one of longs in the table by now.
        return (row) => {
          const value = view.getInt32(values + row * 4, true);
          return this.#remember(isLong ? BigInt(value) : value);
        };
    }
  }

  #decimalKeys(type: ContractType, view: DataView, values: number): (row: number) => number {
    const precision = type.kind === "decimal" ? type.precision : 0;
    if (precision <= 9) return (row) => this.#remember(BigInt(view.getInt32(values + row * 4, true)));
    if (precision <= 18) return (row) => this.#remember(view.getBigInt64(values + row * 8, true));
    return (row) => {
      const at = values + row * 16;
      return this.#remember(view.getBigInt64(at + 8, true) << 64n | view.getBigUint64(at, true));
    };
  }

  #unitKey(count: number): number {
    const { name } = this.#part.field.transform;
    let text = String(count);
    if (name === "month" || name === "year") {
      const { year, month } = civilFromDay(count);
      text = String(name === "year" ? year - 1970 : (year - 1970) * 12 + month - 1);
    }
    const key = this.#numberOf(text);
    this.#remembered.set(count, key);
    return key;
  }

  /** Equal texts stand at one place, mostly. */
  #textKeys(handle: number, calls: ReaderCalls, bytes: Uint8Array): (row: number) => number {
    const view = new DataView(bytes.buffer);
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const byPlace = new Map<number, number>();
    return (row) => {
      const place = calls.columnText(handle, row);
      let key = byPlace.get(place);
      if (key === undefined) {
        const text = decoder.decode(bytes.subarray(place + 4, place + 4 + view.getUint32(place, true)));
        byPlace.set(place, key = this.#remember(text));
      }
      return key;
    };
  }

  #remember(value: number | bigint | string): number {
    // A map takes -0 for 0, and they are two partitions.
    const known = Object.is(value, -0) ? undefined : this.#remembered.get(value);
    if (known !== undefined) return known;
    const key = this.#keyOf(value);
    if (this.#remembered.size < REMEMBERED_MAX && !Object.is(value, -0)) this.#remembered.set(value, key);
    return key;
  }

  #keyOf(value: Value | null): number {
    const { field, source } = this.#part;
    return this.#numberOf(partitionText(this.#part, applyTransform(field.transform, source, value)));
  }

  #numberOf(text: string | null): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.texts.length;
      this.texts.push(text);
      this.#numbers.set(text, number);
    }
    return number;
  }
}

function samePath(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, at) => name === b[at]);
}
