import { Kind } from "../../../core/routing/assembly/kind.ts";
import type { ReaderColumn, ReaderTable } from "../../../core/routing/reader/column_plan.ts";
import type { ReaderInstance } from "../../../core/routing/reader/reader_instance.ts";
import { type Contract, type ContractType, type ContractValue, mayBeNull } from "../../../core/contract/contract.ts";
import { exactNumber, plainText } from "../../../core/json/number.ts";
import type { Row, ValueTree } from "../../../core/contract/judgement.ts";

/** The rows that wait in the reader's memory, put together as the judge would have them. */
export function readRows(reader: ReaderInstance, table: ReaderTable, contract: Contract): Row[] {
  return new ColumnsBack(reader, table).rows(contract);
}

class ColumnsBack {
  readonly #reader: ReaderInstance;
  readonly #table: ReaderTable;
  readonly #cursors: number[];
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #leaf = 0;
  #row = 0;

  constructor(reader: ReaderInstance, table: ReaderTable) {
    this.#reader = reader;
    this.#table = table;
    this.#cursors = table.columns.map(() => 0);
  }

  rows(contract: Contract): Row[] {
    const rows: Row[] = [];
    for (; this.#row < this.#reader.calls.rowsOf(this.#table.handle); this.#row++) {
      this.#leaf = 0;
      const values = contract.fields.map((field) => {
        return [field.name, this.#value(field, mayBeNull(field) || this.#isOfLetters(), 0, 0)];
      });
      const rescued = this.#rescued();
      rows.push(Object.fromEntries(rescued === undefined ? values : [...values, ["_rescued", rescued]]));
    }
    return rows;
  }

  /** The row's extra fields; undefined where the table does not keep them. */
  #rescued(): string | null | undefined {
    if (this.#column(this.#leaf)?.path[0] !== "_rescued") return undefined;
    if (this.#level(this.#leaf) > 0) return this.#scalar();
    this.#cursors[this.#leaf]!++;
    return null;
  }

  #isOfLetters(): boolean {
    return this.#table.columns.some(({ path }) => path[0] === "_raw_record");
  }

  /** Reads what stands at the cursors of the leaves from `#leaf` on, and moves behind them. */
  #value({ type }: ContractValue, optional: boolean, definition: number, repetition: number): ValueTree {
    const here = definition + (optional ? 1 : 0), first = this.#leaf;
    const found = this.#level(first) & 0xff;
    if (found < here) return this.#pass(type, null);
    switch (type.kind) {
      case "struct": {
        const values = type.fields.map((field) => {
          return [field.name, this.#value(field, mayBeNull(field), here, repetition)] as const;
        });
        return Object.fromEntries(values);
      }
      case "map": {
        if (found === here) return this.#pass(type, Object.create(null));
        const map: { [key: string]: ValueTree } = Object.create(null);
        this.#repeat(first, repetition + 1, () => {
          const key = this.#scalar();
          map[key] = this.#value(type.value, type.value.nullable, here + 1, repetition + 1);
        });
        return map;
      }
      case "list": {
        if (found === here) return this.#pass(type, []);
        const list: ValueTree[] = [];
        this.#repeat(first, repetition + 1, () => {
          list.push(this.#value(type.element, type.element.nullable, here + 1, repetition + 1));
        });
        return list;
      }
      default:
        return this.#scalar();
    }
  }

  #repeat(first: number, repetition: number, read: () => void): void {
    do {
      this.#leaf = first;
      read();
    } while (!this.#endsRow(first) && this.#level(first) >> 8 === repetition);
  }

  #endsRow(leaf: number): boolean {
    const end = this.#reader.calls.columnSlots(this.#column(leaf).handle, this.#row + 1);
    return this.#cursors[leaf]! >= end;
  }

  #column(leaf: number): ReaderColumn {
    return this.#table.columns[leaf]!;
  }

  #level(leaf: number): number {
    return this.#reader.calls.columnLevel(this.#column(leaf).handle, this.#cursors[leaf]!);
  }

  /** Moves behind a null, or an empty list or map. */
  #pass(type: ContractType, value: ValueTree): ValueTree {
    for (let count = leaves(type); count > 0; count--) this.#cursors[this.#leaf++]!++;
    return value;
  }

  #scalar(): string {
    const column = this.#column(this.#leaf);
    const slot = this.#cursors[this.#leaf++]!++;
    const { calls } = this.#reader;
    const view = new DataView(calls.memory.buffer);
    const values = calls.columnValues(column.handle);
    switch (column.kind) {
      case Kind.STRING: {
        const at = calls.columnText(column.handle, slot);
        return this.#decoder.decode(new Uint8Array(view.buffer, at + 4, view.getUint32(at, true)));
      }
      case Kind.INT:
        return String(view.getInt32(values + slot * 4, true));
      case Kind.LONG:
        return String(view.getBigInt64(values + slot * 8, true));
      case Kind.FLOAT:
        return numberText(view.getFloat32(values + slot * 4, true));
      case Kind.UUID:
        return uuidText(new Uint8Array(view.buffer, values + slot * 16, 16));
      case Kind.DECIMAL:
        return decimalText(column, view, values + (slot << column.shift));
      case Kind.DOUBLE:
        return numberText(view.getFloat64(values + slot * 8, true));
      case Kind.BOOLEAN:
        return String(view.getInt32(values + slot * 4, true) === 1);
      case Kind.DATE:
        return dayText(view.getInt32(values + slot * 4, true));
      case Kind.INSTANT: {
        const text = instantText(view.getBigInt64(values + slot * 8, true));
        return column.type.kind === "timestamp" ? text.slice(0, -1) : text;
      }
      default:
        throw new Error(`no value of kind ${column.kind}`);
    }
  }
}

function leaves(type: ContractType): number {
  switch (type.kind) {
    case "struct":
      return type.fields.reduce((sum, field) => sum + leaves(field.type), 0);
    case "map":
      return 1 + leaves(type.value.type);
    case "list":
      return leaves(type.element.type);
    default:
      return 1;
  }
}

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function uuidText(bytes: Uint8Array): string {
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function decimalText({ type, shift }: ReaderColumn, view: DataView, at: number): string {
  const low = shift === 2 ? BigInt(view.getInt32(at, true)) : view.getBigInt64(at, true);
  const unscaled = shift === 4 ? (view.getBigInt64(at + 8, true) << 64n) | BigInt.asUintN(64, low) : low;
  const { scale } = type as { scale: number };
  return plainText(exactNumber(`${unscaled}e-${scale}`));
}

function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().replace(/^[+-]00/, "").slice(0, 10);
}

function instantText(micros: bigint): string {
  const inMilli = ((micros % 1000n) + 1000n) % 1000n;
  const millis = Number((micros - inMilli) / 1000n);
  return new Date(millis).toISOString().replace("Z", `${String(inMilli).padStart(3, "0")}Z`);
}
