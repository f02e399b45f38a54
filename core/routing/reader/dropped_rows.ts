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
  readonly #positions: ReadonlyMap<string, ReadonlySet<number>>;

  constructor(reader: ReaderInstance, table: ReaderTable, repeats: RepeatPositions) {
    this.#reader = reader;
    this.#table = table;
    this.#positions = new Map([...repeats].map(([file, positions]) => [file, new Set(positions)]));
  }

  /** Gives those rows the partition `partition`, which is no row's otherwise. */
  mark(partition: number): void {
    const { calls, bytes } = this.#reader;
    const rows = calls.rowsOf(this.#table.handle);
    const numbers = new Int32Array(calls.memory.buffer, calls.rowPartitionsOf(this.#table.handle), rows);
    const view = new DataView(bytes.buffer);
    const files = this.#columnOf(OUR_COLUMNS.sourceFile), places = this.#columnOf(OUR_COLUMNS.sourcePosition);
    const positions = calls.columnValues(places);
    const byPlace = new Map<number, ReadonlySet<number> | undefined>();
    for (let row = 0; row < rows; row++) {
      const place = calls.columnText(files, row);
      if (!byPlace.has(place)) byPlace.set(place, this.#positions.get(textAt(view, place)));
      if (!byPlace.get(place)?.has(Number(view.getBigInt64(positions + row * 8, true)))) continue;
      numbers[row] = partition;
      this.count++;
    }
  }

  #columnOf(name: string): number {
    return this.#table.columns.find(({ path }) => path.length === 1 && path[0] === name)!.handle;
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A text has its length before it. */
function textAt(view: DataView, place: number): string {
  return decoder.decode(new Uint8Array(view.buffer, place + 4, view.getUint32(place, true)));
}
