import { Md5 } from "../../base/md5.ts";
import { uuidFromBytes } from "../../iceberg/format/single_value.ts";
import type { ContractType } from "../../contract/contract.ts";
import type { DedupeRule } from "../../lake/dedupe_rule.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { Kind } from "../assembly/kind.ts";
import { BATCH_KEYS_MAX, type EventKeys, joinKeys, KEY_WORDS, type KeyRule } from "../repeats/event_keys.ts";
import type { ReaderColumn, ReaderTable } from "./column_plan.ts";
import type { ReaderInstance } from "./reader_instance.ts";

/** What a message grows by. */
const MESSAGE_BYTES = 256;

/** Writes the text of a row's value, as DuckDB casts it; returns its bytes. */
type Write = (row: number, to: Message, at: number) => number;

/** The keys of a thread's events, taken from the reader's columns before these become files. */
export class KeyCollector {
  readonly #reader: ReaderInstance;
  readonly #table: ReaderTable;
  readonly #by: readonly ReaderColumn[];
  readonly #at: ReaderColumn;
  readonly #message: Message;
  readonly #md5 = new Md5();
  readonly #parts: EventKeys[] = [];
  #rows = 0;

  private constructor(
    reader: ReaderInstance,
    table: ReaderTable,
    by: readonly ReaderColumn[],
    at: ReaderColumn,
    secret: string,
  ) {
    this.#reader = reader;
    this.#table = table;
    this.#by = by;
    this.#at = at;
    this.#message = new Message(secret);
  }

  /** Undefined where keys cannot be collected. */
  static create(reader: ReaderInstance, table: ReaderTable, { rule, secret }: KeyRule): KeyCollector | undefined {
    const columnOf = (name: string) => table.columns.find(({ path }) => path.length === 1 && path[0] === name);
    if (!canCollectKeys(rule, (name) => columnOf(name)?.type.kind)) return undefined;
    return new KeyCollector(reader, table, rule.by.map((name) => columnOf(name)!), columnOf(rule.at)!, secret);
  }

  /** Undefined where they are too many. */
  end(): EventKeys | undefined {
    if (this.#rows > BATCH_KEYS_MAX) return undefined;
    return joinKeys(this.#parts);
  }

  /** Takes the rows that are in the columns. */
  take(): void {
    const { calls, bytes } = this.#reader;
    const rows = calls.rowsOf(this.#table.handle);
    this.#rows += rows;
    if (this.#rows > BATCH_KEYS_MAX) {
      this.#parts.length = 0;
      return;
    }
    const view = new DataView(bytes.buffer);
    const keys = {
      files: [] as string[],
      fileOf: new Uint32Array(rows),
      positions: new Float64Array(rows),
      numbers: new Uint32Array(rows * KEY_WORDS),
      times: new BigInt64Array(rows),
    };
    const fileAt = this.#filesOf(view, keys.files);
    const columns = [this.#at, ...this.#by].filter(({ maxDefinition }) => maxDefinition > 0);
    const writes = this.#by.map((column) => this.#writeOf(column, view));
    const times = calls.columnValues(this.#at.handle);
    const positions = calls.columnValues(this.#columnOf(OUR_COLUMNS.sourcePosition));
    let count = 0;
    for (let row = 0; row < rows; row++) {
      if (columns.some(({ handle, maxDefinition }) => calls.columnLevel(handle, row) < maxDefinition)) continue;
      this.#number(row, writes, keys.numbers, count * KEY_WORDS);
      keys.times[count] = view.getBigInt64(times + row * 8, true);
      keys.positions[count] = Number(view.getBigInt64(positions + row * 8, true));
      keys.fileOf[count] = fileAt(row);
      count++;
    }
    this.#parts.push({
      files: keys.files,
      fileOf: keys.fileOf.slice(0, count),
      positions: keys.positions.slice(0, count),
      numbers: keys.numbers.slice(0, count * KEY_WORDS),
      times: keys.times.slice(0, count),
    });
  }

  /** The same number that `keyNumberSql` has. */
  #number(row: number, writes: readonly Write[], numbers: Uint32Array, at: number): void {
    const message = this.#message;
    message.begin();
    for (const write of writes) message.addPart(row, write);
    this.#md5.of(message.bytes, message.length);
    const { digest } = this.#md5;
    for (let word = 0; word < KEY_WORDS; word++) numbers[at + word] = digest[word]!;
  }

  /** Each row's index in `files`, which grows by what it meets. */
  #filesOf(view: DataView, files: string[]): (row: number) => number {
    const { calls } = this.#reader;
    const handle = this.#columnOf(OUR_COLUMNS.sourceFile);
    const byPlace = new Map<number, number>(), byName = new Map<string, number>();
    return (row) => {
      const place = calls.columnText(handle, row);
      let index = byPlace.get(place);
      if (index === undefined) {
        const name = decoder.decode(new Uint8Array(view.buffer, place + 4, view.getUint32(place, true)));
        index = byName.get(name) ?? files.push(name) - 1;
        byName.set(name, index);
        byPlace.set(place, index);
      }
      return index;
    };
  }

  #writeOf({ handle, kind }: ReaderColumn, view: DataView): Write {
    const { calls, bytes } = this.#reader;
    if (kind === Kind.STRING) {
      return (row, to, at) => {
        const place = calls.columnText(handle, row), length = view.getUint32(place, true);
        to.room(at + length);
        for (let byte = 0; byte < length; byte++) to.bytes[at + byte] = bytes[place + 4 + byte]!;
        return length;
      };
    }
    const values = calls.columnValues(handle);
    const textOf = (row: number): string => {
      if (kind === Kind.LONG) return view.getBigInt64(values + row * 8, true).toString();
      if (kind === Kind.UUID) return uuidFromBytes(bytes.subarray(values + row * 16, values + row * 16 + 16));
      const value = view.getInt32(values + row * 4, true);
      return kind === Kind.BOOLEAN ? String(value !== 0) : String(value);
    };
    return (row, to, at) => to.putAscii(textOf(row), at);
  }

  #columnOf(name: string): number {
    return this.#table.columns.find(({ path }) => path.length === 1 && path[0] === name)!.handle;
  }
}

type ColumnKind = ContractType["kind"] | undefined;

const PLAIN_KINDS: ReadonlySet<ColumnKind> = new Set(["string", "int", "long", "boolean", "uuid"]);
const TIME_KINDS: ReadonlySet<ColumnKind> = new Set(["timestamptz", "timestamp"]);

/** Not where only DuckDB knows how it casts a column to text. */
export function canCollectKeys({ by, at }: DedupeRule, kindOf: (column: string) => ColumnKind): boolean {
  return TIME_KINDS.has(kindOf(at)) && by.every((column) => PLAIN_KINDS.has(kindOf(column)));
}

/** The text that a key's number is made of: the secret, then each part behind its length. */
class Message {
  bytes = new Uint8Array(MESSAGE_BYTES);
  length = 0;
  readonly #secretLength: number;

  constructor(secret: string) {
    this.#secretLength = this.putAscii(secret, 0);
  }

  begin(): void {
    this.length = this.#secretLength;
  }

  addPart(row: number, write: Write): void {
    // Its length comes first, and is known afterwards: a length of two digits is the usual one.
    const begin = this.length;
    const length = write(row, this, begin + USUAL_HEAD);
    const head = `${length}:`;
    this.room(begin + head.length + length);
    if (head.length !== USUAL_HEAD) {
      this.bytes.copyWithin(begin + head.length, begin + USUAL_HEAD, begin + USUAL_HEAD + length);
    }
    this.putAscii(head, begin);
    this.length = begin + head.length + length;
  }

  putAscii(text: string, at: number): number {
    this.room(at + text.length);
    for (let char = 0; char < text.length; char++) this.bytes[at + char] = text.charCodeAt(char);
    return text.length;
  }

  /** Makes sure of so many bytes. */
  room(bytes: number): void {
    if (bytes <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(bytes, this.bytes.length * 2));
    grown.set(this.bytes);
    this.bytes = grown;
  }
}

/** Of two digits and a colon. */
const USUAL_HEAD = 3;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
