import type { Clock } from "../base/clock.ts";
import { Meter } from "../base/meter.ts";
import type { Random } from "../base/random.ts";
import type { Contract, OnExtraFields, OnWrongType } from "../contract/contract.ts";
import { removeTree } from "../disk/removal.ts";
import { openLocalStore } from "../storage/local/local_store.ts";
import type { Store } from "../storage/store.ts";
import type { PlannedFile } from "../lake/batch_plan.ts";
import { type RawZone, zoneOptions } from "../lake/raw_zone.ts";
import { newAttempt } from "../lake/data_file_name.ts";
import { type RoutingTask, taskTable } from "../lake/routing_task.ts";
import { RawCopies } from "./raw_copies.ts";
import { RoutingEngine } from "./routing_engine.ts";
import { runTask } from "./run_task.ts";
import type { TargetTables } from "../lake/target.ts";

export interface SecondJudgeOptions {
  tables: TargetTables;
  contract: Contract;
  onExtraFields: OnExtraFields;
  onWrongType?: OnWrongType | undefined;
  zone: RawZone;
  clock: Clock;
  random: Random;
  threads: number;
  /** For the threads and DuckDB, a size as DuckDB writes it. */
  memory: string;
  /** Local folder, made here and removed at the end. */
  folder: string;
}

/**
 * What routing makes of raw files: local Parquet files with the rows that belong into the two
 * tables.
 */
export interface SecondJudgement {
  events: string[];
  deadLetters: string[];
  /** Names of files that have changed since they were checked. */
  missing: string[];
}

/**
 * Judges raw files once more, for an audit: by the same routing as consume, into a folder that no
 * table knows of.
 */
export class SecondJudge {
  #batches = 0;
  readonly #options: SecondJudgeOptions;
  readonly #sink: Store;
  readonly #engine: RoutingEngine;
  readonly #copies: RawCopies;

  constructor(options: SecondJudgeOptions) {
    const { clock, random, threads, memory, folder } = options;
    this.#options = options;
    this.#sink = openLocalStore(`${folder}/judged`, { random, clock, durable: false });
    this.#engine = new RoutingEngine({ threads, memory, spillFolder: `${folder}/spill` });
    this.#copies = new RawCopies(options.zone.store, `${folder}/ahead`);
  }

  /** What it returns lies there until the next call. */
  async judge(files: readonly PlannedFile[]): Promise<SecondJudgement> {
    removeTree(this.#sink.root);
    const { zone, clock, folder } = this.#options;
    const task = this.#task(files);
    const result = await runTask(task, {
      engine: this.#engine,
      stores: { raw: zone.store, events: this.#sink, deadLetters: this.#sink },
      copies: this.#copies,
      scratchFolder: `${folder}/scratch`,
      meter: new Meter(clock),
    });
    const placed = (role: "events" | "deadLetters") =>
      result[role].files.map(({ path }) => this.#sink.localPath(`${task[role].folder}/${path}`)!);
    return {
      events: placed("events"),
      deadLetters: placed("deadLetters"),
      missing: result.files.filter(({ status }) => status !== "ingested").map(({ name }) => name),
    };
  }

  /** Its tables are those of the lake, moved into a folder of ours. */
  #task(files: readonly PlannedFile[]): RoutingTask {
    const { tables, contract, onExtraFields, onWrongType, zone, clock, random, threads, memory } = this.#options;
    const { root } = this.#sink;
    return {
      format: 1,
      sequenceId: "audit",
      batchId: ++this.#batches,
      attempt: newAttempt(random),
      ingestedAtMicros: `${clock.nowMs()}000`,
      contract: contract.text,
      options: { onExtraFields, onWrongType, ...zoneOptions(zone) },
      rawRoot: zone.store.root,
      files: files.map((file, number) => ({ ...file, number })),
      events: { ...taskTable(tables.events), root, folder: "events" },
      deadLetters: { ...taskTable(tables.deadLetters), root, folder: "dead-letters" },
      limits: { threads, memory },
    };
  }

  close(): void {
    this.#copies.close();
    this.#engine.close();
    removeTree(this.#options.folder);
  }
}
