import { counted, formatCount } from "../../core/base/counted.ts";
import { resolve } from "node:path";
import * as z from "zod";
import { StreamlabError } from "../../core/base/errors.ts";
import { CLEAN_CHANCES, DIRTY_CHANCES, type ProduceOptions } from "../../core/produce/options.ts";
import type { EventFileSink } from "../../core/produce/parts.ts";
import { type Context, defineCommand, type ExitStatus, stoppedStatus } from "../line/command.ts";
import { flag } from "../line/flags.ts";
import { formatDuration, formatSize, printNote, printResult } from "../line/output.ts";
import { ProduceTally, recordOf } from "./tally.ts";
import { Meter } from "../../core/base/meter.ts";
import { startProgress } from "../line/progress.ts";
import { openTruthFile } from "./truth_log.ts";
import { type LakeLocation, parseCount, parseLakeLocation, parseTime } from "../line/values.ts";

const SEED_MAX = 2 ** 32 - 1;
const BATCH_SIZE_MAX = 10_000_000;
const USERS_MAX = 10_000_000;
/**
 * Names hold milliseconds since 1970, and the microseconds of a later time would not fit into a
 * double.
 */
const startMsLimit = Date.UTC(2200);
const DEFAULT_INTERVAL_MS = 3_000;

const DIRT = { section: "WHAT GOES WRONG" } as const;

const flags = z.object({
  sink: flag.of(parseSink, {
    doc: "lake to write to: local (./lake), s3, a path, s3://bucket/prefix; or stdout to print",
    default: "local",
    placeholder: "LAKE",
  }),
  batches: flag.count({ doc: "files to write (default: until stopped)" }),
  batchSize: flag.of(countUpTo(BATCH_SIZE_MAX), { doc: "records per file", default: "10", placeholder: "N" }),
  interval: flag.duration({
    doc: "time from the start of one file to the next, 0 for none (default 3s; 0 with --seed, which replays)",
  }),
  rate: flag.rate({ doc: "average events per second, instead of --interval" }),
  seed: flag.of(parseSeed, {
    doc: "seed of the random numbers; with --start it fixes bytes and names",
    placeholder: "N",
  }),
  start: flag.of(parseStart, {
    placeholder: "TIME",
    doc: "time of the first event; --interval or --rate spaces them, else one per millisecond",
  }),
  users: flag.of(countUpTo(USERS_MAX), {
    doc: "number of users; the first are the busiest",
    default: "1000",
    placeholder: "N",
  }),
  format: flag.choice(["json", "ndjson", "parquet"], {
    doc: "a JSON array, a record per line, or rows",
    default: "json",
  }),
  compress: flag.choice(["none", "gzip", "zstd"], {
    doc: "compression of the file; for Parquet, inside it",
    default: "none",
  }),
  truth: flag.file({ doc: "append to this file where each record must go, one line of JSON per file" }),
  dirty: flag.switch({ ...DIRT, doc: "set high chances for all of these; explicit flags win" }),
  corruptionChance: flag.chance({ ...DIRT, doc: "a file is corrupted (0); in NDJSON mostly some lines of it" }),
  invalidSchemaChance: flag.chance({ ...DIRT, doc: "a record breaks the contract (0)" }),
  extraFieldsChance: flag.chance({ ...DIRT, doc: "a record has an extra field (0); in Parquet a file has" }),
  duplicateChance: flag.chance({ ...DIRT, doc: "a record repeats an earlier one, of its file or another (0)" }),
  lateChance: flag.chance({ ...DIRT, doc: "an event's time is seconds to days in the past (0)" }),
  evolveAfter: flag.count({ ...DIRT, doc: "files after the first N carry a new column, country" }),
  catalog: flag.text({
    placeholder: "URL",
    doc: "accepted like in other commands, but without effect: produce touches no tables",
  }),
});

type Flags = z.output<typeof flags>;
type Sink = LakeLocation | { kind: "stdout" };

export const produce = defineCommand({
  name: "produce",
  summary: "Write files of events, some of them broken on purpose",
  description: [
    "Users of a shop view pages, fill carts and buy. The events are valid by the default contract; files go below raw/events/ of a lake.",
    "Their names sort by time, and a file appears whole or not at all. Chances above 0 break files and records in many ways;",
    "--truth records what was done to which record. Ctrl-C finishes the file in flight.",
  ].join("\n"),
  examples: [
    { doc: "a file of ten events every three seconds into ./lake", line: "streamlab produce" },
    {
      doc: "a dirty lake to practise on, the same every time, with its solution",
      line:
        "streamlab produce --batches 200 --batch-size 500 --interval 0 --dirty --seed 7 --start 2026-03-01 --truth truth.ndjson",
    },
    {
      doc: "5,000 events a second of compressed NDJSON into a bucket",
      line: "streamlab produce --sink s3://lake --rate 5000/s --batch-size 1000 --format ndjson --compress zstd",
    },
    { doc: "look at a few events", line: "streamlab produce --sink stdout --batches 1 --format ndjson" },
  ],
  flags,
  run: runProduce,
});

async function runProduce(context: Context, given: Flags): Promise<ExitStatus> {
  checkTogether(given, context.json);
  const options = optionsOf(given);
  const [core, sink] = await Promise.all([import("../../core/produce/produce.ts"), openSink(given.sink, context)]);
  const truth = given.truth === undefined ? undefined : await openTruthFile(resolve(context.cwd, given.truth));
  const meter = new Meter(context.clock);
  const progress = startProgress(context, "Producing", meter);
  if (options.batches !== undefined) meter.count("filesMax", options.batches);
  const tally = new ProduceTally();
  const startMs = context.clock.nowMs();
  const { clock, random, signal } = context;
  try {
    const isComplete = await core.produce(options, {
      clock,
      random,
      sink,
      signal,
      truth,
      async onFile(file) {
        const before = tally.events;
        tally.add(file, options.batchSize);
        meter.count("events", tally.events - before);
        meter.count("files");
        if (context.json) await printResult(context, recordOf(file), "");
      },
    });
    await progress.end();
    await printSummary(context, given.sink, sink, tally, context.clock.nowMs() - startMs);
    return isComplete ? 0 : options.batches === undefined ? stoppedStatus(signal) : 130;
  } finally {
    await progress.end();
    truth?.close();
  }
}

async function printSummary(context: Context, to: Sink, sink: EventFileSink, tally: ProduceTally, ms: number) {
  const rate = ms < 1 ? "" : `, ${counted(Math.round(tally.events / ms * 1_000), "event")}/s`;
  const lines = [
    `Produced ${counted(tally.files, "file")}, ${counted(tally.events, "event")}, ${formatSize(tally.bytes)} ` +
    `in ${formatDuration(ms)}${rate}, to ${sink.name}`,
    `  ${tally.kinds()}`,
  ];
  // With --json each file's line is the result; on stdout the events are.
  if (to.kind === "stdout") await printNote(context, ...lines);
  else if (!context.json) await printResult(context, {}, lines.join("\n"));
}

function optionsOf(given: Flags): ProduceOptions {
  const usual = given.dirty ? DIRTY_CHANCES : CLEAN_CHANCES;
  return {
    batches: given.batches,
    batchSize: given.batchSize,
    pace: given.rate === undefined
      ? { kind: "interval", intervalMs: given.interval ?? (given.seed === undefined ? DEFAULT_INTERVAL_MS : 0) }
      : { kind: "rate", eventsPerSecond: given.rate },
    seed: given.seed,
    startMs: given.start,
    users: given.users,
    format: given.format,
    compression: given.compress,
    chances: {
      corruption: given.corruptionChance ?? usual.corruption,
      invalidSchema: given.invalidSchemaChance ?? usual.invalidSchema,
      extraFields: given.extraFieldsChance ?? usual.extraFields,
      duplicate: given.duplicateChance ?? usual.duplicate,
      late: given.lateChance ?? usual.late,
    },
    evolveAfter: given.evolveAfter,
  };
}

/** What no single flag can tell. */
function checkTogether(given: Flags, json: boolean): void {
  const refuse = (message: string, hint: string) => {
    throw new StreamlabError("usage", message, { hint });
  };
  if (given.rate !== undefined && given.interval !== undefined) {
    refuse("--rate and --interval cannot both set the pace", "leave out one of them");
  }
  if (given.sink.kind !== "stdout") return;
  if (json) refuse("--sink stdout and --json both print on standard output", "leave out one of them");
  if (given.format === "parquet" || given.compress !== "none") {
    refuse("--sink stdout prints text", "leave out --compress, and choose --format json or ndjson");
  }
}

async function openSink(sink: Sink, context: Context): Promise<EventFileSink> {
  if (sink.kind === "stdout") {
    return {
      name: "standard output",
      has: () => Promise.resolve(false),
      async create(_path, bytes) {
        await context.stdout.write(bytes);
        // A file cut within a line must not spoil the first line of the next.
        if (bytes.at(-1) !== 10) await context.stdout.write("\n");
        return true;
      },
    };
  }
  const [{ openLake }, { storeSink }] = await Promise.all([
    import("../open_lake.ts"),
    import("../../core/produce/store_sink.ts"),
  ]);
  return storeSink(await openLake(context, sink), context);
}

function parseSink(text: string): Sink {
  return text === "stdout" ? { kind: "stdout" } : parseLakeLocation(text);
}

function parseSeed(text: string): number {
  const seed = parseCount(text);
  if (seed <= SEED_MAX) return seed;
  throw new StreamlabError("usage", `expected a whole number from 0 to ${SEED_MAX}, got "${text}"`);
}

function parseStart(text: string): number {
  const startMs = parseTime(text);
  if (startMs >= 0 && startMs < startMsLimit) return startMs;
  throw new StreamlabError("usage", `expected a time from 1970 to 2199, got "${text}"`);
}

function countUpTo(max: number): (text: string) => number {
  return (text) => {
    const count = parseCount(text);
    if (count >= 1 && count <= max) return count;
    throw new StreamlabError("usage", `expected a whole number from 1 to ${formatCount(max)}, got "${text}"`);
  };
}
