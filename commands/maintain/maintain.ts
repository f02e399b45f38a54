import { z } from "zod";
import { Meter } from "../../core/base/meter.ts";
import { messageOf, StreamlabError } from "../../core/base/errors.ts";
import { temporaryFolder } from "../../core/disk/ownership.ts";
import { identifierText, type LoadedTable, type TableIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import { catalogFlags, openCatalog } from "../open_catalog.ts";
import { type Context, defineCommand, type ExitStatus } from "../line/command.ts";
import { flag } from "../line/flags.ts";
import { openExistingLake, openLake } from "../open_lake.ts";
import { type Action, actionRecord, actionText, type Report } from "./words.ts";
import { printNote, printResult } from "../line/output.ts";
import { startProgress } from "../line/progress.ts";

const DAY_MS = 86_400_000;
/** Of files that nothing names. */
const ORPHAN_MS = 3 * DAY_MS;

const ACTIONS = { section: "WHAT TO DO" } as const;
const COMPACTION = { section: "COMPACTION" } as const;
const AUDITING = { section: "AUDIT" } as const;

const flags = z.object({
  source: flag.lake({ doc: "lake to look after: local (./lake), s3, a path or s3://bucket/prefix", default: "local" }),
  table: flag.table({ doc: "only this table (default: every table of the lake)" }),
  dryRun: flag.switch({ doc: "show what would be done, and change nothing" }),
  olderThan: flag.duration({
    doc: "how old a snapshot must be to expire (default: what the table's properties say, else 7d), and a file to be " +
      "removed as an orphan (default 3d)",
  }),
  retainLast: flag.count({
    doc: "snapshots of each branch that never expire (default: what the table's properties say, else 10)",
  }),
  threads: flag.count({ doc: "threads to work with (default: all cores)" }),
  memory: flag.size({ doc: "memory that DuckDB keeps within; it spills to disk beyond", default: "1GB" }),
  compact: flag.switch({ ...ACTIONS, doc: "rewrite small files into larger ones, and apply row deletes" }),
  rewriteManifests: flag.switch({ ...ACTIONS, doc: "merge manifests, sorted by partition" }),
  expireSnapshots: flag.switch({ ...ACTIONS, doc: "forget old snapshots and delete the files that only they need" }),
  removeOrphans: flag.switch({ ...ACTIONS, doc: "delete files that no table and no work under way knows" }),
  all: flag.switch({ ...ACTIONS, doc: "these four, in this order" }),
  status: flag.switch({ ...ACTIONS, doc: "how the tables are, what waits to be ingested, and how long" }),
  audit: flag.switch({
    ...ACTIONS,
    doc: "prove from the raw files that every record is in one table exactly once; exit status 1 where it is not",
  }),
  targetFileSize: flag.size({ ...COMPACTION, doc: "size that data files should have", default: "128MB" }),
  sortBy: flag.list({
    ...COMPACTION,
    doc: "rewrite every file of --table, rows of each partition in this order: user_id, event_timestamp desc",
    placeholder: "COLUMNS",
  }),
  contract: flag.file({ ...AUDITING, doc: "the contract that consume was given (default: the one built in)" }),
  onExtraFields: flag.choice(["dead-letter", "rescue", "add"], {
    ...AUDITING,
    doc: "what consume did with fields that the contract does not name",
    default: "dead-letter",
  }),
  ...catalogFlags,
});

type Flags = z.output<typeof flags>;

export const maintain = defineCommand({
  name: "maintain",
  summary: "Look after the tables: compact, expire, clean up, tell how they are",
  description: [
    "Safe beside a running consumer and beside another maintainer: what lost a race is left as it was and said so, and what is done is",
    "done group by group. Files are deleted only after the commit that makes them needless. Ctrl-C stops after the group under way.",
    "",
    "Orphans are what crashed writers left behind. Of our own writers' files it is known which are still about to be used; of files by others",
    "only age can tell, so those younger than an hour stay even with --older-than 0.",
  ].join("\n"),
  examples: [
    { doc: "how is my lake?", line: "streamlab maintain --status" },
    { doc: "everything, first for show", line: "streamlab maintain --all --dry-run" },
    { doc: "fewer, larger files of one table", line: "streamlab maintain --compact --table bronze.events" },
    {
      doc: "rows of a user close to each other",
      line: "streamlab maintain --compact --table bronze.events --sort-by 'user_id, event_timestamp'",
    },
    { doc: "is every record where it must be?", line: "streamlab maintain --audit" },
    { doc: "keep a day of history", line: "streamlab maintain --expire-snapshots --older-than 1d --retain-last 1" },
  ],
  flags,
  run,
});

async function run(context: Context, given: Flags): Promise<ExitStatus> {
  const wanted = wantedActions(given);
  const { clock, random } = context;
  // With a catalog it holds checkpoints and nothing else, perhaps none so far.
  const store = await (given.catalog === undefined ? openExistingLake : openLake)(context, given.source);
  const catalog = await openCatalog(context, given, () => Promise.resolve(store));
  const surroundings: Surroundings = { store, clock, random, catalog };
  const identifiers = await tablesOf(surroundings, given);
  let failed = false;
  for (const action of wanted) {
    for (const identifier of identifiers) {
      if (context.signal.aborted) return 130;
      failed = !await runAction(context, surroundings, action, identifier, given) || failed;
    }
  }
  if (given.removeOrphans || given.all) await cleanLake(surroundings, given);
  if (given.audit) {
    const { audit } = await import("./audit.ts");
    failed = !await audit(context, surroundings, given, machine(context, given)) || failed;
  }
  if (given.status) await printStatus(context, surroundings, identifiers, given);
  if (context.signal.aborted) return 130;
  return failed ? 1 : 0;
}

function wantedActions(given: Flags): Action[] {
  if (given.sortBy !== undefined && (given.table === undefined || !(given.compact || given.all))) {
    throw new StreamlabError("usage", "--sort-by is about the compaction of one table", {
      hint: "Give --compact and --table beside it",
    });
  }
  const wanted: Action[] = [];
  if (given.compact || given.all) wanted.push("compact");
  if (given.rewriteManifests || given.all) wanted.push("rewrite-manifests");
  if (given.expireSnapshots || given.all) wanted.push("expire-snapshots");
  if (given.removeOrphans || given.all) wanted.push("remove-orphans");
  if (wanted.length > 0 || given.status || given.audit) return wanted;
  throw new StreamlabError("usage", "nothing was asked for", {
    hint: "Give --compact, --rewrite-manifests, --expire-snapshots, --remove-orphans, --all, --audit or --status",
  });
}

async function tablesOf({ catalog }: Surroundings, { table }: Flags): Promise<TableIdentifier[]> {
  if (table !== undefined) return [{ namespace: [table.namespace], name: table.name }];
  const namespaces = await catalog.listNamespaces();
  return (await Promise.all(namespaces.map((namespace) => catalog.listTables(namespace)))).flat();
}

/**
 * False when it failed: the others go on, for one broken table is no reason to neglect the rest.
 */
async function runAction(
  context: Context,
  surroundings: Surroundings,
  action: Action,
  identifier: TableIdentifier,
  given: Flags,
): Promise<boolean> {
  const startMs = context.clock.nowMs();
  const table = identifierText(identifier);
  try {
    const loaded = await surroundings.catalog.loadTable(identifier);
    if (loaded === undefined) throw new StreamlabError("not-found", `There is no table ${table}`);
    const report = await perform(context, surroundings, action, loaded, given);
    const outcome = { table, dryRun: given.dryRun, durationMs: context.clock.nowMs() - startMs, report };
    await printResult(context, actionRecord(outcome), actionText(outcome));
    return true;
  } catch (error) {
    if (!(error instanceof StreamlabError) || given.table !== undefined) throw error;
    const what = action === "compact" ? action : `${action.replace("-", " ")} of`;
    const text = `Cannot ${what} ${table}: ${messageOf(error)}`;
    if (context.json) await printResult(context, { action, table, error: messageOf(error) }, "");
    else await printNote(context, text, ...(error.hint === undefined ? [] : [`  ${error.hint}`]));
    return false;
  }
}

async function perform(
  context: Context,
  surroundings: Surroundings,
  action: Action,
  table: LoadedTable,
  given: Flags,
): Promise<Report> {
  const { dryRun } = given;
  switch (action) {
    case "compact":
      return { action, ...await compact(context, surroundings, table, given) };
    case "rewrite-manifests": {
      const { rewriteTableManifests } = await import("../../core/maintain/manifests.ts");
      return { action, ...await rewriteTableManifests(surroundings, table, { dryRun }) };
    }
    case "expire-snapshots": {
      const { expireTable } = await import("../../core/maintain/removal/expire.ts");
      const options = { maxAgeMs: given.olderThan, countMin: given.retainLast, dryRun };
      return { action, ...await expireTable(surroundings, table, options) };
    }
    case "remove-orphans": {
      const { removeOrphans } = await import("../../core/maintain/removal/orphans.ts");
      const olderThanMs = given.olderThan ?? ORPHAN_MS;
      return { action, ...await removeOrphans(surroundings, table, { olderThanMs, dryRun }) };
    }
  }
}

async function compact(context: Context, surroundings: Surroundings, table: LoadedTable, given: Flags) {
  const { compactTable } = await import("../../core/maintain/compaction/compact.ts");
  const meter = new Meter(context.clock);
  const progress = startProgress(context, `Compacting ${identifierText(table.identifier)}`, meter);
  try {
    return await compactTable(surroundings, table, {
      ...machine(context, given),
      targetBytes: Math.max(1, given.targetFileSize),
      inputsMin: 2,
      sortBy: given.sortBy ?? [],
      dryRun: given.dryRun,
      signal: context.signal,
      meter,
    });
  } finally {
    await progress.end();
  }
}

function machine(context: Context, { threads, memory }: Flags) {
  return {
    temporaryFolder: temporaryFolder(context.env),
    memory: `${Math.max(64, Math.round(memory / 1e6))}MB`,
    ...(threads !== undefined && { threads: Math.max(1, threads) }),
  };
}

/** What died writers left outside of the tables; only where the whole lake is looked after. */
async function cleanLake(surroundings: Surroundings, given: Flags): Promise<void> {
  if (given.table !== undefined) return;
  const { removeLeftovers } = await import("../../core/maintain/removal/leftovers.ts");
  const olderThanMs = given.olderThan ?? ORPHAN_MS;
  await removeLeftovers(surroundings, { olderThanMs, dryRun: given.dryRun });
}

async function printStatus(
  context: Context,
  surroundings: Surroundings,
  identifiers: readonly TableIdentifier[],
  given: Flags,
): Promise<void> {
  const [{ tableHealth }, { ingestionStatus }, { withNewest }, { eventFileKind }, words] = await Promise.all([
    import("../../core/maintain/status/table_health.ts"),
    import("../../core/maintain/status/ingestion_status.ts"),
    import("../../core/tables/read/newest.ts"),
    import("../../core/lake/event_file.ts"),
    import("./status.ts"),
  ]);
  const isEventFile = (path: string) => eventFileKind(path) !== undefined;
  const ingestion = await ingestionStatus(surroundings, { ...machine(context, given), isEventFile });
  const nowMs = context.clock.nowMs();
  const only = given.table === undefined ? undefined : `${given.table.namespace}.${given.table.name}`;
  for (const each of ingestion) {
    if (only !== undefined && each.table !== only) continue;
    await printResult(context, words.ingestionRecord(each, nowMs), words.ingestionText(each, nowMs));
  }
  const healths = [];
  for (const identifier of identifiers) {
    const { catalog } = surroundings;
    healths.push(await withNewest(catalog, identifier, (table) => tableHealth(table, given.targetFileSize)));
  }
  if (context.json) { for (const health of healths) await printResult(context, words.healthRecord(health), ""); }
  else if (healths.length > 0) await printResult(context, {}, words.healthText(healths));
}
