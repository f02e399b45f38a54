import { counted } from "../../base/counted.ts";
import { StreamlabError } from "../../base/errors.ts";
import type { Contract } from "../../contract/contract.ts";
import { type LeftOut, widenContract } from "../../contract/extra_columns.ts";
import type { WrittenFile } from "../../engine/copy.ts";
import type { JsonPath } from "../../json/pointer.ts";
import type { TargetTable } from "../../tables/write/target_table.ts";
import type { LocalRawFile } from "../record_sql.ts";
import type { RouteOptions } from "../route_options.ts";
import type { BrokenFile } from "../triage.ts";
import type { ReaderPool } from "./reader_pool.ts";
import {
  compareExtraPaths,
  type ExtraPath,
  type Reading,
  type ReadResult,
  type ReadUnit,
  type Survey,
  type UnitTally,
} from "./reading.ts";

/** Larger files are cut into parts, so that every thread reads some. */
const WHOLE_FILE_BYTES_MAX = 16 << 20;

/** What became of files: the rows are in data files in scratch. */
export interface ReadFiles {
  /** The contract, perhaps with columns that `add` found. */
  contract: Contract;
  events: { table: TargetTable; written: WrittenFile[] };
  deadLetters: { table: TargetTable; written: WrittenFile[] };
  leftOut: LeftOut;
  /** By the files' numbers. */
  tallies: Map<number, UnitTally>;
}

/**
 * Reads files of JSON, dealt to all threads, largest first, and sends every record to one of the
 * two tables.
 */
export async function readFiles(
  files: readonly LocalRawFile[],
  broken: readonly BrokenFile[],
  pool: ReaderPool,
  options: RouteOptions,
): Promise<ReadFiles> {
  const run = new ReadRun(pool, options);
  return await run.read([...await run.unitsOf(files), ...broken.map(brokenUnit)]);
}

class ReadRun {
  readonly #pool: ReaderPool;
  readonly #options: RouteOptions;
  #readings = 0;

  constructor(pool: ReaderPool, options: RouteOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  async unitsOf(files: readonly LocalRawFile[]): Promise<ReadUnit[]> {
    if (this.#options.judgesAll) return files.map((file) => unitOf(file, true));
    const large = files.filter(({ size }) => size > WHOLE_FILE_BYTES_MAX).map((file) => unitOf(file, false));
    const units = files.filter(({ size }) => size <= WHOLE_FILE_BYTES_MAX).map((file) => unitOf(file, false));
    if (large.length === 0) return units;
    const surveys = await this.#pool.run<Survey[]>({ kind: "survey", units: bySize(large), next: counter() });
    return [...surveys.flat().flatMap(({ units: parts }) => parts), ...units];
  }

  async read(units: readonly ReadUnit[]): Promise<ReadFiles> {
    const { contract, onExtraFields, room, tablesFor } = this.#options;
    const tables = tablesFor(contract);
    const results = await this.#run(units, { contract: contract.text, onExtraFields, ...tables });
    const paths = inOrder(results.flatMap(({ extraPaths }) => extraPaths));
    const { contract: widened, clashing, beyond } = widenContract(contract, paths, room);
    const wider = tablesFor(widened);
    const pending = results.flatMap((result) => result.pending ?? []).map(pendingUnit);
    if (pending.length > 0) {
      results.push(...await this.#run(pending, { contract: widened.text, onExtraFields: "rescue", ...wider }));
    }
    this.#checkCounts(results);
    return {
      contract: pending.length > 0 ? widened : contract,
      leftOut: { clashing, beyond },
      events: { table: wider.events, written: results.flatMap(({ events }) => events) },
      deadLetters: { table: wider.deadLetters, written: results.flatMap(({ deadLetters }) => deadLetters) },
      tallies: tallyFiles(results),
    };
  }

  async #run(
    units: readonly ReadUnit[],
    what: Pick<Reading, "contract" | "onExtraFields" | "events" | "deadLetters">,
  ): Promise<ReadResult[]> {
    const { scratch, batchId, ingestedAtMicros, meter } = this.#options;
    const folder = scratch.subfolder(`read-${this.#readings++}`);
    const reading = { ...what, batchId, ingestedAtMicros, folder, units: bySize(units), next: counter() };
    return await this.#pool.run<ReadResult>({ kind: "read", reading }, (count) => meter.count("records", count));
  }

  /** Conservation check: as many rows are in the data files as there were records. */
  #checkCounts(results: readonly ReadResult[]): void {
    const tallies = results.flatMap(({ tallies }) => tallies);
    for (const kind of ["events", "deadLetters"] as const) {
      const routed = tallies.reduce((sum, tally) => sum + tally[kind], 0);
      const written = results.flatMap((result) => result[kind]).reduce((sum, { records }) => sum + Number(records), 0);
      if (written === routed) continue;
      throw new StreamlabError(
        "internal",
        `Cannot account for every record of batch ${this.#options.batchId}: ${counted(routed, "row")} of ` +
          `${kind === "events" ? "events" : "dead letters"} became ${written}`,
      );
    }
  }
}

function unitOf({ number, name, path, offset = 0, size, format }: LocalRawFile, exactly: boolean): ReadUnit {
  const how = format === "ndjson" ? (exactly ? "exact-lines" : "lines") : exactly ? "exact-array" : "array";
  return { number, name, path, offset, size, how, position: 0 };
}

function brokenUnit({ number, name, path, offset = 0, size, detail }: BrokenFile): ReadUnit {
  return { number, name, path, offset, size, how: "broken", position: 0, detail };
}

function pendingUnit({ path, records }: NonNullable<ReadResult["pending"]>): ReadUnit {
  return { number: -1, name: "", path, offset: 0, size: records, how: "pending", position: 0 };
}

function bySize(units: readonly ReadUnit[]): ReadUnit[] {
  return [...units].sort((a, b) => b.size - a.size);
}

function counter(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/** Each once, in the order in which the records of the plan have them: threads have no order. */
function inOrder(paths: readonly ExtraPath[]): JsonPath[] {
  const sorted = [...paths].sort(compareExtraPaths);
  return [...new Map(sorted.map(({ path }) => [JSON.stringify(path), path])).values()];
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
