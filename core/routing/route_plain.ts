import { StreamlabError } from "../base/errors.ts";
import type { Judge } from "../contract/judge.ts";
import type { WrittenFile } from "../engine/copy.ts";
import { isOutOfMemory, SqlError } from "../engine/sql_error.ts";
import type { ColumnExpression } from "../tables/write/target_table.ts";
import { JudgedRows } from "./judged_rows.ts";
import { laneFolder, runLanes } from "./lanes.ts";
import { blamedFile, type CountedFile, isFileFault, type LocalRawFile } from "./record_sql.ts";
import type { RouteOptions } from "./route_options.ts";

/** This many times in a row, files that an error names are left out; then the share is halved. */
const BLAMES_MAX = 3;
/** Below this size the judge finishes before the lanes would start. */
const JUDGED_BYTES_MAX = 256 << 10;

export interface PlainRun {
  /** Whose records are in `written` and `rows`. */
  files: CountedFile[];
  /** Files that the lanes cannot read, for the exact path. */
  doubtful: LocalRawFile[];
  written: WrittenFile[];
  rows: JudgedRows;
}

/**
 * Why a share could not be routed: an error of the engine's, or more or fewer records than were
 * counted.
 */
type Failure = SqlError | "miscounted";

/**
 * The lanes over files that SQL can read. A share that fails is routed in halves, so that a bad
 * file affects no other; a single file takes the exact path.
 */
export class PlainRouting {
  /** Set when memory has run out: a batch may have too many partitions. */
  inTurns = false;
  readonly #options: RouteOptions;
  readonly #judge: Judge;
  readonly #metadata: readonly ColumnExpression[];
  #attempts = 0;

  constructor(options: RouteOptions, judge: Judge, metadata: readonly ColumnExpression[]) {
    this.#options = options;
    this.#judge = judge;
    this.#metadata = metadata;
  }

  async route(readable: readonly CountedFile[]): Promise<PlainRun> {
    const run: PlainRun = { files: [], doubtful: [], written: [], rows: this.#newRows() };
    await this.#routeShare(readable, run);
    return run;
  }

  #newRows(): JudgedRows {
    const { scratch, onExtraFields } = this.#options;
    return new JudgedRows(scratch, `judged-${++this.#attempts}`, onExtraFields === "add");
  }

  async #routeShare(files: readonly CountedFile[], run: PlainRun, blames = 0): Promise<void> {
    if (files.length === 0) return;
    const failure = await this.#tryShare(files, run);
    if (failure === undefined) return;
    if (isOutOfMemory(failure) && !this.inTurns) {
      this.inTurns = true;
      return await this.#routeShare(files, run, blames);
    }
    if (files.length === 1) {
      run.doubtful.push(...files);
      return;
    }
    const blamed = blames < BLAMES_MAX ? blamedFile(failure, files) : undefined;
    if (blamed !== undefined) {
      run.doubtful.push(blamed);
      return await this.#routeShare(files.filter((file) => file !== blamed), run, blames + 1);
    }
    if (files.reduce((sum, { size }) => sum + size, 0) <= JUDGED_BYTES_MAX) return await this.#routeSingly(files, run);
    const middle = Math.ceil(files.length / 2);
    await this.#routeShare(files.slice(0, middle), run);
    await this.#routeShare(files.slice(middle), run);
  }

  async #routeSingly(files: readonly CountedFile[], run: PlainRun): Promise<void> {
    for (const file of files) {
      if (file.format === "parquet") await this.#routeShare([file], run);
      else run.doubtful.push(file);
    }
  }

  /** Routes the share into the run, all of it or nothing. */
  async #tryShare(files: readonly CountedFile[], run: PlainRun): Promise<Failure | undefined> {
    const { contract, tablesFor, threads } = this.#options;
    const rows = run.files.length === 0 ? run.rows : this.#newRows();
    const name = `lanes-${this.#attempts}`;
    let failure: Failure | undefined;
    try {
      const written = await runLanes(files, {
        ...this.#options,
        name,
        table: tablesFor(contract).events,
        judge: this.#judge,
        rows,
        metadata: this.#metadata,
        inTurns: this.inTurns,
      });
      failure = this.#countFailure(files, written, rows);
      if (failure === undefined) {
        run.files.push(...files);
        run.written.push(...written);
        if (rows !== run.rows) await run.rows.absorb(rows);
      }
    } catch (error) {
      if (!isFileFault(error) && !isOutOfMemory(error)) throw error;
      failure = error;
    }
    if (failure !== undefined) {
      for (let lane = 0; lane < threads; lane++) {
        this.#options.scratch.removeFile(laneFolder(this.#options, name, lane));
      }
    }
    if (rows !== run.rows) rows.remove();
    else if (failure !== undefined) {
      rows.remove();
      run.rows = this.#newRows();
    }
    return failure;
  }

  /**
   * Conservation check: as many records were read as were written and judged. A Parquet file's own
   * count may be wrong.
   */
  #countFailure(
    files: readonly CountedFile[],
    written: readonly WrittenFile[],
    rows: JudgedRows,
  ): Failure | undefined {
    const read = files.reduce((sum, file) => sum + file.records, 0);
    const plain = written.reduce((sum, file) => sum + Number(file.records), 0);
    const judged = rows.events + rows.deadLetters + rows.pending;
    if (plain + judged === read) return undefined;
    if (files.some(({ format }) => format === "parquet")) return "miscounted";
    throw new StreamlabError(
      "internal",
      `Cannot account for every record of batch ${this.#options.batchId}: of ${read} that were read, ` +
        `${plain} were written and ${judged} judged`,
    );
  }
}
