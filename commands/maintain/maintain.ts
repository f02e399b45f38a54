import * as z from "zod";
import { messageOf, StreamlabError } from "../../core/base/errors.ts";
import { identifierText, requireTable, type TableIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import { checkEngine, ClusterOfRun, sparkFlags } from "../spark.ts";
import { catalogFlags, openCatalog } from "../open_catalog.ts";
import { type Context, defineCommand, type ExitStatus } from "../line/command.ts";
import { flag, type FlagShape } from "../line/flags.ts";
import { openExistingLake, openLake } from "../open_lake.ts";
import { type Action, type Job, JOB_FLAGS, MACHINE_FLAGS, type TableAction } from "./action.ts";
import { ACTIONS } from "./actions.ts";
import { actionRecord, actionText } from "./words.ts";
import { printNote, printResult } from "../line/output.ts";
import { machineSettings } from "../machine.ts";

const SECTION = "WHAT TO DO";

const OWN_FLAGS = {
  source: flag.lake({ doc: "lake to maintain: local (./lake), s3, a path or s3://bucket/prefix", default: "local" }),
  ...JOB_FLAGS,
};

/** What can be asked for, in the order of help. */
const WISHES = [
  ...ACTIONS.filter(isInAll),
  { name: "all", doc: "all of the above, in this order" },
  ...ACTIONS.filter((action) => !isInAll(action)),
];

/** The flags that ask for actions, and those of the actions themselves. */
function actionFlags(): FlagShape {
  const wishOf = (item: typeof WISHES[number]) =>
    "wish" in item && item.wish !== undefined ? item.wish : flag.switch({ section: SECTION, doc: item.doc });
  const wishes = WISHES.map((item) => [keyOf(item.name), wishOf(item)]);
  return Object.assign(Object.fromEntries(wishes), ...ACTIONS.map((action) => action.flags));
}

function isInAll(action: Action): boolean {
  return action.kind === "table" && action.inAll;
}

/** `removeOrphans` of `remove-orphans`, as the schema has it. */
function keyOf(name: string): string {
  return name.replace(/-(.)/g, (_dash, letter: string) => letter.toUpperCase());
}

const clusterFlags = sparkFlags("CLUSTER", {
  engine: "who rewrites the files of --compact and judges those of --audit: this process, or tasks on a Spark cluster",
  taskSize: "with --audit: bytes of raw files that are a task, about",
});

const flags = z.object({ ...OWN_FLAGS, ...actionFlags(), ...MACHINE_FLAGS, ...clusterFlags, ...catalogFlags });

type Flags = z.output<
  z.ZodObject<typeof OWN_FLAGS & typeof MACHINE_FLAGS & typeof clusterFlags & typeof catalogFlags>
>;
/** By key: whether it was asked for. */
type Wishes = Record<string, unknown>;

export const maintain = defineCommand({
  name: "maintain",
  summary: "Maintain the tables: compact, expire, clean up, show their status",
  description: [
    "Runs safely beside consumers and other maintainers. Work is done in groups; a group that conflicts with another commit stays as it",
    "was, and is reported. Files are deleted only after the commit that makes them unnecessary. Ctrl-C keeps the groups that are done.",
    "",
    "Orphans are files that crashed writers left behind. Checkpoints tell which files of streamlab are still in flight. For files of other",
    "writers only the age is known, so those younger than an hour stay, even with --older-than 0.",
  ].join("\n"),
  examples: [
    { doc: "how is my lake?", line: "streamlab maintain --status" },
    { doc: "everything, as a dry run first", line: "streamlab maintain --all --dry-run" },
    { doc: "fewer, larger files of one table", line: "streamlab maintain --compact --table bronze.events" },
    {
      doc: "keep the rows of a user together",
      line: "streamlab maintain --compact --table bronze.events --sort-by 'user_id, event_timestamp'",
    },
    {
      doc: "few files for a question about a user, and for one about an hour",
      line: "streamlab maintain --compact --table bronze.events --sort-by 'zorder(user_id, event_timestamp)'",
    },
    {
      doc: "remove events that repeat an earlier one; first see how many",
      line: "streamlab maintain --dedupe-by event_id --dry-run",
    },
    { doc: "what fell, and why?", line: "streamlab maintain --dead-letters" },
    { doc: "is every record in the right table?", line: "streamlab maintain --audit" },
    {
      doc: "a batch fails again and again: plan its files again",
      line: "streamlab maintain --set-aside-plan --table bronze.events",
    },
    { doc: "keep a day of history", line: "streamlab maintain --expire-snapshots --older-than 1d --retain-last 1" },
  ],
  flags,
  run: (context, given) => run(context, given as Flags & Wishes),
});

async function run(context: Context, given: Flags & Wishes): Promise<ExitStatus> {
  const wanted = wantedActions(given, context.typed);
  checkCluster(context, given, wanted);
  const { clock, random } = context;
  // With a catalog the lake holds only checkpoints, and perhaps none yet.
  const store = await (given.catalog === undefined ? openExistingLake : openLake)(context, given.source);
  const catalog = await openCatalog(context, given, () => Promise.resolve(store));
  const surroundings: Surroundings = { store, clock, random, catalog };
  const identifiers = await tablesOf(surroundings, given);
  const job: Job = { context, surroundings, identifiers, flags: given, machine: machineSettings(context, given) };
  const cluster = new ClusterOfRun(context, given);
  try {
    // Without Spark nothing is begun.
    const tasks = wanted.some((action) => action.usesCluster?.(given.dryRun)) ? await cluster.tasks() : undefined;
    return await runActions({ ...job, tasks }, wanted);
  } finally {
    await cluster.close();
  }
}

async function runActions(job: Job, wanted: readonly Action[]): Promise<ExitStatus> {
  const { signal } = job.context;
  let failed = false;
  for (const action of wanted) {
    if (signal.aborted) return 130;
    failed = !await (action.kind === "table" ? runOnTables(job, action) : action.run(job)) || failed;
  }
  if (signal.aborted) return 130;
  return failed ? 1 : 0;
}

/** Flags of a cluster must fit together, and be of use for what was asked for. */
function checkCluster(context: Context, flags: Flags, wanted: readonly Action[]): void {
  const able = ACTIONS.filter(({ usesCluster }) => usesCluster !== undefined);
  // A variable or setting may be meant for `consume`.
  if (wanted.some((action) => able.includes(action))) return checkEngine(context, flags);
  if (flags.engine === "embedded" || !context.typed.has("engine")) {
    return checkEngine(context, { ...flags, engine: "embedded" });
  }
  const names = able.map(({ name }) => `--${name}`).join(" and ");
  throw new StreamlabError("usage", `--engine spark is about ${names}`, {
    hint: `Leave it out, or give ${able.map(({ name }) => `--${name}`).join(" or ")} beside it`,
  });
}

function wantedActions(given: Flags & Wishes, typed: ReadonlySet<string>): Action[] {
  const isAskedFor = (name: string) => given[keyOf(name)] === true;
  // A variable or setting of that name may be meant for `consume` alone.
  const isTyped = ({ name, wish }: Action) => wish !== undefined && typed.has(keyOf(name));
  const wanted = ACTIONS.filter((action) =>
    isAskedFor(action.name) || isTyped(action) || (isAskedFor("all") && isInAll(action))
  );
  for (const action of ACTIONS) action.check?.(given, wanted.includes(action));
  if (wanted.length > 0) return wanted;
  const names = WISHES.map(({ name }) => `--${name}`);
  throw new StreamlabError("usage", "nothing was asked for", {
    hint: `Give ${names.slice(0, -1).join(", ")} or ${names.at(-1)}`,
  });
}

async function tablesOf({ catalog }: Surroundings, { table }: Flags): Promise<TableIdentifier[]> {
  if (table !== undefined) return [{ namespace: [table.namespace], name: table.name }];
  const namespaces = await catalog.listNamespaces();
  return (await Promise.all(namespaces.map((namespace) => catalog.listTables(namespace)))).flat();
}

/** False when one failed; the others are maintained all the same. */
async function runOnTables(job: Job, action: TableAction): Promise<boolean> {
  const { signal } = job.context;
  let failed = false;
  for (const identifier of job.identifiers) {
    if (signal.aborted) return true;
    failed = !await runOnTable(job, action, identifier) || failed;
  }
  if (!signal.aborted) await action.finish?.(job);
  return !failed;
}

async function runOnTable(job: Job, action: TableAction, identifier: TableIdentifier): Promise<boolean> {
  const { context, surroundings, flags: { dryRun, table: only } } = job;
  const startMs = context.clock.nowMs();
  const table = identifierText(identifier);
  try {
    const report = await action.run(job, await requireTable(surroundings.catalog, identifier));
    const outcome = { action, table, dryRun, durationMs: context.clock.nowMs() - startMs, report };
    await printResult(context, actionRecord(outcome), actionText(outcome));
    return true;
  } catch (error) {
    if (!(error instanceof StreamlabError) || only !== undefined) throw error;
    const text = `Cannot ${action.verb} ${table}: ${messageOf(error)}`;
    if (context.json) await printResult(context, { action: action.name, table, error: messageOf(error) }, "");
    else await printNote(context, text, ...(error.hint === undefined ? [] : [`  ${error.hint}`]));
    return false;
  }
}
