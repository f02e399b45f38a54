/**
 * What `maintain` can do, as data: an action is one file in `actions/` and one line in
 * `actions.ts`. Its flag, help, order of tables and words come from there.
 */
import type { z } from "zod";
import { Meter } from "../../core/base/meter.ts";
import type { LoadedTable, TableIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import type { Recorder } from "../../core/maintain/recorded_action.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import type { ActionWishes, ActionWork } from "../../core/maintain/table_actions.ts";
import type { ClusterTasks } from "../../core/routing/task_cluster.ts";
import type { Context } from "../line/command.ts";
import { flag, type FlagShape } from "../line/flags.ts";
import { printNote } from "../line/output.ts";
import type { MachineSettings } from "../machine.ts";

/** Flags that every action obeys. */
export const JOB_FLAGS = {
  table: flag.table({ doc: "only this table (default: every table of the lake)" }),
  dryRun: flag.switch({ doc: "show what would be done, but change nothing" }),
};

export const MACHINE_FLAGS = {
  threads: flag.count({ doc: "threads to use (default: all cores)" }),
  memory: flag.size({ doc: "memory to use; beyond it, DuckDB spills to disk", default: "1GB" }),
};

export type JobFlags<S extends FlagShape = Record<never, never>> = z.output<
  z.ZodObject<typeof JOB_FLAGS & typeof MACHINE_FLAGS & S>
>;

export interface Job<S extends FlagShape = Record<never, never>> {
  context: Context;
  surroundings: Surroundings;
  /** The tables to maintain. */
  identifiers: readonly TableIdentifier[];
  flags: JobFlags<S>;
  machine: MachineSettings;
  /** With `--engine spark`: where compactions and audits have their work done. */
  tasks?: ClusterTasks | undefined;
}

/** Of a job the work on one of its tables. */
export function workOf(
  { context, surroundings, machine, flags, tasks }: Pick<
    Job,
    "context" | "surroundings" | "machine" | "flags" | "tasks"
  >,
  wishes: ActionWishes = {},
  meter: Meter = new Meter(context.clock),
): ActionWork {
  return { surroundings, machine, dryRun: flags.dryRun, signal: context.signal, meter, tasks, ...wishes };
}

/** Of what is done to tables. */
export function recorderOf(context: Context): Recorder {
  return { by: "maintain", note: (text) => printNote(context, text) };
}

/** `rewrote` or, in a dry run, `would rewrite`. */
export type Tense = (past: string, infinitive: string) => string;

interface Described<S extends FlagShape> {
  /** Of the flag that asks for it, and in `--json`: `remove-orphans`. */
  name: string;
  /** In help. */
  doc: string;
  /** The flag that asks for it where that is no switch: it counts only where it is typed. */
  wish?: FlagShape[string];
  /** Whether there is work in it that can be done in tasks on a cluster. */
  usesCluster?: (dryRun: boolean) => boolean;
  /** Its own; two actions may share one. */
  flags: S;
  /** Fails with `usage` where flags do not fit together; called whether or not it was asked for. */
  check?(flags: JobFlags<S>, isWanted: boolean): void;
}

interface TableWork<S extends FlagShape, R extends object> extends Described<S> {
  /** Before the table's name, in an error: `remove orphans of`. */
  verb: string;
  /** One of those that `--all` asks for. */
  inAll: boolean;
  /** What it returns is printed by `--json` as it is. */
  run(job: Job<S>, table: LoadedTable): Promise<R>;
  /** The report for people: a line, and details. */
  lines(report: R, tense: Tense, dryRun: boolean): string[];
  /** After the last table. */
  finish?(job: Job<S>): Promise<void>;
}

interface LakeWork<S extends FlagShape> extends Described<S> {
  /** Prints by itself; false if it found something wrong. */
  run(job: Job<S>): Promise<boolean>;
}

/** Works on one table after another. */
export interface TableAction extends TableWork<Record<never, never>, object> {
  kind: "table";
}

/** Looks at the lake as a whole. */
export interface LakeAction extends LakeWork<Record<never, never>> {
  kind: "lake";
}

export type Action = TableAction | LakeAction;

/** Gives `run` and `lines` their types. */
export function tableAction<S extends FlagShape, R extends object>(work: TableWork<S, R>): TableAction {
  return { kind: "table", ...work } as unknown as TableAction;
}

export function lakeAction<S extends FlagShape>(work: LakeWork<S>): LakeAction {
  return { kind: "lake", ...work } as unknown as LakeAction;
}
