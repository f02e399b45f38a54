import { counted } from "../../base/counted.ts";
import { StreamlabError } from "../../base/errors.ts";
import type { Contract, DeadLetterReason } from "../../contract/contract.ts";
import { type LeftOut, widenContract } from "../../contract/extra_columns.ts";
import type { WrittenFile } from "../../engine/copy.ts";
import { SqlError } from "../../engine/sql_error.ts";
import type { JsonPath } from "../../json/pointer.ts";
import type { Misnamed } from "../../lake/routing_task.ts";
import type { TargetTable } from "../../tables/write/target_table.ts";
import type { BrokenFile, LocalRawFile } from "../raw_file.ts";
import type { RouteOptions } from "../route_options.ts";
import { pathMembers, typeOfKey } from "../path_columns.ts";
import { type EventKeys, joinKeys } from "../repeats/event_keys.ts";
import type { RepeatPositions } from "../repeats.ts";
import { bySize, bytesOf, counter, piecesOf, surveyUnits, unitOf, type UnitRules } from "./file_units.ts";
import { frameRows } from "./framed_rows.ts";
import {
  compareExtraPaths,
  type ExtraPath,
  type Reading,
  type ReadResult,
  type ReadUnit,
  type UnitTally,
  type WrittenEvents,
} from "./reading.ts";

/** Of rows of Parquet files, written out, that wait in scratch. */
const FRAMED_BYTES_MAX = 1 << 30;

/** What became of files: the rows are in data files in scratch. */
export interface ReadFiles {
  /** The contract, perhaps with columns that `add` found. */
  contract: Contract;
  events: { table: TargetTable; written: WrittenFile[] };
  deadLetters: { table: TargetTable; written: WrittenFile[] };
  leftOut: LeftOut;
  /** Dead letters by reason. */
  reasons: ReadonlyMap<DeadLetterReason, number>;
  /** By the files' numbers. */
  tallies: Map<number, UnitTally>;
  /** What files were read as, where their names say something else. */
  misnamed: Misnamed[];
  /** Of the events, where they were asked for, and could be had. */
  keys: EventKeys | undefined;
  /** What was left out already; undefined where that is still to be decided. */
  repeats: RepeatPositions | undefined;
}

/**
 * Sends every record of the files to one of the two tables, and checks by count that none was lost
 * or doubled. The data files are in scratch; no table has changed.
 */
export async function readFiles(
  files: readonly LocalRawFile[],
  broken: readonly BrokenFile[],
  options: RouteOptions,
): Promise<ReadFiles> {
  const run = new ReadRun(options);
  const { parquet = [], text = [] } = Object.groupBy(files, ({ format }) => format === "parquet" ? format : "text");
  run.add(await run.unitsOf(text));
  run.add(broken.map(brokenUnit));
  await run.read();
  run.add(await run.unitsOf(run.takeMisnamed(text), { isFound: true }));
  if (parquet.length > 0) await addParquet(parquet, run, options);
  return await run.end();
}

/** The same for records that were written out in frames. */
export async function readFrames(units: readonly ReadUnit[], options: RouteOptions): Promise<ReadFiles> {
  const run = new ReadRun(options);
  run.add(units);
  return await run.end();
}

async function addParquet(files: readonly LocalRawFile[], run: ReadRun, options: RouteOptions): Promise<void> {
  const connection = await options.connect();
  try {
    for (const file of files) {
      const path = options.scratch.path(`rows-${file.number}`);
      run.add(await frameRows(connection, file, path, run.membersOf(file)));
      if (run.waitingBytes > FRAMED_BYTES_MAX) await run.read();
    }
  } catch (error) {
    throw error instanceof SqlError ? error.during(`Cannot route batch ${options.batchId}`) : error;
  } finally {
    connection.close();
  }
}

class ReadRun {
  readonly #options: RouteOptions;
  readonly #results: ReadResult[] = [];
  /** The results of threads that hold their events. */
  #holding: ReadResult[] = [];
  readonly #misnamed: Misnamed[] = [];
  #waiting: ReadUnit[] = [];
  #readings = 0;
  /** The most that one reading had. */
  #bytes = 0;

  constructor(options: RouteOptions) {
    this.#options = options;
  }

  async unitsOf(files: readonly LocalRawFile[], how: Pick<ReadUnit, "isFound"> = {}): Promise<ReadUnit[]> {
    const { cut = [], whole = [] } = Object.groupBy(files, ({ pieces }) => pieces === undefined ? "whole" : "cut");
    const units = whole.map((file) => ({ ...unitOf(file, this.#rules), ...how }));
    const surveyed = await surveyUnits(units, { ...this.#options, beforehand: () => this.#write() });
    return [...cut.flatMap((file) => piecesOf(file, this.#rules)), ...surveyed];
  }

  get #rules(): UnitRules {
    const { recordsAt, onEmpty, judgesAll } = this.#options;
    return { recordsAt, onEmpty, judgesAll, membersOf: (file) => this.membersOf(file) };
  }

  /** What the file's path says of its records. */
  membersOf({ name }: LocalRawFile): string {
    const { pathColumns = [], contract } = this.#options;
    return pathMembers(name, pathColumns, typeOfKey(contract.fields));
  }

  add(units: readonly ReadUnit[]): void {
    this.#waiting.push(...units);
  }

  /** Files that the readings so far have left, with what their first bytes say. */
  takeMisnamed(files: readonly LocalRawFile[]): LocalRawFile[] {
    return this.#results.flatMap(({ misnamed }) => misnamed).map(({ number, found }) => {
      const { packed: _packed, ...file } = files.find((each) => each.number === number)!;
      this.#misnamed.push({ name: file.name, found });
      return found === "not compressed" ? file : { ...file, packed: found };
    });
  }

  get waitingBytes(): number {
    return this.#waiting.reduce((sum, { how, size }) => how === "rows" ? sum + size : sum, 0);
  }

  /** Reads what has been added since the last time. */
  async read(): Promise<void> {
    const units = this.#waiting;
    this.#waiting = [];
    if (units.length === 0) return;
    const { contract, onExtraFields, onWrongType, onEmpty, tablesFor, scratch } = this.#options;
    const rules = { contract: contract.text, onExtraFields, onWrongType, onEmpty };
    this.#results.push(...await this.#run(units, { ...rules, ...tablesFor(contract) }));
    for (const path of new Set(units.filter(({ how }) => how === "rows").map((unit) => unit.path))) {
      scratch.removeFile(path);
    }
  }

  async end(): Promise<ReadFiles> {
    await this.read();
    const { contract, onWrongType, room, tablesFor } = this.#options;
    const results = this.#results;
    const paths = inOrder(results.flatMap(({ extraPaths }) => extraPaths));
    const { contract: widened, clashing, beyond } = widenContract(contract, paths, room);
    const tables = tablesFor(widened);
    const pending = results.flatMap((result) => result.pending ?? []).map(pendingUnit);
    if (pending.length > 0) {
      const rules = { contract: widened.text, onExtraFields: "rescue", onWrongType } as const;
      results.push(...await this.#run(pending, { ...rules, ...tables }));
    }
    const tallies = tallyFiles(results);
    const keys = keysOf(results);
    const repeats = await this.#decide(keys);
    this.#checkCounts(results, tallies, repeats ?? this.#options.repeats);
    return {
      contract: widened,
      leftOut: { clashing, beyond },
      events: { table: tables.events, written: results.flatMap(({ events }) => events) },
      deadLetters: { table: tables.deadLetters, written: results.flatMap(({ deadLetters }) => deadLetters) },
      reasons: countReasons(results),
      tallies,
      misnamed: this.#misnamed,
      keys,
      repeats,
    };
  }

  /** Has what is held written, without what is to be left out if all is held. */
  async #decide(keys: EventKeys | undefined): Promise<RepeatPositions | undefined> {
    const isAllHeld = this.#results.every(({ isHeld, events }) => isHeld || events.length === 0);
    const repeats = keys && isAllHeld ? await this.#options.decide?.(keys) : undefined;
    await this.#write(repeats);
    return repeats;
  }

  async #write(repeats?: RepeatPositions): Promise<void> {
    const holding = this.#holding;
    this.#holding = [];
    if (!holding.some(({ isHeld }) => isHeld)) return;
    const written = await this.#options.readers.runAgain<WrittenEvents>({ kind: "write", repeats });
    for (const [thread, { events, dropped }] of written.entries()) {
      const result = holding[thread]!;
      if (result.isHeld) Object.assign(result, { events, dropped, isHeld: false });
    }
  }

  async #run(
    units: readonly ReadUnit[],
    what: Pick<Reading, "contract" | "onExtraFields" | "onWrongType" | "onEmpty" | "events" | "deadLetters">,
  ): Promise<ReadResult[]> {
    await this.#write();
    const { scratch, batchId, ingestedAtMicros, limits, meter, repeats, keys, decide } = this.#options;
    // Records that had to wait take as many threads as found them.
    this.#bytes = Math.max(this.#bytes, bytesOf(units));
    const folder = scratch.subfolder(`read-${this.#readings++}`);
    const shared = { folder, limits, units: bySize(units), next: counter(), held: counter() };
    const holds = keys !== undefined && decide !== undefined;
    const reading = { ...what, repeats, keys, holds, batchId, ingestedAtMicros, ...shared };
    const results = await this.#options.readers.run<ReadResult>(
      { kind: "read", reading },
      this.#bytes,
      (count) => meter.count("records", count),
    );
    const read = results.reduce((sum, result) => sum + result.units, 0);
    if (read !== units.length) throw this.#lost(`${counted(units.length, "part")} to read became ${read}`);
    this.#holding = results;
    return results;
  }

  /**
   * Conservation check: every record of every file has become one row, or its file one dead letter,
   * and as many rows are in the data files, but for those that repeat another one.
   */
  #checkCounts(
    results: readonly ReadResult[],
    files: ReadonlyMap<number, UnitTally>,
    leftOut: RepeatPositions | undefined,
  ): void {
    for (const { number, records, events, deadLetters } of files.values()) {
      const isWhole = records === 0 && events === 0 && deadLetters === 1;
      if (isWhole || records === events + deadLetters) continue;
      throw this.#lost(
        `${counted(records, "record")} of file ${number} became ${counted(events, "event")} and ` +
          counted(deadLetters, "dead letter"),
      );
    }
    const repeats = [...leftOut?.values() ?? []].reduce((sum, each) => sum + each.length, 0);
    const dropped = results.reduce((sum, result) => sum + result.dropped, 0);
    if (dropped !== repeats) throw this.#lost(`${counted(repeats, "repeat")} to leave out became ${dropped}`);
    const tallies = [...files.values()];
    for (const kind of ["events", "deadLetters"] as const) {
      const routed = tallies.reduce((sum, tally) => sum + tally[kind], 0);
      const written = results.flatMap((result) => result[kind]).reduce((sum, { records }) => sum + Number(records), 0);
      if (written + (kind === "events" ? dropped : 0) === routed) continue;
      throw this.#lost(
        `${counted(routed, "row")} of ${kind === "events" ? "events" : "dead letters"} became ${written}`,
      );
    }
  }

  #lost(what: string): StreamlabError {
    return new StreamlabError(
      "internal",
      `Cannot account for every record of batch ${this.#options.batchId}: ${what}`,
    );
  }
}

function brokenUnit({ number, name, path, offset = 0, size, detail }: BrokenFile): ReadUnit {
  return { number, name, path, offset, size, how: "broken", position: 0, detail };
}

function pendingUnit({ path, records }: NonNullable<ReadResult["pending"]>): ReadUnit {
  return { number: -1, name: "", path, offset: 0, size: records, how: "pending", position: 0 };
}

/** Each once, in the order in which the records of the plan have them: threads have no order. */
function inOrder(paths: readonly ExtraPath[]): JsonPath[] {
  const sorted = [...paths].sort(compareExtraPaths);
  return [...new Map(sorted.map(({ path }) => [JSON.stringify(path), path])).values()];
}

function countReasons(results: readonly ReadResult[]): Map<DeadLetterReason, number> {
  const total = new Map<DeadLetterReason, number>();
  for (const [reason, count] of results.flatMap(({ reasons }) => [...reasons])) {
    total.set(reason, (total.get(reason) ?? 0) + count);
  }
  return total;
}

/** Undefined where those of some are not known, or they are too many. */
function keysOf(results: readonly ReadResult[]): EventKeys | undefined {
  const parts = results.flatMap(({ keys }) => keys ?? []);
  return parts.length < results.length ? undefined : joinKeys(parts);
}

function tallyFiles(results: readonly ReadResult[]): Map<number, UnitTally> {
  const tallies = new Map<number, UnitTally>();
  for (const { number, records, events, deadLetters } of results.flatMap((result) => result.tallies)) {
    const known = tallies.get(number) ?? { number, records: 0, events: 0, deadLetters: 0 };
    known.records += records;
    known.events += events;
    known.deadLetters += deadLetters;
    tallies.set(number, known);
  }
  return tallies;
}
