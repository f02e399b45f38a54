import { counted } from "../../base/counted.ts";
import { StreamlabError } from "../../base/errors.ts";
import { collectGarbage } from "../../base/garbage.ts";
import type { Contract } from "../../contract/contract.ts";
import { Judge } from "../../contract/judge.ts";
import { parseContract } from "../../contract/json_schema.ts";
import { keepsRescued } from "../../contract/rescued.ts";
import type { RepeatPositions } from "../repeats.ts";
import { expectRows, planEvents, planLetters, type ReaderTable } from "./column_plan.ts";
import { DroppedRows } from "./dropped_rows.ts";
import { FileReading, type FileReadingTools } from "./file_reading.ts";
import { eventFileFields, letterFileFields } from "./file_schema.ts";
import { InputRoom } from "./input_room.ts";
import { KeyCollector } from "./key_collector.ts";
import { LargeValues } from "./large_values.ts";
import { OddRecords } from "./odd_records.ts";
import { PendingFile } from "./pending_file.ts";
import { ReaderInstance } from "./reader_instance.ts";
import type { Reading, ReadResult, Survey, UnitTally, Work, WrittenEvents } from "./reading.ts";
import { RowWriter } from "./row_writer.ts";
import { surveyUnits } from "./survey.ts";
import { TableOutput, type TableOutputOptions } from "./table_output.ts";

/** Records between two reports. */
const REPORTED_RECORDS = 50_000;

/** Columns that were made for a contract and two tables; the next batch has the same, mostly. */
interface Columns {
  key: string;
  contract: Contract;
  events: ReaderTable;
  deadLetters: ReaderTable;
}

export interface ReaderStart {
  /** Tells the files of a thread from those of the others. */
  number: number;
  module: WebAssembly.Module;
  hashKey: Uint8Array;
}

/** Reads event files into data files: one thread's share of one batch after another. */
export class EventReader {
  readonly #start: ReaderStart;
  #reader: ReaderInstance | undefined;
  #columns: Columns | undefined;
  /** Of the last reading, where its events wait. */
  #held: { table: ReaderTable; output: TableOutput } | undefined;
  /** Whether the last reading took much more memory than most do. */
  #isOutgrown = false;

  constructor(start: ReaderStart) {
    this.#start = start;
  }

  get reader(): ReaderInstance {
    return this.#reader ??= new ReaderInstance(this.#start.module, this.#start.hashKey);
  }

  async run(work: Work, onRecords: (count: number) => void): Promise<ReadResult | WrittenEvents | Survey[]> {
    try {
      if (work.kind === "write") return this.#write(work.repeats);
      // What waits in the columns is of a batch that has failed.
      if (this.#held !== undefined) this.#reset();
      if (work.kind === "survey") return await surveyUnits(this.reader, work);
      const read = await this.read(work.reading, onRecords);
      if (this.#isOutgrown) this.#giveBack();
      return read;
    } catch (error) {
      // It broke off in the middle.
      this.#reset();
      throw error;
    }
  }

  /** The next batch makes anew what it needs: until then this one's commit may have the memory. */
  #giveBack(): void {
    this.#reset();
    this.#isOutgrown = false;
    collectGarbage();
  }

  #reset(): void {
    this.#reader = undefined;
    this.#columns = undefined;
    this.#held = undefined;
  }

  #write(repeats: RepeatPositions | undefined): WrittenEvents {
    if (this.#held === undefined) return { events: [], dropped: 0 };
    const { table, output } = this.#held;
    const dropped = repeats && new DroppedRows(this.reader, table, repeats);
    const events = output.finish(dropped);
    this.#held = undefined;
    return { events, dropped: dropped?.count ?? 0 };
  }

  /** Takes unit after unit until there are no more. */
  async read(reading: Reading, onRecords: (count: number) => void): Promise<ReadResult> {
    const { contract, events, deadLetters } = this.#columnsOf(reading);
    const dropped = reading.repeats && new DroppedRows(this.reader, events, reading.repeats);
    const keys = reading.keys && KeyCollector.create(this.reader, events, reading.keys);
    const files = this.#filesOf(reading, { contract, events, deadLetters }, { dropped, keys });
    const judge = new Judge(contract, reading.onExtraFields, reading.onWrongType);
    const rows = new RowWriter(this.reader, contract, events, deadLetters);
    const pending = new PendingFile(`${reading.folder}/pending-${this.#start.number}.ndjson`);
    const { limits, folder, held } = reading;
    const large = new LargeValues({ bytesMax: limits.largeBytes, held });
    const odd = new OddRecords(this.reader, judge, rows, {
      large,
      onExtraFields: reading.onExtraFields,
      onWrongType: reading.onWrongType,
      onPending: (position, raw, event) => pending.add(position, raw, event),
    });
    const input = new InputRoom(this.reader);
    try {
      const unit = new FileReading({
        onEmpty: reading.onEmpty,
        reader: this.reader,
        input,
        judge,
        rows,
        odd,
        files,
        pending,
        large,
        limits,
        folder,
      });
      const { units, tallies } = await this.#readUnits(reading, unit, onRecords);
      const isHeld = reading.holds === true && files.events.hold();
      if (isHeld) this.#held = { table: events, output: files.events };
      else this.#isOutgrown = files.events.hasHeldMore;
      return {
        units,
        tallies,
        misnamed: unit.misnamed,
        events: isHeld ? [] : files.events.finish(),
        isHeld,
        deadLetters: files.deadLetters.finish(),
        dropped: dropped?.count ?? 0,
        reasons: rows.reasons,
        ...pending.close(),
        keys: keys?.end(),
      };
    } finally {
      files.events.abandon();
      files.deadLetters.abandon();
      rows.close();
      odd.close();
      input.close();
    }
  }

  async #readUnits(
    { units, next, batchId }: Reading,
    files: FileReading,
    onRecords: (count: number) => void,
  ): Promise<Pick<ReadResult, "units" | "tallies">> {
    const numbers = new Int32Array(next);
    const tallies: UnitTally[] = [];
    let read = 0, unreported = 0;
    for (;;) {
      const unit = units[Atomics.add(numbers, 0, 1)];
      if (unit === undefined) break;
      read++;
      if (unit.how === "pending") {
        for (const [number, events] of await files.readPending(unit)) {
          tallies.push({ number, records: 0, events, deadLetters: 0 });
        }
        continue;
      }
      const tally = await files.read(unit);
      const { records, events, deadLetters, pending } = tally;
      const isWhole = unit.how === "broken" || (records === 0 && deadLetters === 1);
      const rows = events + deadLetters + pending;
      if (!isWhole && (records !== rows || records !== (unit.records ?? records))) {
        throw new StreamlabError(
          "internal",
          `Cannot account for every record of batch ${batchId}: ${unit.name} has ` +
            `${counted(unit.records ?? records, "record")}, but ${counted(rows, "row")} came of it`,
        );
      }
      tallies.push({ number: unit.number, records, events, deadLetters });
      unreported += records;
      if (unreported >= REPORTED_RECORDS) {
        onRecords(unreported);
        unreported = 0;
      }
    }
    onRecords(unreported);
    return { units: read, tallies };
  }

  #filesOf(
    reading: Reading,
    { contract, events, deadLetters }: Omit<Columns, "key">,
    rowsSeen: Pick<TableOutputOptions, "dropped" | "keys">,
  ): FileReadingTools["files"] {
    const { folder, limits } = reading;
    const nextPath = (kind: string) => {
      let files = 0;
      return () => `${folder}/${kind}-${this.#start.number}-${files++}.parquet`;
    };
    return {
      events: new TableOutput(this.reader, {
        table: reading.events,
        fields: eventFileFields(contract, reading.events, keepsRescued(reading)),
        columns: events,
        constants: reading,
        limits,
        ...rowsSeen,
        nextPath: nextPath("events"),
      }),
      deadLetters: new TableOutput(this.reader, {
        table: reading.deadLetters,
        fields: letterFileFields(contract, reading.deadLetters),
        columns: deadLetters,
        constants: reading,
        limits,
        nextPath: nextPath("letters"),
      }),
    };
  }

  #columnsOf(reading: Reading): Columns {
    const { contract: text, onExtraFields, onWrongType, events, deadLetters } = reading;
    const key = JSON.stringify([text, onExtraFields, onWrongType, events.written, deadLetters.written]);
    if (this.#columns?.key === key) return this.#columns;
    this.#reset();
    const contract = parseContract(text);
    expectRows(this.reader, contract, reading);
    return this.#columns = {
      key,
      contract,
      events: planEvents(this.reader, contract, reading),
      deadLetters: planLetters(this.reader, contract),
    };
  }
}
