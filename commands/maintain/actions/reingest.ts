import { counted, formatCount } from "../../../core/base/counted.ts";
import { isKind, StreamlabError } from "../../../core/base/errors.ts";
import { mapParallel } from "../../../core/base/parallel.ts";
import { visibleText } from "../../../core/base/visible_text.ts";
import type { SqlValue } from "../../../core/engine/duckdb.ts";
import { eventFileKind } from "../../../core/lake/event_file.ts";
import { type ChosenRows, fitsPlan, type PlannedFile, type ReplacedFile } from "../../../core/lake/batch_plan.ts";
import { archivePathOf } from "../../../core/lake/raw_archive.ts";
import { LEDGER_COLUMNS } from "../../../core/lake/our_columns.ts";
import type { RawZone } from "../../../core/lake/raw_zone.ts";
import type { TargetRecord } from "../../../core/lake/target_record.ts";
import type { KnownTarget } from "../../../core/lake/targets.ts";
import { parseLocation } from "../../../core/storage/location.ts";
import { checkRecord, type JudgingAgain, openSession, recordToJudgeBy, zoneOf } from "../../judging_again.ts";
import { flag } from "../../line/flags.ts";
import { printNote, printResult } from "../../line/output.ts";
import { openLake } from "../../open_lake.ts";
import { type Job, lakeAction } from "../action.ts";

const DOC = "ingest the files again whose names match this pattern, as they are now and by the contract of today: " +
  "their rows leave both tables, and the new ones come, in one batch";

const FLAGS = {};
type Flags = typeof FLAGS;

export const reingest = lakeAction({
  name: "reingest",
  doc: DOC,
  wish: flag.text({ section: "WHAT TO DO", doc: DOC, placeholder: "GLOB" }),
  flags: FLAGS,
  run: reingestTargets,
});

const STATS_PARALLEL = 16;
/** Consumers that are first each time are fast ones; what they take leaves room now and then. */
const TRIES_MAX = 100;
/** More only scrolls by. */
const PRINTED_MAX = 20;

/** False where rows of some files stay, because these are gone. */
async function reingestTargets(job: Job<Flags>): Promise<boolean> {
  const { context, surroundings: { catalog }, flags } = job;
  const { targetsOfCatalog } = await import("../../../core/lake/targets.ts");
  const { reingest: glob } = flags as unknown as { reingest: string };
  const asked = flags.table === undefined ? undefined : `${flags.table.namespace}.${flags.table.name}`;
  const targets = (await targetsOfCatalog(catalog)).filter(({ name }) => asked === undefined || asked === name);
  let isThere = false, isWhole = true, refusal: StreamlabError | undefined;
  for (const target of targets) {
    if (context.signal.aborted) return true;
    try {
      const done = await new Reingest(job, target, glob).run();
      isThere ||= done !== undefined;
      isWhole &&= done?.isWhole ?? true;
    } catch (error) {
      // One that cannot be reingested keeps no other from it, unless it was asked for.
      if (asked !== undefined || targets.length === 1 || !isKind(error, "usage")) throw error;
      await printNote(context, error.message);
      refusal ??= error;
    }
  }
  if (isThere) return isWhole && refusal === undefined;
  if (refusal !== undefined) throw refusal;
  throw new StreamlabError("not-found", `No file of ${asked ?? "any table"} was ingested that matches ${glob}`, {
    hint: "The pattern is about names as ingest.files has them, raw/events/2026-03-0*; * matches slashes too",
  });
}

/** Files of the ledger that the pattern takes. */
interface Choice {
  /** As they are now. */
  files: PlannedFile[];
  versions: ReplacedFile[];
  /** Names of those that are nowhere any more, of changed ones, and of those in the archive. */
  gone: string[];
  changed: string[];
  archived: string[];
}

class Reingest {
  readonly #job: Job<Flags>;
  readonly #target: KnownTarget;
  readonly #glob: string;
  readonly #judging: JudgingAgain;

  constructor(job: Job<Flags>, target: KnownTarget, glob: string) {
    this.#job = job;
    this.#target = target;
    this.#glob = glob;
    const { context, surroundings, machine } = job;
    const tools = {
      surroundings,
      machine,
      batchMemory: machine.memory,
      openRaw: (root: string) => openLake(context, parseLocation(root)),
      note: (text: string) => printNote(context, text),
    };
    this.#judging = { tools, target, verb: "reingest files" };
  }

  /** Undefined where the target has no such files. */
  async run(): Promise<{ isWhole: boolean } | undefined> {
    const { context, flags: { dryRun } } = this.#job;
    // Where it has none, it does not matter whether they could be reingested.
    if ((await this.#versions(undefined)).length === 0) return undefined;
    const record = await recordToJudgeBy(this.#judging);
    const done = dryRun ? await this.#wouldBe(record) : await this.#reingest(record);
    if (done === undefined) return { isWhole: true };
    const { choice: { gone, changed, archived }, ...figures } = done;
    const table = this.#target.name;
    for (const name of gone.slice(0, PRINTED_MAX)) {
      await this.#tell(`${name} is gone, also from the archive: its rows stay`);
    }
    for (const name of changed.slice(0, PRINTED_MAX)) {
      await this.#tell(`${name} has changed since it was ingested: it is taken as it is now`);
    }
    await printResult(
      context,
      {
        action: "reingest",
        table,
        dryRun,
        ...figures,
        filesGone: gone,
        filesChanged: changed,
        filesArchived: archived,
      },
      textOf(table, done, dryRun),
    );
    return { isWhole: gone.length === 0 && (dryRun || done.files === done.choice.files.length) };
  }

  async #wouldBe(record: TargetRecord): Promise<Reingested> {
    const choice = await this.#choose(record, undefined);
    return { choice, batchId: null, files: choice.files.length, ...before(choice), after: null };
  }

  /** Undefined where it was interrupted. */
  async #reingest(record: TargetRecord): Promise<Reingested | undefined> {
    const { context, surroundings: { catalog } } = this.#job;
    const session = await openSession(this.#judging, record, {
      batch: ({ resumed, batchId, files }) => {
        if (resumed) {
          void this.#tell(`Finished batch ${batchId} of ${counted(files, "file")}, which another run had begun`);
        }
      },
      file: (name, what) => void this.#tell(`${name} has ${what} while it was to be read: its rows stay`),
    });
    try {
      for (let tries = 0; tries < TRIES_MAX && !context.signal.aborted; tries++) {
        let planned: { choice: Choice; batchId: bigint } | undefined;
        const isOurs = await session.takeAgain(async (doneBatchId): Promise<ChosenRows | undefined> => {
          await checkRecord(this.#judging, record);
          const choice = await this.#choose(record, doneBatchId);
          planned = { choice, batchId: doneBatchId + 1n };
          const { files, versions: reingest } = choice;
          return files.length === 0 ? undefined : { format: 4, files, reingest };
        }, context.signal);
        if (planned === undefined) return undefined;
        const { choice, batchId } = planned;
        if (choice.files.length === 0) {
          return { choice, batchId: null, files: 0, ...before(choice), after: null };
        }
        // Whoever has committed it, a consumer perhaps.
        const after = await this.#after(choice, batchId, isOurs);
        if (after !== undefined) return { choice, batchId: Number(batchId), ...after, ...before(choice) };
      }
    } finally {
      session.close();
      await catalog.settle();
    }
    if (context.signal.aborted) return undefined;
    throw new StreamlabError("conflict", `Cannot reingest files of ${this.#target.name}: consumers are always first`, {
      hint: "Run again when there is less to ingest",
    });
  }

  async #tell(text: string): Promise<void> {
    await printNote(this.#job.context, visibleText(text));
  }

  async #choose(record: TargetRecord, last: bigint | undefined): Promise<Choice> {
    const versions = await this.#versions(last);
    const zone = await zoneOf(this.#judging.tools, record);
    const byName = Map.groupBy(versions, ({ name }) => name);
    const choice: Choice = { files: [], versions: [], gone: [], changed: [], archived: [] };
    // Versions come in the order in which they were ingested.
    const found = await mapParallel([...byName.values()], STATS_PARALLEL, (known) => fileNow(zone, known));
    for (const [index, [name, known]] of [...byName].entries()) {
      const { file, is } = found[index]!;
      if (is !== "there") choice[is].push(name);
      if (file === undefined) continue;
      choice.files.push(file);
      choice.versions.push(...known);
    }
    if (fitsPlan(choice.files, choice.versions)) return choice;
    throw new StreamlabError(
      "usage",
      `Cannot reingest ${counted(choice.files.length, "file")} of ${this.#target.name} at once: no plan is that long`,
      { hint: "Narrow the pattern, and reingest one part after another" },
    );
  }

  /** All that were ingested up to a batch of the files that the pattern takes. */
  async #versions(last: bigint | undefined): Promise<ReplacedFile[]> {
    const { quoteText } = await import("../../../core/engine/duckdb.ts");
    const { sourceFile, etag, size, batchId, records, events, deadLetters, status } = LEDGER_COLUMNS;
    const sum = (column: string) => `sum(${column})::BIGINT`;
    const rows = await this.#ask(
      `SELECT ${sourceFile}, ${etag}, max(${size}), ${sum(records)}, ${sum(events)}, ${sum(deadLetters)}
FROM ledger WHERE ${sourceFile} GLOB ${quoteText(this.#glob)}${last === undefined ? "" : ` AND ${batchId} <= ${last}`}
GROUP BY ALL HAVING bool_or(${status} = 'ingested')
ORDER BY ${sourceFile}, max(${batchId}) FILTER (${status} = 'ingested')`,
    );
    return rows.map(([name, etag, size, records, events, deadLetters]) => ({
      name: name as string,
      etag: etag as string,
      size: Number(size),
      records: Number(records),
      events: Number(events),
      deadLetters: Number(deadLetters),
    }));
  }

  /** Undefined where the batch is another one: somebody was first. */
  async #after(
    { files }: Choice,
    batch: bigint,
    isOurs: boolean,
  ): Promise<Pick<Reingested, "files" | "after"> | undefined> {
    const { batchId, records, events, deadLetters, status, sourceFile } = LEDGER_COLUMNS;
    const rows = await this.#ask(
      `SELECT ${sourceFile}, ${status}, ${records}, ${events}, ${deadLetters} FROM ledger WHERE ${batchId} = ${batch}`,
    );
    const names = new Set(files.map(({ name }) => name));
    // A consumer's batch of the same files takes no rows away.
    const isReingest = isOurs || rows.some(([, status]) => status === "reingested");
    const isOfThem = rows.length > 0 && rows.every(([name]) => names.has(name as string)) &&
      new Set(rows.map(([name]) => name)).size === names.size;
    if (!isReingest || !isOfThem) return undefined;
    const ingested = rows.filter(([, status]) => status === "ingested");
    const sum = (column: number) => ingested.reduce((total, row) => total + Number(row[column]), 0);
    return { files: ingested.length, after: { records: sum(2), events: sum(3), deadLetters: sum(4) } };
  }

  /** `sql` reads the target's lines of the ledger as `ledger`. */
  async #ask(sql: string): Promise<SqlValue[][]> {
    const { context, surroundings: { catalog, clock, random }, machine } = this.#job;
    const [{ Session }, { quoteName, quoteText }, { LEDGER }] = await Promise.all([
      import("../../../core/query/sql_session.ts"),
      import("../../../core/engine/duckdb.ts"),
      import("../../../core/lake/table_names.ts"),
    ]);
    const session = new Session({ openCatalog: () => Promise.resolve(catalog), clock, random, ...machine });
    const table = [...LEDGER.namespace, LEDGER.name].map(quoteName).join(".");
    const lines = `SELECT * FROM ${table} WHERE ${quoteName(LEDGER_COLUMNS.table)} = ${quoteText(this.#target.name)}`;
    const found: SqlValue[][] = [];
    await session.ask(`WITH ledger AS (${lines}) ${sql}`, { signal: context.signal }, async ({ chunks }) => {
      for await (const rows of chunks) for (const row of rows) found.push([...row]);
    });
    return found;
  }
}

interface FileNow {
  is: "there" | "changed" | "archived" | "gone";
  /** To be read. */
  file?: PlannedFile;
}

/** What has become of a file since the last of these versions of it was ingested. */
async function fileNow(zone: RawZone, versions: readonly ReplacedFile[]): Promise<FileNow> {
  const { store, prefix, nameBase, format } = zone;
  const version = versions.at(-1)!;
  const { name } = version;
  const path = name.slice(nameBase.length);
  // It may be no event file of this zone any more.
  const isOfZone = name.startsWith(nameBase + prefix) && eventFileKind(path.slice(prefix.length), format) !== undefined;
  if (!isOfZone) return { is: "gone" };
  const info = await store.stat(path);
  if (info === undefined) return await archivedFile(zone, version, versions.length === 1);
  const { etag, size } = info;
  return { is: etag === version.etag ? "there" : "changed", file: { name, path, etag, size } };
}

/**
 * A copy in a bucket may have another etag, for it says in which parts it was uploaded. By its size
 * alone it is known where there was but one version.
 */
async function archivedFile(
  { store, nameBase }: RawZone,
  { name, ...version }: ReplacedFile,
  isOnly: boolean,
): Promise<FileNow> {
  const path = nameBase === "" ? archivePathOf(name) : undefined;
  const info = path === undefined ? undefined : await store.stat(path);
  const isIt = info?.etag === version.etag || (store.kind !== "local" && isOnly && info?.size === version.size);
  if (path === undefined || info === undefined || !isIt) return { is: "gone" };
  return { is: "archived", file: { name, path, etag: info.etag, size: info.size } };
}

type Counts = Record<"records" | "events" | "deadLetters", number>;

interface Reingested {
  choice: Choice;
  batchId: number | null;
  /** That were read. */
  files: number;
  /** By the ledger, before and after; null where nothing was done. */
  before: Counts;
  after: Counts | null;
}

function before({ versions }: Choice): Pick<Reingested, "before"> {
  const sum = (pick: (version: ReplacedFile) => number) => versions.reduce((total, each) => total + pick(each), 0);
  return {
    before: {
      records: sum(({ records }) => records),
      events: sum(({ events }) => events),
      deadLetters: sum(({ deadLetters }) => deadLetters),
    },
  };
}

function textOf(
  table: string,
  { choice: { archived }, files, batchId, before, after }: Reingested,
  dryRun: boolean,
): string {
  const fromArchive = archived.length === 0 ? "" : `, ${formatCount(archived.length)} of them from the archive`;
  const had = `${counted(before.events, "event")} and ${counted(before.deadLetters, "dead letter")}`;
  if (dryRun) return `${table}: would reingest ${counted(files, "file")}${fromArchive}, which brought ${had}`;
  if (after === null) return `${table}: no file to reingest`;
  return `${table}: reingested ${counted(files, "file")} in batch ${batchId}${fromArchive}: ${
    counted(after.events, "event")
  } and ${counted(after.deadLetters, "dead letter")} in place of ${formatCount(before.events)} and ${
    formatCount(before.deadLetters)
  }`;
}
