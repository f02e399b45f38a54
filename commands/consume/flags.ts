/** The flags of `consume`, as data. */
import * as z from "zod";
import { identifierText } from "../../core/iceberg/catalog/catalog.ts";
import { DEFAULT_TARGET } from "../../core/lake/table_names.ts";
import { contractFlags } from "../contract_file.ts";
import { flag } from "../line/flags.ts";
import { parsePort } from "../listening.ts";
import { catalogFlags } from "../open_catalog.ts";
import { dedupeFlags } from "./dedupe.ts";
import { parseNotifications } from "./notifications.ts";
import { parsePointer } from "./pointer.ts";
import { sparkFlags } from "../spark.ts";
import { upsertFlags } from "./upsert.ts";

/** Flags of one target. */
export const TABLES = { section: "TABLES" } as const;
const LIMITS = { section: "LIMITS" } as const;
const UPKEEP = { section: "UPKEEP" } as const;

export const consumeFlags = z.object({
  source: flag.lake({
    doc:
      "lake whose raw/events/ is read: local (./lake), s3, a path, s3://bucket/prefix (default: local; with --sink, what " +
      "the table was fed from before)",
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
  dryRun: flag.switch({
    doc: "judge the files that are there, write nothing, and print what would go where",
  }),
  once: flag.switch({ doc: "ingest the files that are there now, then exit" }),
  wait: flag.switch({
    doc: "where another consumer of the table is running on this machine, wait until it ends, and take over",
  }),
  trigger: flag.duration({
    doc:
      "shortest time between the starts of two batches: a file after a pause is taken at once, a stream of files once in " +
      "that time; also how often to look if the system does not report new files",
    default: "1s",
  }),
  notifications: flag.of(parseNotifications, {
    doc:
      "take S3 event messages that are posted to http://HOST:PORT, or from a queue of SQS (sqs://HOST/ACCOUNT/NAME), and " +
      "list the bucket only now and then",
    placeholder: "URL",
  }),
  notificationsTokenFile: flag.file({
    doc: "bearer tokens that may post messages, one a line; needed unless HOST is this machine's own",
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
  records: flag.of(parsePointer, {
    ...TABLES,
    doc:
      "files, lines and values of JSON are envelopes, and the records are in the array or object at this place, such as " +
      "/Records (default: as before)",
    placeholder: "POINTER",
  }),
  pathColumns: flag.list({
    ...TABLES,
    doc:
      "fields of the contract that folders have the values of, such as dt,hour for dt=2026-03-01/hour=03/x.json (default: " +
      "as before)",
    placeholder: "FIELDS",
  }),
  onEmpty: flag.choice(["dead-letter", "ignore"], {
    ...TABLES,
    doc:
      "for files that are empty or an empty array: make a dead letter, or ingest them with no records (default: as before, " +
      "else dead-letter)",
  }),
  ...dedupeFlags(TABLES.section),
  ...upsertFlags(TABLES.section),
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
  ...sparkFlags("CLUSTER", {
    engine: "who reads the files and writes the data files of a batch: this process, or tasks on a Spark cluster",
    taskSize: "bytes of raw files that are a task, about",
  }),
  afterIngest: flag.choice(["keep", "archive", "delete"], {
    ...UPKEEP,
    doc:
      "what becomes of raw files that every table of the lake which is fed from them has ingested: leave them, move them " +
      "to raw/archive/ of the lake, or delete them, so that the audit has only their counts",
    default: "keep",
  }),
  afterIngestAge: flag.duration({
    ...UPKEEP,
    doc: "archive or delete raw files so long after they were ingested",
    default: "7d",
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

export type ConsumeFlags = z.output<typeof consumeFlags>;
