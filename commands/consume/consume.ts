import { counted } from "../../core/base/counted.ts";
import * as z from "zod";
import { Meter } from "../../core/base/meter.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { type Catalog, identifierText, type TableIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { EVENTS_FOLDER } from "../../core/lake/layout.ts";
import { DEFAULT_TARGET } from "../../core/lake/table_names.ts";
import { localFolder, type RawZone } from "../../core/lake/raw_zone.ts";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import type { TargetRecord } from "../../core/lake/target_record.ts";
import { parseLocation } from "../../core/storage/location.ts";
import type { Store } from "../../core/storage/store.ts";
import { catalogFlags, openCatalog } from "../open_catalog.ts";
import { type Context, defineCommand, type ExitStatus, stoppedStatus } from "../line/command.ts";
import { checkOfNoTarget, runAllTargets } from "./all_targets.ts";
import { type ConsumerUpkeep, openUpkeep } from "./upkeep.ts";
import { type MetricsServer, openMetricsServer } from "./metrics_server.ts";
import { ConsumeWords } from "./words.ts";
import { contractFlags, contractNotes, readContractDocument } from "../contract_file.ts";
import { flag } from "../line/flags.ts";
import { missingRoot, openLake } from "../open_lake.ts";
import { formatDuration, printNote } from "../line/output.ts";
import { type LakeLocation, parseTableName } from "../line/values.ts";
import { parsePort } from "../listening.ts";
import { machineSettings } from "../machine.ts";

const TABLES = { section: "TABLES" } as const;
const LIMITS = { section: "LIMITS" } as const;
const UPKEEP = { section: "UPKEEP" } as const;

const flags = z.object({
  source: flag.lake({
    doc: "lake whose raw/events/ is read: local (./lake), s3, a path, s3://bucket/prefix",
    default: "local",
  }),
  sink: flag.lake({ doc: "lake for the tables and checkpoints (default: the source)" }),
  raw: flag.lake({
    doc:
      "read this folder or s3:// prefix (default: what the table was fed from before, else the source's raw/events/)",
    placeholder: "URI",
  }),
  format: flag.choice(["json", "ndjson", "parquet"], {
    doc: "format of all files, whatever their names say (default: as before)",
  }),
  create: flag.switch({ doc: "make the folder of the raw files where it is not there" }),
  inferContract: flag.switch({
    doc: "print a contract drawn from a sample of the files that are there, and what it would make dead letters of",
  }),
  once: flag.switch({ doc: "ingest the files that are there now, then exit" }),
  trigger: flag.duration({
    doc:
      "shortest time between the starts of two batches: a file after a pause is taken at once, a stream of files once in " +
      "that time; also how often to look if the system does not report new files",
    default: "1s",
  }),
  onChangedFile: flag.choice(["ignore", "ingest", "fail"], {
    doc: "if a known name has new content: report it, ingest it as new, or stop",
    default: "ignore",
  }),
  table: flag.table({
    ...TABLES,
    doc:
      "table for events; dead letters go to dead_letters.<name>, outside of bronze to dead_letters.<namespace>_<name> " +
      `(default ${identifierText(DEFAULT_TARGET)})`,
  }),
  allTargets: flag.switch({
    ...TABLES,
    doc: "every table of the lake that was fed before, as it was fed, in one process",
  }),
  contract: flag.file({ ...TABLES, doc: "JSON Schema of a valid event (default: as before, else the built-in one)" }),
  ...contractFlags(TABLES.section),
  onExtraFields: flag.choice(["dead-letter", "rescue", "add"], {
    ...TABLES,
    doc:
      "for fields that the contract does not name: make a dead letter, keep them in _rescued, or add columns (default: as " +
      "before, else dead-letter)",
  }),
  onWrongType: flag.choice(["dead-letter", "rescue"], {
    ...TABLES,
    doc:
      "for records whose only fault is the type of optional fields: make a dead letter, or keep the record with these " +
      "fields null and their text in _rescued (default: as before, else dead-letter)",
  }),
  onEmpty: flag.choice(["dead-letter", "ignore"], {
    ...TABLES,
    doc:
      "for files that are empty or an empty array: make a dead letter, or ingest them with no records (default: as before, " +
      "else dead-letter)",
  }),
  partitionBy: flag.list({
    ...TABLES,
    doc:
      "partition fields of the table when it is made, such as bucket(16, user_id) (default: day(event_timestamp) where the " +
      "contract has it)",
    placeholder: "FIELDS",
  }),
  maxFilesPerBatch: flag.count({ ...LIMITS, doc: "most files in a batch", default: "10000" }),
  maxBytesPerBatch: flag.size({
    ...LIMITS,
    doc: "most bytes of files in a batch, but at least one file",
    default: "1GB",
  }),
  maxDeadLetters: flag.limit({
    ...LIMITS,
    doc: "stop with status 3 after the batch that exceeds this number, or this part of its records (from 1,000 on)",
  }),
  threads: flag.count({ ...LIMITS, doc: "threads to use (default: all cores)" }),
  memory: flag.size({
    ...LIMITS,
    doc: "memory to use: with less, buffers are smaller, threads fewer, and DuckDB spills to disk",
    default: "1GB",
  }),
  noUpkeep: flag.switch({ ...UPKEEP, doc: "leave the tables alone: merge no files, expire nothing, delete nothing" }),
  keepSnapshots: flag.count({
    ...UPKEEP,
    doc: "snapshots of each branch that stay, if the table's history.expire.* properties ask for no more",
    default: "100",
  }),
  deleteAfter: flag.duration({
    ...UPKEEP,
    doc: "delete files so long after nothing needs them, so that readers can end",
    default: "1h",
  }),
  metricsPort: flag.of(parsePort, {
    doc: "offer /metrics, /healthz and /readyz on this port of this machine; 0 takes a free one",
    placeholder: "PORT",
  }),
  ...catalogFlags,
});

type Flags = z.output<typeof flags>;

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
      doc: "another table with another contract",
      line: "streamlab consume --table orders.raw --contract orders.schema.json --partition-by 'day(ordered_at)'",
    },
    {
      doc: "what are these files? a contract to begin with",
      line: "streamlab consume --infer-contract --raw events > c.json",
    },
    { doc: "every table of the lake goes on as before", line: "streamlab consume --all-targets" },
    { doc: "tables in an Iceberg REST catalog", line: "streamlab consume --catalog http://127.0.0.1:8181" },
    { doc: "read files from another place", line: "streamlab consume --raw /var/log/events --sink ./lake --once" },
  ],
  flags,
  run,
});

async function run(context: Context, flags: Flags): Promise<ExitStatus> {
  if (flags.inferContract) return await inferFromZone(context, flags);
  if (!flags.allTargets) return await runTarget(context, flags);
  checkOfNoTarget(consume.flags, flags, TABLES.section, ["sink", "raw", "format"]);
  const sink = await openLake(context, flags.source);
  const catalog = await openCatalog(context, flags, () => Promise.resolve(sink));
  const { shareOfTarget } = await import("../../core/routing/memory_shares.ts");
  // One for all of them.
  const metrics = await metricsOf(context, flags, catalog, sink);
  try {
    return await runAllTargets(context, catalog, {
      inTurn: flags.once,
      run: (table, targets) => {
        const memory = flags.once ? flags.memory : shareOfTarget(flags.memory, targets);
        return runTarget(context, { ...flags, metricsPort: undefined, table: parseTableName(table), memory });
      },
    });
  } finally {
    await metrics?.close();
  }
}

async function inferFromZone(context: Context, flags: Flags): Promise<ExitStatus> {
  const refused = flags.allTargets ? "--all-targets" : flags.contract === undefined ? undefined : "--contract";
  if (refused !== undefined) {
    throw new StreamlabError("usage", `--infer-contract and ${refused} cannot be asked for together`, {
      hint: "Leave out one of them",
    });
  }
  const source = await openLake(context, flags.source);
  const sink = flags.sink === undefined ? source : await openLake(context, flags.sink);
  const catalog = await openCatalog(context, flags, () => Promise.resolve(sink));
  const [{ targetRecordOf }, { inferContract }] = await Promise.all([
    import("../../core/lake/target_record.ts"),
    import("./infer_contract.ts"),
  ]);
  const target = targetOf(flags);
  const table = await catalog.loadTable(target);
  const before = table && targetRecordOf(table.metadata.properties, identifierText(target));
  const zone = await rawZone(context, { ...flags, once: true }, { source, sink, before });
  return await inferContract(context, zone, before?.contract);
}

async function runTarget(context: Context, flags: Flags): Promise<ExitStatus> {
  const { ConsumeSession } = await import("../../core/consume/consume_session.ts");
  const meter = new Meter(context.clock);
  const table = identifierText(targetOf(flags));
  const words = new ConsumeWords(context, meter, { table, isOneOfMany: flags.allTargets });
  const options = await sessionOptions(context, flags, words, meter);
  const place = `${options.zone.store.root}/${options.zone.prefix}`;
  const upkeep = flags.noUpkeep ? undefined : await upkeepOf(context, flags, words, options);
  const { betweenBatches, newRider } = upkeep ?? {};
  const session = await ConsumeSession.open({ ...options, betweenBatches, newRider });
  let metrics: MetricsServer | undefined;
  try {
    metrics = await metricsOf(context, flags, options.catalog, options.sink);
    if (flags.once) {
      const discovery = await session.runOnce(context.signal);
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
        (error, pauseMs) => words.trouble(error, formatDuration(pauseMs)),
      );
      await words.end();
    }
  } finally {
    session.close();
    await Promise.all([upkeep?.close(), metrics?.close()]);
  }
  if (!flags.once) return stoppedStatus(context.signal);
  return context.signal.aborted ? 130 : 0;
}

function targetOf({ table }: Flags): TableIdentifier {
  return table === undefined ? DEFAULT_TARGET : { namespace: [table.namespace], name: table.name };
}

async function metricsOf(
  context: Context,
  flags: Flags,
  catalog: Catalog,
  store: Store,
): Promise<MetricsServer | undefined> {
  if (flags.metricsPort === undefined) return undefined;
  const { clock, random } = context;
  const surroundings = { catalog, store, clock, random };
  const server = await openMetricsServer(context, flags.metricsPort, surroundings, machineSettings(context, flags));
  await printNote(context, `Metrics at ${server.address}/metrics`);
  return server;
}

/** In no help: the tables must be the same, and a test shows that they are. */
const JUDGES_ALL = "STREAMLAB_JUDGES_ALL";

function upkeepOf(
  context: Context,
  flags: Flags,
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

async function sessionOptions(
  context: Context,
  flags: Flags,
  words: ConsumeWords,
  meter: Meter,
): Promise<ConsumeSessionOptions> {
  const { clock, random } = context;
  const { parsePartitionField } = await import("../../core/consume/partition_by.ts");
  const source = await openLake(context, flags.source);
  const sink = flags.sink === undefined ? source : await openLake(context, flags.sink);
  const target = targetOf(flags);
  const catalog = await openCatalog(context, flags, () => Promise.resolve(sink), { tidiesLater: true });
  const { targetRecordOf } = await import("../../core/lake/target_record.ts");
  const table = await catalog.loadTable(target);
  // What an earlier run left with the table, for all that no flag says.
  const before = table && targetRecordOf(table.metadata.properties, identifierText(target));
  const document = await readContractDocument(context, flags, before?.contract);
  for (const note of contractNotes(document)) words.note(note);
  const { contract } = document;
  const partitionBy = partitionFields(flags.partitionBy, contract);
  if (table === undefined && flags.partitionBy === undefined && partitionBy.length === 0) {
    words.note("The table is made without partitions; --partition-by names some, now or never");
  }
  return {
    catalog,
    sink,
    zone: await rawZone(context, flags, { source, sink, before }),
    target,
    contract,
    partitionBy: partitionBy.map(parsePartitionField),
    partitionByIsAsked: flags.partitionBy !== undefined,
    onExtraFields: flags.onExtraFields ?? before?.options.onExtraFields ?? "dead-letter",
    onWrongType: flags.onWrongType ?? before?.options.onWrongType,
    onChangedFile: flags.onChangedFile,
    maxFilesPerBatch: Math.max(1, flags.maxFilesPerBatch),
    maxBytesPerBatch: flags.maxBytesPerBatch,
    maxDeadLetters: flags.maxDeadLetters,
    clock,
    random,
    meter,
    ...machineSettings(context, flags),
    holder: `process ${Deno.pid} on ${Deno.hostname()}, since ${new Date(clock.nowMs()).toISOString()}`,
    report: words,
    judgesAll: context.env(JUDGES_ALL) === "1",
  };
}

function partitionFields(given: string[] | undefined, contract: ConsumeSessionOptions["contract"]): string[] {
  if (given !== undefined) return given;
  const time = contract.fields.find(({ name, type }) => name === "event_timestamp" && type.kind === "timestamptz");
  return time === undefined ? [] : ["day(event_timestamp)"];
}

interface RawChoice {
  source: Store;
  sink: Store;
  before: TargetRecord | undefined;
}

/**
 * Where raw files are, and their names in the ledger: the path if they are in the sink's lake, else
 * the URI. Whoever names a sink besides names the source for its raw files, as `--raw` does.
 */
async function rawZone(context: Context, flags: Flags, { source, sink, before }: RawChoice): Promise<RawZone> {
  const [{ nameFile }, { rawPlaceOf }] = await Promise.all([
    import("../../core/storage/file_name.ts"),
    import("../../core/lake/target_record.ts"),
  ]);
  const format = flags.format ?? before?.options.format;
  const onEmpty = flags.onEmpty ?? before?.options.onEmpty;
  if (flags.raw === undefined && flags.sink === undefined && before !== undefined) {
    const { root, prefix, base } = rawPlaceOf(sink.root, before);
    const store = root === sink.root ? sink : await openLake(context, parseLocation(root));
    const zone = { store, prefix, nameBase: base, format, onEmpty };
    await checkThere(flags, zone, "--raw", "put back the one that the table is fed from");
    return zone;
  }
  const [store, prefix, flag] = flags.raw === undefined
    ? [source, `${EVENTS_FOLDER}/`, "--source"]
    : [await openLake(context, flags.raw as LakeLocation), "", "--raw"];
  const zone = { store, prefix, nameBase: nameFile(sink.root, store.root, ""), format, onEmpty };
  await checkThere(flags, zone, flag, "write files into it with streamlab produce");
  return zone;
}

/** A wrong name would be watched for ever: what is not there is only made where that is wished. */
async function checkThere({ once, create }: Flags, zone: RawZone, flag: string, otherwise: string): Promise<void> {
  if (create) return await makeZone(zone);
  const folder = once ? undefined : localFolder(zone);
  if (folder === undefined ? await zone.store.rootExists() : await isFolder(folder)) return;
  if (folder === undefined) throw await missingRoot(zone.store, flag, "folder to read", otherwise);
  throw new StreamlabError("not-found", `There is no folder to watch at ${folder}`, {
    hint: `Name another with ${flag}, or give --create, which makes it`,
  });
}

async function makeZone(zone: RawZone): Promise<void> {
  const folder = localFolder(zone);
  if (folder !== undefined) await Deno.mkdir(folder, { recursive: true });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
