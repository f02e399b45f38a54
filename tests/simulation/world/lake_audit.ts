import { systemClock } from "../../../core/base/clock.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import type { Catalog } from "../../../core/iceberg/catalog/catalog.ts";
import type { DataFile } from "../../../core/iceberg/format/data_file.ts";
import { FileCatalog } from "../../../core/iceberg/catalog/file_catalog.ts";
import { reachableFiles } from "../../../core/iceberg/reachable_files.ts";
import { versionOf } from "../../../core/iceberg/catalog/metadata_versions.ts";
import { planScan } from "../../../core/iceberg/scan/scan.ts";
import { readRouted } from "../../../core/lake/checkpoint.ts";
import type { Store } from "../../../core/storage/store.ts";
import { removedRepeats } from "../../../core/lake/removed_repeats.ts";
import { replacedRows } from "../../../core/lake/replaced_rows.ts";
import { streamlabKey } from "../../../core/lake/keys.ts";
import { findFieldByPath } from "../../../core/iceberg/format/schema.ts";
import { currentSchema, snapshotOfRef } from "../../../core/iceberg/format/table_metadata.ts";
import type { SimulatedDisk } from "../../support/simulated_disk.ts";
import { COUPON_ID, type DataRow, type DataRows } from "./data_rows.ts";
import { COUPON } from "./grown_contract.ts";
import { afterReingests, REINGESTED } from "./reingested.ts";
import { supersededIn, supersededOf } from "./superseded.ts";

/** Where a row must be: in the table of events, or a dead letter by that reason. */
type Kind = "event" | "invalid_schema" | "extra_fields" | "corrupted_record";
/** The same of a record that is a dead letter for extra fields until it is replayed. */
const AFTER_REPLAY = { mended: "event", explained: "invalid_schema" } as const;
export type Disposition = Kind | keyof typeof AFTER_REPLAY;
/**
 * Where each record of a version of a file must be, by position; or the whole file as one letter.
 */
export type FileTruth = readonly Disposition[] | "corrupted_batch";

/**
 * What the world knows of its raw files: by name, then by etag; several where it depends on who
 * came first.
 */
export type Truth = ReadonlyMap<string, ReadonlyMap<string, readonly FileTruth[]>>;

export interface AuditOptions {
  /** Where the tables are; default: the lake's own files. */
  catalog?: Catalog;
  /** Who else has written to the table of events. */
  foreign?: ForeignTruth;
  /** Where repeats are dropped: the keys of a file's records, as its name and etag tell it. */
  keysOf?: (name: string, etag: string) => readonly string[];
  /** Whether repeats were removed from the table later, so that the ledger has them as events. */
  removes?: boolean | undefined;
  /** Of each key the newest record stays; `keysOf` tells of each what it changes, as JSON. */
  upserts?: boolean | undefined;
  /** Whether every version hint must name the last version: nobody died or failed in between. */
  hints?: boolean;
}

/** What somebody else has done to the table of events, for certain. */
export interface ForeignTruth {
  /** Rows of its own, by number. */
  written: ReadonlySet<number>;
  /** Rows of ours that it has deleted, as `rowKey` names them. */
  deleted: ReadonlySet<string>;
}

/** A row of ours by where it comes from. */
export function rowKey(row: DataRow): string {
  return `${row._source_file} ${row._batch_id} ${row._source_position ?? null}`;
}

const target = "bronze.events";
const tableNames = ["bronze.events", "dead_letters.events", "ingest.files"] as const;

/**
 * Whether a lake holds exactly what its raw files ask for, found by reading the tables anew, by
 * nothing that consume says of itself. Returns what is wrong, a line each.
 */
export async function auditLake(
  disk: SimulatedDisk,
  truth: Truth,
  rows: DataRows,
  options: AuditOptions = {},
): Promise<string[]> {
  const problems: string[] = [];
  const store = disk.connect({ process: "auditor" });
  const catalog = options.catalog ?? new FileCatalog({ store, clock: systemClock, random: store.random });
  const tables: Record<string, DataRow[]> = {};
  let removed: number | undefined;
  for (const name of tableNames) {
    const [namespace, table] = name.split(".") as [string, string];
    const loaded = await catalog.loadTable({ namespace: [namespace], name: table });
    if (loaded === undefined) return [`there is no table ${name}`];
    tables[name] = await auditTable(loaded, disk, rows, problems);
    if (options.hints) auditHint(loaded, disk, problems);
    const { properties } = loaded.metadata;
    if (options.removes && name === target) removed = removedRepeats(properties, target)[0]?.events ?? 0;
    if (options.upserts && name === target) removed = replacedRows(properties, target).events;
    auditFieldIds(loaded, tables[name]!, problems);
    if (name === "ingest.files") await auditMarker(loaded, tables[name]!, store, problems);
  }
  tables["ingest.files"] = afterReingests(tables["ingest.files"]!, problems);
  auditLedger(tables["ingest.files"], disk, truth, problems);
  const foreign = options.foreign ?? { written: new Set(), deleted: new Set() };
  const findRepeats = options.upserts ? supersededOf : repeatsOf;
  const repeats = options.keysOf && findRepeats(tables["ingest.files"]!, truth, options.keysOf);
  if (options.upserts) removed! += supersededIn(tables["ingest.files"]!);
  auditRows(tables, truth, foreign, { repeats: repeats ?? new Map(), removed }, problems);
  auditForeign(tables["bronze.events"]!, foreign, problems);
  return problems;
}

/** All rows of the table, after a look at whether its metadata tells the truth about its files. */
async function auditTable(
  table: LoadedTable,
  disk: SimulatedDisk,
  rows: DataRows,
  problems: string[],
): Promise<DataRow[]> {
  const name = table.identifier.name;
  const { io, metadata } = table;
  const files = disk.files();
  const found: DataRow[] = [];
  let total = 0;
  const read = async ({ path, recordCount }: DataFile): Promise<DataRow[]> => {
    const bytes = files.get(io.location.pathOf(path));
    if (bytes === undefined) problems.push(`${name}: the live file ${path} is gone`);
    else await rows.learn(bytes);
    const inFile = bytes === undefined ? [] : rows.of(bytes);
    if (inFile.length !== recordCount) {
      problems.push(`${name}: ${path} holds ${inFile.length} rows, not ${recordCount}`);
    }
    return inFile;
  };
  const { files: live } = await planScan(io, metadata);
  for (const { dataFile, deletes } of live) {
    const named = (await Promise.all(deletes.map(read))).flat().filter((row) => row.file_path === dataFile.path);
    const deleted = new Set(named.map(({ pos }) => pos));
    const inFile = await read(dataFile);
    total += inFile.length;
    found.push(...inFile.filter((_row, position) => !deleted.has(position)));
  }
  const needed = await reachableFiles(io, metadata);
  const uris = [...needed.manifestLists, ...needed.manifests];
  for (const snapshot of metadata.snapshots) {
    uris.push(...(await planScan(io, metadata, { snapshot })).files.map(({ dataFile }) => dataFile.path));
  }
  for (const path of new Set(uris.map((uri) => io.location.pathOf(uri)))) {
    if (!files.has(path)) problems.push(`${name}: ${path}, which a snapshot needs, is gone`);
  }
  const summary = snapshotOfRef(metadata)?.summary ?? {};
  const told = Number(summary["total-records"] ?? 0);
  if (told !== total) problems.push(`${name}: the summary says ${told} records, there are ${total}`);
  const totalFiles = Number(summary["total-data-files"] ?? 0);
  if (totalFiles !== live.length) {
    problems.push(`${name}: the summary says ${totalFiles} files, there are ${live.length}`);
  }
  return found;
}

/** Readers find the column by the id that its rows were written with. */
function auditFieldIds({ identifier, metadata }: LoadedTable, rows: DataRow[], problems: string[]): void {
  const id = findFieldByPath(currentSchema(metadata), COUPON)?.id;
  const others = rows.filter((row) => row[COUPON_ID] !== undefined && row[COUPON_ID] !== id);
  if (others.length === 0) return;
  const found = [...new Set(others.map((row) => row[COUPON_ID]))].join();
  problems.push(`${identifier.name}: ${others.length} rows have ${COUPON} under the ids ${found}, not ${id}`);
}

function auditHint({ io, identifier, metadataLocation }: LoadedTable, disk: SimulatedDisk, problems: string[]): void {
  const bytes = disk.version(io.location.pathInStore("metadata/version-hint.text"))?.bytes;
  const hint = Number(new TextDecoder().decode(bytes ?? new Uint8Array()));
  const version = versionOf(metadataLocation);
  if (hint !== version) problems.push(`${identifier.name}: the hint says ${hint}, the last version is ${version}`);
}

async function auditMarker(ledger: LoadedTable, rows: DataRow[], store: Store, problems: string[]): Promise<void> {
  const marker = Number(ledger.metadata.properties[streamlabKey.batchId(target)] ?? 0);
  const batches = [...new Set(rows.map((row) => Number(row.batch_id)))].sort((a, b) => a - b);
  const missing: number[] = [];
  for (let batch = 1; batch <= marker; batch++) {
    // A batch whose plan was set aside has no files.
    const isEmpty = async () => (await readRouted(store, target, BigInt(batch)))?.files.length === 0;
    if (!batches.includes(batch) && !await isEmpty()) missing.push(batch);
  }
  if (missing.length > 0 || batches.some((batch) => batch < 1 || batch > marker)) {
    problems.push(`ledger: marker ${marker}, batches ${batches.join()}`);
  }
}

/** Every version of a raw file once, and every file that is there in the state that it is in. */
function auditLedger(ledger: DataRow[], disk: SimulatedDisk, truth: Truth, problems: string[]): void {
  const count = (name: string, etag: string | undefined, status: string) =>
    ledger.filter((row) =>
      row.source_file === name && row.status === status && (etag === undefined || row.etag === etag)
    ).length;
  for (const [name, versions] of truth) {
    for (const etag of versions.keys()) {
      const times = count(name, etag, "ingested");
      if (times > 1) problems.push(`ledger: ${name} ${etag} was ingested ${times} times`);
    }
    const version = disk.version(name);
    if (version === undefined || count(name, version.info.etag, "ingested") === 1) continue;
    const recorded = count(name, undefined, "ingested") > 0 && count(name, version.info.etag, "changed") === 1;
    if (!recorded) problems.push(`ledger: ${name} ${version.info.etag} is there and not in the ledger`);
  }
}

/** Each row that somebody else wrote is there once. */
function auditForeign(rows: DataRow[], { written }: ForeignTruth, problems: string[]): void {
  const found = rows.flatMap((row) => row._foreign === undefined ? [] : [row._foreign as number]).sort((a, b) => a - b);
  const expected = [...written].sort((a, b) => a - b);
  if (found.join() !== expected.join()) {
    problems.push(`rows of another writer: ${found.join()}, not ${expected.join()}`);
  }
}

/**
 * Each (file, position, batch) of the ledger once in its table, but for those that somebody else
 * deleted, and nothing else.
 */
function auditRows(
  tables: Record<string, DataRow[]>,
  truth: Truth,
  { deleted }: ForeignTruth,
  { repeats, removed }: { repeats: ReadonlyMap<string, ReadonlySet<number>>; removed: number | undefined },
  problems: string[],
): void {
  const expected = new Map<string, number>();
  const replays = replaysOf(tables["ingest.files"]!);
  const deletedEvents = new Set([...deleted].map((key) => takenKey(key, replays)));
  for (const row of tables["ingest.files"]!) {
    if (row.status === "replayed") continue;
    if (row.status !== "ingested") {
      if (Number(row.records) !== 0) problems.push(`ledger: ${row.source_file} is ${row.status} with records`);
      continue;
    }
    const files = truth.get(row.source_file as string)?.get(row.etag as string);
    // Its letters are judged by the contract of the reingest already.
    const judged = row[REINGESTED] ? files?.flatMap((file) => [file, replayedAll(file)]) : files;
    const file = judged?.find((file) => eventsIn(file) === Number(row.events)) ?? files?.[0];
    if (file === undefined) {
      problems.push(`ledger: there never was ${row.source_file} ${row.etag}`);
      continue;
    }
    const whole = file === "corrupted_batch";
    const places = whole ? [`null ${file}`] : file.map((place, position) => `${position} ${replayedAs(place)}`);
    auditReplays(row, whole ? [] : file, replays, problems);
    const dropped = repeats.get(`${row.source_file} ${row.batch_id}`) ?? new Set();
    for (const [position, place] of places.entries()) {
      const key = `${row.source_file} ${row.batch_id} ${place}`;
      const isGone = deletedEvents.has(key.replace(/ event$/, "")) && key.endsWith(" event");
      expected.set(key, isGone || dropped.has(position) ? 0 : 1);
    }
    const atOnce = removed === undefined ? dropped.size : 0;
    const events = eventsIn(file) - atOnce, letters = places.length - eventsIn(file);
    const taken = Number(row.events) + Number(row.superseded ?? 0);
    const told = [taken, row.dead_letters, row.duplicates ?? 0].map(Number).join();
    if (told !== [events, letters, atOnce].join()) {
      problems.push(`ledger: ${row.source_file} counts ${told} events, dead letters, repeats`);
    }
  }
  const tally = (row: DataRow, place: unknown) => {
    const key = `${takenKey(rowKey(row), replays)} ${place}`;
    expected.set(key, (expected.get(key) ?? 0) - 1);
  };
  for (const row of tables["bronze.events"]!) if (row._foreign === undefined) tally(row, "event");
  for (const row of tables["dead_letters.events"]!) tally(row, row._dead_letter_reason);
  const repeated = [...repeats.values()].reduce((sum, { size }) => sum + size, 0);
  if (removed !== undefined && removed !== repeated) {
    problems.push(`rows: ${removed} repeats were removed by the table's account, and ${repeated} had to be`);
  }
  for (const [key, missing] of expected) {
    if (missing > 0) problems.push(`rows: ${key} is missing`);
    if (missing < 0) problems.push(`rows: ${key} is there ${-missing} times too often`);
  }
}

/** A row of the ledger for letters of a file that were replayed. */
interface LedgerReplay {
  name: string;
  batchId: number;
  /** The batch that took the file. */
  takenBy: number;
  events: number;
  deadLetters: number;
}

function replaysOf(ledger: readonly DataRow[]): LedgerReplay[] {
  return ledger.filter(({ status }) => status === "replayed").map((row) => {
    const taken = ledger.find(({ status, source_file, etag }) =>
      status === "ingested" && source_file === row.source_file && etag === row.etag
    );
    return {
      name: row.source_file as string,
      batchId: Number(row.batch_id),
      takenBy: Number(taken?.batch_id),
      events: Number(row.events),
      deadLetters: Number(row.dead_letters),
    };
  });
}

/** A row's key with the batch that took its file. */
function takenKey(key: string, replays: readonly LedgerReplay[]): string {
  const [name, batch, position] = key.split(" ");
  const replay = replays.find((each) => each.name === name && each.batchId === Number(batch));
  return `${name} ${replay?.takenBy ?? batch} ${position}`;
}

function replayedAs(disposition: Disposition): Kind {
  return disposition in AFTER_REPLAY ? AFTER_REPLAY[disposition as keyof typeof AFTER_REPLAY] : disposition as Kind;
}

function replayedAll(file: FileTruth): FileTruth {
  return file === "corrupted_batch" ? file : file.map(replayedAs);
}

/** Every letter of the file that is an event by now is counted so once. */
function auditReplays(
  { source_file, batch_id }: DataRow,
  file: readonly Disposition[],
  replays: readonly LedgerReplay[],
  problems: string[],
): void {
  const mended = file.filter((place) => place === "mended").length;
  const own = replays.filter(({ name, takenBy }) => name === source_file && takenBy === Number(batch_id));
  const sum = (pick: (replay: LedgerReplay) => number) => own.reduce((total, replay) => total + pick(replay), 0);
  const told = [sum(({ events }) => events), sum(({ deadLetters }) => -deadLetters)];
  if (told.every((count) => count === mended)) return;
  problems.push(`ledger: replays of ${source_file} (batch ${batch_id}) count ${told.join()}, not ${mended}`);
}

/** By file and batch, the positions of events whose key an earlier one has. */
function repeatsOf(
  ledger: readonly DataRow[],
  truth: Truth,
  keysOf: NonNullable<AuditOptions["keysOf"]>,
): ReadonlyMap<string, ReadonlySet<number>> {
  const kept = new Set<string>(), repeats = new Map<string, Set<number>>();
  const ingested = ledger.filter(({ status }) => status === "ingested").sort((a, b) =>
    Number(a.batch_id) - Number(b.batch_id) || (String(a.source_file) < String(b.source_file) ? -1 : 1)
  );
  for (const { source_file, etag, batch_id } of ingested) {
    const [file] = truth.get(source_file as string)?.get(etag as string) ?? [];
    if (file === undefined || file === "corrupted_batch") continue;
    const keys = keysOf(source_file as string, etag as string), dropped = new Set<number>();
    for (const [position, place] of file.entries()) {
      if (place !== "event") continue;
      if (kept.has(keys[position]!)) dropped.add(position);
      else kept.add(keys[position]!);
    }
    repeats.set(`${source_file} ${batch_id}`, dropped);
  }
  return repeats;
}

function eventsIn(file: FileTruth): number {
  return file === "corrupted_batch" ? 0 : file.filter((place) => place === "event").length;
}
