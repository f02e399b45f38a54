import type { Clock } from "../base/clock.ts";
import { Meter } from "../base/meter.ts";
import type { Random } from "../base/random.ts";
import type { Json } from "../base/json.ts";
import { adoptAddedColumns } from "../contract/extra_columns.ts";
import { parseContract } from "../contract/json_schema.ts";
import { keepsRescued } from "../contract/rescued.ts";
import { removeTree } from "../disk/removal.ts";
import type { Connection } from "../engine/duckdb.ts";
import { partitionSpecToJson } from "../iceberg/format/partition_spec.ts";
import { assignFieldIds, highestFieldId, type Schema, schemaFromJson, schemaToJson } from "../iceberg/format/schema.ts";
import type { Field } from "../iceberg/format/type.ts";
import { openLocalStore } from "../storage/local/local_store.ts";
import type { Store } from "../storage/store.ts";
import type { BatchRules } from "../lake/batch_rules.ts";
import { newAttempt } from "../lake/data_file_name.ts";
import type { JudgedGroup } from "../lake/judge_task.ts";
import { deadLetterFields, eventFields } from "../lake/our_columns.ts";
import type { RoutingTask, TaskTable } from "../lake/routing_task.ts";
import { RawCopies } from "./raw_copies.ts";
import { RoutingEngine } from "./routing_engine.ts";
import { runTask } from "./run_task.ts";

export interface SecondJudgeOptions {
  /** The tables of today. */
  tables: { events: TaskTable; deadLetters: TaskTable };
  /** The store of the raw files with that root. */
  openStore(root: string): Promise<Store>;
  clock: Clock;
  random: Random;
  threads: number;
  /** For the threads and DuckDB, a size as DuckDB writes it. */
  memory: string;
  /** Local folder, made here and removed at the end. */
  folder: string;
}

/** What routing makes of raw files: local Parquet files with the rows of the two tables. */
export interface JudgedPart extends Pick<JudgedGroup, "replay"> {
  events: string[];
  deadLetters: string[];
}

/** It is there until the next files are judged. */
export interface SecondJudgement {
  parts: JudgedPart[];
  /** Names of files that have changed since they were found. */
  missing: string[];
}

/** Where raw files come from. */
interface Place {
  store: Store;
  copies: RawCopies;
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
  readonly #places = new Map<string, Place>();

  constructor(options: SecondJudgeOptions) {
    const { clock, random, threads, memory, folder } = options;
    this.#options = options;
    this.#sink = openLocalStore(`${folder}/judged`, { random, clock, durable: false });
    this.#engine = new RoutingEngine({ threads, memory, spillFolder: `${folder}/spill` });
  }

  async judge(groups: readonly JudgedGroup[]): Promise<SecondJudgement> {
    removeTree(this.#sink.root);
    const judgement: SecondJudgement = { parts: [], missing: [] };
    for (const group of groups) {
      const { missing, ...rows } = await this.#judgeGroup(group);
      judgement.parts.push({ ...rows, replay: group.replay });
      judgement.missing.push(...missing);
    }
    return judgement;
  }

  /** A session of DuckDB within its share of the memory. */
  connect(): Promise<Connection> {
    return this.#engine.connect();
  }

  async #judgeGroup(group: JudgedGroup): Promise<Omit<JudgedPart, "replay"> & { missing: string[] }> {
    const { clock, folder } = this.#options;
    const { store, copies } = await this.#placeOf(group.root);
    const task = this.#task(group);
    const result = await runTask(task, {
      engine: this.#engine,
      stores: { raw: store, events: this.#sink, deadLetters: this.#sink },
      copies,
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

  async #placeOf(root: string): Promise<Place> {
    const known = this.#places.get(root);
    if (known !== undefined) return known;
    const { openStore, folder } = this.#options;
    const store = await openStore(root);
    const place = { store, copies: new RawCopies(store, `${folder}/ahead-${this.#places.size}`) };
    this.#places.set(root, place);
    return place;
  }

  #task({ root: rawRoot, rules, areOfBatches, files }: JudgedGroup): RoutingTask {
    const { tables: today, clock, random, threads, memory } = this.#options;
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
      rawRoot,
      files: files.map((file, number) => ({ ...file, number })),
      events: { ...events, root, folder: "events" },
      deadLetters: { ...deadLetters, root, folder: "dead-letters" },
      limits: { threads, memory },
    };
  }

  close(): void {
    for (const { copies } of this.#places.values()) copies.close();
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
