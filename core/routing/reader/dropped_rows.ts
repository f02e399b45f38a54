import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import type { RepeatPositions } from "../repeats.ts";
import type { ReaderTable } from "./column_plan.ts";
import type { ReaderInstance } from "./reader_instance.ts";

/** Marks the rows of events that repeat another one: they go to no file. */
export class DroppedRows {
  /** All that there have been. */
  count = 0;
  readonly #reader: ReaderInstance;
  readonly #table: ReaderTable;
  /** Of each file, a bit for each position: of upserts most of a batch may be dropped. */
  readonly #positions: ReadonlyMap<string, Uint32Array>;

  constructor(reader: ReaderInstance, table: ReaderTable, repeats: RepeatPositions) {
    this.#reader = reader;
    this.#table = table;
    this.#positions = new Map([...repeats].map(([file, positions]) => [file, bitsOf(positions)]));
  }

  /** Gives those rows the partition `partition`, which is no row's otherwise. */
  mark(partition: number): void {
    const { calls, bytes } = this.#reader;
    const rows = calls.rowsOf(this.#table.handle);
    const numbers = new Int32Array(calls.memory.buffer, calls.rowPartitionsOf(this.#table.handle), rows);
    const view = new DataView(bytes.buffer);
    const files = this.#columnOf(OUR_COLUMNS.sourceFile), places = this.#columnOf(OUR_COLUMNS.sourcePosition);
    const positions = calls.columnValues(places);
    const byPlace = new Map<number, Uint32Array | undefined>();
    for (let row = 0; row < rows; row++) {
      const place = calls.columnText(files, row);
      if (!byPlace.has(place)) byPlace.set(place, this.#positions.get(textAt(view, place)));
      const bits = byPlace.get(place);
      if (bits === undefined || !isIn(bits, Number(view.getBigInt64(positions + row * 8, true)))) continue;
      numbers[row] = partition;
      this.count++;
    }
  }

  #columnOf(name: string): number {
    return this.#table.columns.find(({ path }) => path.length === 1 && path[0] === name)!.handle;
  }
}

const BITS = 32;

/** `positions`: ascending. */
function bitsOf(positions: readonly number[]): Uint32Array {
  const bits = new Uint32Array(Math.floor((positions.at(-1) ?? 0) / BITS) + 1);
  for (const position of positions) {
    const word = Math.floor(position / BITS);
    bits[word] = (bits[word]! | 1 << position % BITS) >>> 0;
  }
  return bits;
}

function isIn(bits: Uint32Array, position: number): boolean {
  return ((bits[Math.floor(position / BITS)] ?? 0) >>> position % BITS & 1) === 1;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A text has its length before it. */
function textAt(view: DataView, place: number): string {
  return decoder.decode(new Uint8Array(view.buffer, place + 4, view.getUint32(place, true)));
}
