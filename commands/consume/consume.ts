import { counted } from "../../core/base/counted.ts";
import { Meter } from "../../core/base/meter.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { type Catalog, identifierText, type TableIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { DEFAULT_TARGET } from "../../core/lake/table_names.ts";
import type { ConsumerReport } from "../../core/consume/batch_report.ts";
import type { BetweenBatches } from "../../core/consume/between_batches.ts";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import type { OpenTelemetry } from "../../core/telemetry/open_telemetry.ts";
import { checkPathColumns } from "../../core/routing/path_columns.ts";
import type { Store } from "../../core/storage/store.ts";
import { openCatalog } from "../open_catalog.ts";
import { type Context, defineCommand, type ExitStatus, stoppedStatus } from "../line/command.ts";
import { checkOfNoTarget, runAllTargets } from "./all_targets.ts";
import { dedupeRuleFor } from "./dedupe.ts";
import { type ConsumeFlags, consumeFlags, TABLES } from "./flags.ts";
import { checkFlagsApply } from "./flags_that_apply.ts";
import { type ConsumerUpkeep, openUpkeep } from "./upkeep.ts";
import { type LakeMetrics, openLakeMetrics } from "./lake_metrics.ts";
import { checkNotifications, NotificationsOfRun } from "./notifications.ts";
import { openRawCare } from "./raw_care.ts";
import { rawZone } from "./raw_zone.ts";
import { checkEngine, checkNoDedupe, ClusterOfRun } from "../spark.ts";
import { TargetSpans } from "./target_spans.ts";
import { checkUpsertAlone, upsertRuleFor } from "./upsert.ts";
import { ConsumeWords } from "./words.ts";
import { contractNotes, readContractDocument } from "../contract_file.ts";
import { openLake } from "../open_lake.ts";
import { formatDuration } from "../line/output.ts";
import { type LakeLocation, parseLakeLocation, parseTableName } from "../line/values.ts";
import { machineSettings } from "../machine.ts";
import { openTelemetry } from "../telemetry.ts";

export const consume = defineCommand({
  name: "consume",
  summary: "Ingest event files into Iceberg tables, each event exactly once",
  description:
    "Reads new files of the source's raw/events/ and sends every record to the table of events or, with the " +
    "reason, to the table of dead letters. The table ingest.files lists the ingested files. Runs until stopped. It can be " +
    "stopped, killed and restarted at any moment: no record is lost or ingested twice. Read are files named .json, .ndjson or " +
    ".jsonl, with .gz or .zst behind, and .parquet, in folders at any depth; those whose name, or a folder's, starts with . " +
    "or _ are not there yet. A .json is an array or values one after another: its first character says which.",
  examples: [
    { doc: "ingest what has landed in ./lake, then exit", line: "streamlab consume --once" },
    { doc: "ingest files as they come, in the bucket of compose.yaml's MinIO", line: "streamlab consume --source s3" },
    {
      doc: "the same, told of new objects instead of listing the bucket",
      line: "streamlab consume --source s3 --notifications http://127.0.0.1:4190",
    },
    {
      doc: "another table with another contract",
      line: "streamlab consume --table orders.raw --contract orders.schema.json --partition-by 'day(ordered_at)'",
    },
    {
      doc: "what are these files? a contract to begin with",
      line: "streamlab consume --infer-contract --raw events > c.json",
    },
    {
      doc: "what would this contract make of them? nothing is written",
      line: "streamlab consume --dry-run --raw events --table web.events --contract c.json",
    },
    { doc: "every table of the lake goes on as before", line: "streamlab consume --all-targets" },
    { doc: "tables in an Iceberg REST catalog", line: "streamlab consume --catalog http://127.0.0.1:8181" },
    { doc: "read files from another place", line: "streamlab consume --raw /var/log/events --sink ./lake --once" },
  ],
  flags: consumeFlags,
  run,
});

async function run(context: Context, flags: ConsumeFlags): Promise<ExitStatus> {
  if (flags.inferContract || flags.dryRun) checkFlagsApply(context, flags);
  else {
    checkEngine(context, flags);
    checkNotifications(context, flags);
  }
  if (flags.inferContract) return await inferFromZone(context, flags);
  const telemetry = flags.dryRun ? undefined : await openTelemetry(context);
  const cluster = new ClusterOfRun(context, flags), notifications = new NotificationsOfRun(context, flags);
  try {
    return await runTargets(context, flags, { telemetry, cluster, notifications });
  } finally {
    await Promise.all([cluster.close(), notifications.close()]);
  }
}

/** What all targets of a run share. */
interface Shared {
  telemetry: OpenTelemetry | undefined;
  cluster: ClusterOfRun;
  notifications: NotificationsOfRun;
}

async function runTargets(context: Context, flags: ConsumeFlags, shared: Shared): Promise<ExitStatus> {
  const runOne = flags.dryRun ? judgeTarget : runTarget;
  if (!flags.allTargets) return await runOne(context, flags, shared);
  checkOfNoTarget(consumeFlags, flags, TABLES.section, ["sink", "raw", "format"]);
  const sink = await openLake(context, sourceOf(flags));
  const catalog = await openCatalog(context, flags, () => Promise.resolve(sink));
  const { shareOfTarget } = await import("../../core/routing/memory_shares.ts");
  const inTurn = flags.once || flags.dryRun;
  // One for all of them.
  const metrics = flags.dryRun ? undefined : await metricsOf(context, flags, catalog, sink, shared.telemetry);
  try {
    return await runAllTargets(context, catalog, {
      inTurn,
      run: (table, targets) => {
        const memory = inTurn ? flags.memory : shareOfTarget(flags.memory, targets);
        return runOne(context, { ...flags, table: parseTableName(table), memory }, shared);
      },
    });
  } finally {
    await metrics?.close();
  }
}

/** Of what is only looked at nothing is made, whatever variables and settings say. */
function onlyLooking(flags: ConsumeFlags): ConsumeFlags {
  return { ...flags, once: true, create: false };
}

async function inferFromZone(context: Context, flags: ConsumeFlags): Promise<ExitStatus> {
  const source = await openLake(context, sourceOf(flags));
  const sink = flags.sink === undefined ? source : await openLake(context, flags.sink);
  const catalog = await openCatalog(context, flags, () => Promise.resolve(sink));
  const [{ targetRecordOf }, { inferContract }] = await Promise.all([
    import("../../core/lake/target_record.ts"),
    import("./infer_contract.ts"),
  ]);
  const target = targetOf(flags);
  const table = await catalog.loadTable(target);
  const before = table && targetRecordOf(table.metadata.properties, identifierText(target));
  const zone = await rawZone(context, onlyLooking(flags), { source, sink, before });
  return await inferContract(context, zone, before?.contract);
}

async function judgeTarget(context: Context, flags: ConsumeFlags): Promise<ExitStatus> {
  const { DryRunReport, dryRunTarget } = await import("./dry_run.ts");
  const report = new DryRunReport(context);
  const { options, notes, notesOfMade } = await sessionOptions(
    context,
    onlyLooking(flags),
    report,
    new Meter(context.clock),
  );
  for (const note of [...notes, ...notesOfMade]) report.note(note);
  return await dryRunTarget(context, options, report);
}

async function runTarget(context: Context, flags: ConsumeFlags, shared: Shared): Promise<ExitStatus> {
  const { telemetry } = shared;
  const meter = new Meter(context.clock);
  const table = identifierText(targetOf(flags));
  const words = new ConsumeWords(context, meter, { table, isOneOfMany: flags.allTargets });
  const spans = telemetry && new TargetSpans(context, telemetry, table, meter);
  const told: Told = { words, spans, ...shared };
  const look = () => sessionOptions(context, flags, spans?.besides(words) ?? words, meter);
  const first = await look();
  if (!flags.wait) return await ingest(context, flags, told, first);
  const { waitForTarget } = await import("../../core/consume/target_lock.ts");
  const onHeld = (heldBy: string) => words.waits(heldBy);
  const awaited = await waitForTarget(first.options, { signal: context.signal, onHeld });
  if (awaited === undefined) {
    await words.stoppedWaiting();
    return endStatus(context, flags);
  }
  const { lock, waited } = awaited;
  try {
    const { options, ...notes } = waited ? await look() : first;
    return await ingest(context, flags, told, { options: { ...options, lock }, ...notes });
  } finally {
    lock?.release();
  }
}

/** What a run is told to. */
interface Told extends Shared {
  words: ConsumeWords;
  spans: TargetSpans | undefined;
}

async function ingest(
  context: Context,
  flags: ConsumeFlags,
  { words, spans, telemetry, cluster, notifications }: Told,
  { options, notes, notesOfMade }: RunOptions,
): Promise<ExitStatus> {
  for (const note of notes) words.note(note);
  checkNoDedupe(flags, options.dedupe);
  const news = await notifications.newsOf(options.zone);
  if (flags.notifications !== undefined && context.signal.aborted) {
    await words.stoppedWaiting();
    return endStatus(context, flags);
  }
  const tasks = await cluster.tasks();
  const { ConsumeSession } = await import("../../core/consume/consume_session.ts");
  const place = `${options.zone.store.root}/${options.zone.prefix}`;
  const upkeep = flags.noUpkeep ? undefined : await upkeepOf(context, flags, words, options);
  const rawCare = await openRawCare(context, flags, words, options);
  const betweenBatches: BetweenBatches = async (pause) => {
    await upkeep?.betweenBatches(pause);
    await rawCare?.betweenBatches(pause);
  };
  const session = await ConsumeSession.open({ ...options, tasks, news, betweenBatches, newRider: upkeep?.newRider });
  let metrics: LakeMetrics | undefined;
  try {
    for (const note of notesOfMade) words.note(note);
    if (!flags.allTargets) metrics = await metricsOf(context, flags, options.catalog, options.sink, telemetry);
    if (flags.once) {
      const discovery = await session.runOnce(context.signal);
      await rawCare?.atTheEnd(context.signal);
      const { unreadable } = discovery;
      await words.end(discovery, place);
      if (unreadable.length > 0) {
        throw new StreamlabError(
          "unavailable",
          `Cannot read ${counted(unreadable.length, "file")}: ${unreadable[0]!.reason}`,
          {
            hint: unreadable.length === 1
              ? "All others were ingested; fix this one and run consume again"
              : "All others were ingested; fix these and run consume again",
          },
        );
      }
    } else {
      words.watches(place);
      await session.run(
        context.signal,
        flags.trigger,
        (error, pauseMs) => {
          spans?.failed(error);
          words.trouble(error, formatDuration(pauseMs));
        },
      );
      await words.end();
    }
  } catch (error) {
    spans?.failed(error);
    throw error;
  } finally {
    session.close();
    await Promise.all([upkeep?.close(), rawCare?.close(), metrics?.close()]);
  }
  return endStatus(context, flags);
}

function endStatus({ signal }: Context, { once }: ConsumeFlags): ExitStatus {
  if (!once) return stoppedStatus(signal);
  return signal.aborted ? 130 : 0;
}

function targetOf({ table }: ConsumeFlags): TableIdentifier {
  return table === undefined ? DEFAULT_TARGET : { namespace: [table.namespace], name: table.name };
}

/** Where no flag, variable or setting names one, `./lake`. */
function sourceOf({ source }: ConsumeFlags): LakeLocation {
  return source ?? parseLakeLocation("local");
}

async function metricsOf(
  context: Context,
  flags: ConsumeFlags,
  catalog: Catalog,
  store: Store,
  telemetry: OpenTelemetry | undefined,
): Promise<LakeMetrics | undefined> {
  const { clock, random } = context;
  const wishes = { port: flags.metricsPort, telemetry, once: flags.once };
  return await openLakeMetrics(context, wishes, { catalog, store, clock, random }, machineSettings(context, flags));
}

/** In no help: the tables must be the same, and a test shows that they are. */
const JUDGES_ALL = "STREAMLAB_JUDGES_ALL";

function upkeepOf(
  context: Context,
  flags: ConsumeFlags,
  words: ConsumeWords,
  { catalog, sink, clock, random }: ConsumeSessionOptions,
): Promise<ConsumerUpkeep> {
  return openUpkeep({ catalog, store: sink, clock, random }, {
    machine: machineSettings(context, flags),
    memoryBytes: flags.memory,
    keepSnapshots: Math.max(1, flags.keepSnapshots),
    graceMs: flags.deleteAfter,
    report: (record) => words.upkeep(record),
    note: (text) => words.note(text),
  });
}

interface RunOptions {
  options: ConsumeSessionOptions;
  /** What the user should know of them. */
  notes: string[];
  /** And of tables that are new: what is refused is not made. */
  notesOfMade: string[];
}

async function sessionOptions(
  context: Context,
  flags: ConsumeFlags,
  report: ConsumerReport,
  meter: Meter,
): Promise<RunOptions> {
  const { clock, random } = context;
  const { parsePartitionField } = await import("../../core/consume/partition_by.ts");
  const source = await openLake(context, sourceOf(flags));
  const sink = flags.sink === undefined ? source : await openLake(context, flags.sink);
  const target = targetOf(flags);
  const catalog = await openCatalog(context, flags, () => Promise.resolve(sink), { tidiesLater: true });
  const { targetRecordOf } = await import("../../core/lake/target_record.ts");
  const table = await catalog.loadTable(target);
  // What an earlier run left with the table, for all that no flag says.
  const before = table && targetRecordOf(table.metadata.properties, identifierText(target));
  const document = await readContractDocument(context, flags, before?.contract);
  const notes = contractNotes(document);
  const { contract } = document;
  const zone = await rawZone(context, flags, { source, sink, before });
  checkPathColumns(zone.pathColumns ?? [], contract.fields);
  const partitionBy = partitionFields(flags.partitionBy, contract);
  const isWithout = table === undefined && flags.partitionBy === undefined && partitionBy.length === 0;
  const notesOfMade = isWithout
    ? ["The table is made without partitions; --partition-by names some, now or never"]
    : [];
  const options: ConsumeSessionOptions = {
    catalog,
    sink,
    zone,
    target,
    contract,
    partitionBy: partitionBy.map(parsePartitionField),
    partitionByIsAsked: flags.partitionBy !== undefined,
    onExtraFields: flags.onExtraFields ?? before?.options.onExtraFields ?? "dead-letter",
    onWrongType: flags.onWrongType ?? before?.options.onWrongType,
    dedupe: dedupeRuleFor(flags, contract, before?.options.dedupe),
    upsert: upsertRuleFor(flags, contract, before?.options.upsert),
    onChangedFile: flags.onChangedFile,
    maxFilesPerBatch: Math.max(1, flags.maxFilesPerBatch),
    maxBytesPerBatch: flags.maxBytesPerBatch,
    maxDeadLetters: flags.maxDeadLetters,
    clock,
    random,
    meter,
    ...machineSettings(context, flags),
    holder: `process ${Deno.pid} on ${Deno.hostname()}, since ${new Date(clock.nowMs()).toISOString()}`,
    report,
    judgesAll: context.env(JUDGES_ALL) === "1",
  };
  checkUpsertAlone(options, flags);
  return { options, notes, notesOfMade };
}

function partitionFields(given: string[] | undefined, contract: ConsumeSessionOptions["contract"]): string[] {
  if (given !== undefined) return given;
  const time = contract.fields.find(({ name, type }) => name === "event_timestamp" && type.kind === "timestamptz");
  return time === undefined ? [] : ["day(event_timestamp)"];
}
