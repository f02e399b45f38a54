import type { Clock } from "../base/clock.ts";
import { Meter } from "../base/meter.ts";
import type { Random } from "../base/random.ts";
import type { Json } from "../base/json.ts";
import { adoptAddedColumns } from "../contract/extra_columns.ts";
import { parseContract } from "../contract/json_schema.ts";
import { keepsRescued } from "../contract/rescued.ts";
import { removeTree } from "../disk/removal.ts";
import { partitionSpecToJson } from "../iceberg/format/partition_spec.ts";
import { assignFieldIds, highestFieldId, type Schema, schemaFromJson, schemaToJson } from "../iceberg/format/schema.ts";
import type { Field } from "../iceberg/format/type.ts";
import { openLocalStore } from "../storage/local/local_store.ts";
import type { Store } from "../storage/store.ts";
import type { PlannedFile } from "../lake/batch_plan.ts";
import type { BatchRules } from "../lake/batch_rules.ts";
import { newAttempt } from "../lake/data_file_name.ts";
import { deadLetterFields, eventFields } from "../lake/our_columns.ts";
import { type RoutingTask, type TaskTable, taskTable } from "../lake/routing_task.ts";
import { RawCopies } from "./raw_copies.ts";
import { RoutingEngine } from "./routing_engine.ts";
import { runTask } from "./run_task.ts";
import type { TargetTables } from "../lake/target.ts";

export interface SecondJudgeOptions {
  tables: TargetTables;
  /** Of the raw files. */
  store: Store;
  clock: Clock;
  random: Random;
  threads: number;
  /** For the threads and DuckDB, a size as DuckDB writes it. */
  memory: string;
  /** Local folder, made here and removed at the end. */
  folder: string;
}

/** By what raw files are judged. */
export interface JudgedBy {
  rules: BatchRules;
  /**
   * Whether these are the rules of batches, for the tables of their time. Others are for the tables
   * of today, which may refuse them.
   */
  areOfBatches: boolean;
}

/** What routing makes of raw files: local Parquet files with the rows of the two tables. */
export interface JudgedRows {
  events: string[];
  deadLetters: string[];
}

export interface SecondJudgement extends JudgedRows {
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
    this.#copies = new RawCopies(options.store, `${folder}/ahead`);
  }

  /** What it returns lies there until `clear`. */
  async judge(files: readonly PlannedFile[], by: JudgedBy): Promise<SecondJudgement> {
    const { store, clock, folder } = this.#options;
    const task = this.#task(files, by);
    const result = await runTask(task, {
      engine: this.#engine,
      stores: { raw: store, events: this.#sink, deadLetters: this.#sink },
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

  clear(): void {
    removeTree(this.#sink.root);
  }

  #task(files: readonly PlannedFile[], { rules, areOfBatches }: JudgedBy): RoutingTask {
    const { tables, store, clock, random, threads, memory } = this.#options;
    const today = { events: taskTable(tables.events), deadLetters: taskTable(tables.deadLetters) };
    const { events, deadLetters } = areOfBatches ? tablesFor(rules, today) : today;
    const { root } = this.#sink;
    return {
      format: 1,
      sequenceId: "audit",
      batchId: ++this.#batches,
      attempt: newAttempt(random),
      ingestedAtMicros: `${clock.nowMs()}000`,
      contract: rules.contract,
      options: rules.options,
      rawRoot: store.root,
      files: files.map((file, number) => ({ ...file, number })),
      events: { ...events, root, folder: "events" },
      deadLetters: { ...deadLetters, root, folder: "dead-letters" },
      limits: { threads, memory },
    };
  }

  close(): void {
    this.#copies.close();
    this.#engine.close();
    removeTree(this.#options.folder);
  }
}

/**
 * Tables that have what the rules ask for, and columns that were added before: those of the lake
 * may have wider types by now, and other columns.
 */
function tablesFor(
  { contract: text, options, schema: json }: BatchRules,
  today: { events: TaskTable; deadLetters: TaskTable },
): { events: TaskTable; deadLetters: TaskTable } {
  const own = parseContract(text);
  const schema = json === undefined
    ? newSchema(eventFields(own, { rescued: keepsRescued(options) }))
    : schemaFromJson(json as Json);
  const contract = options.onExtraFields === "add" ? adoptAddedColumns(own, schema.fields) : own;
  return {
    events: withSchema(today.events, schema),
    deadLetters: withSchema(today.deadLetters, newSchema(deadLetterFields(contract))),
  };
}

function newSchema(fields: Field[]): Schema {
  return { schemaId: 0, fields: assignFieldIds(fields, 1).fields };
}

/** Without partitions, which only make more files of the same rows. */
function withSchema(table: TaskTable, schema: Schema): TaskTable {
  return {
    ...table,
    schema: schemaToJson(schema),
    spec: partitionSpecToJson({ specId: 0, fields: [] }),
    lastColumnId: highestFieldId(schema),
  };
}
