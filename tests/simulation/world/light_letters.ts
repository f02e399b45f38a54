import { Memo } from "../../../core/base/memo.ts";
import type { Contract } from "../../../core/contract/contract.ts";
import { Judge } from "../../../core/contract/judge.ts";
import { parseContract } from "../../../core/contract/json_schema.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { planScan, type ScanFile } from "../../../core/iceberg/scan/scan.ts";
import type { TableLocation } from "../../../core/iceberg/table_location.ts";
import type { BatchPlan, ReplayedFile } from "../../../core/lake/batch_plan.ts";
import type { FileOutcome, RoutedBatch } from "../../../core/lake/routed_batch.ts";
import { identifiersOf } from "../../../core/lake/table_names.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import type { RowPlaces, WrittenDeletes } from "../../../core/routing/replay/row_places.ts";
import { type DataRow, type DataRows, lightFile } from "./data_rows.ts";
import { liveRows, type PlacedRow } from "./light_rewriting.ts";
import { changeOf } from "./light_upserts.ts";

/** What routing made of a raw file, or of letters of one. */
export interface Judged {
  outcome: FileOutcome;
  events: DataRow[];
  deadLetters: DataRow[];
}

/** A record of a raw file. */
interface RecordText {
  position: number;
  raw: string;
}

/** A race has at most a few. */
const contracts = new Memo<Contract>(8);

export function judgeRecords(
  { contract, options, batchId }: BatchPlan,
  name: string,
  records: readonly RecordText[],
): Omit<Judged, "outcome"> {
  const judge = new Judge(contracts.get(contract, () => parseContract(contract)), options.onExtraFields);
  const events: DataRow[] = [], deadLetters: DataRow[] = [];
  for (const { position, raw } of records) {
    const row = { _source_file: name, _batch_id: batchId, _source_position: position };
    const judgement = judge.judge(raw);
    const change = options.upsert && { _change: changeOf(JSON.parse(raw)) };
    if (judgement.kind === "event") events.push({ ...row, _key: JSON.parse(raw).event_id, ...change });
    else if (judgement.kind === "dead_letter") {
      deadLetters.push({ ...row, _dead_letter_reason: judgement.reason, _raw_record: raw });
    }
  }
  return { events, deadLetters };
}

export async function judgeLetters(
  plan: BatchPlan & { replay: ReplayedFile[] },
  table: LoadedTable,
  rows: DataRows,
): Promise<Judged[]> {
  const letters = await allRows(table, rows);
  return plan.replay.map(({ name, etag, size, batchId, positions }) => {
    const planned = letters.filter(({ row }) =>
      row._source_file === name && row._batch_id === batchId && positions.includes(row._source_position as number)
    );
    const texts = planned.map(({ row }) => ({
      position: row._source_position as number,
      raw: row._raw_record as string,
    }));
    const judged = judgeRecords(plan, name, texts);
    const { length: events } = judged.events;
    const counts = { records: 0, events, deadLetters: 0 - events, duplicates: 0 };
    return { outcome: { name, etag, size, status: "replayed", ...counts }, ...judged };
  });
}

/** Letters for extra fields of batches up to that one, but not those that no contract takes. */
export async function chooseLight(
  { catalog }: Surroundings,
  target: LoadedTable["identifier"],
  rows: DataRows,
  last: bigint,
): Promise<ReplayedFile[]> {
  const identifiers = identifiersOf(target);
  const table = await catalog.loadTable(identifiers.deadLetters);
  const ledger = await catalog.loadTable(identifiers.ledger);
  if (table === undefined || ledger === undefined) return [];
  const lines = (await allRows(ledger, rows)).map(({ row }) => row);
  const files = new Map<string, ReplayedFile>();
  for (const { row } of await allRows(table, rows)) {
    const name = row._source_file as string, batchId = row._batch_id as number;
    if (row._dead_letter_reason !== "extra_fields" || batchId > last) continue;
    if (!(row._raw_record as string).includes("coupon")) continue;
    const line = lines.find(({ source_file, batch_id, status }) =>
      source_file === name && batch_id === batchId && status !== "reingested"
    );
    if (line === undefined) continue;
    const file = files.get(name) ?? { name, etag: line.etag as string, size: 1, batchId, positions: [] };
    if (file.batchId !== batchId) continue;
    file.positions.push(row._source_position as number);
    files.set(name, file);
  }
  return [...files.values()];
}

export async function allRows(
  table: Pick<LoadedTable, "io" | "metadata">,
  rows: DataRows,
): Promise<(PlacedRow & { file: ScanFile })[]> {
  const { files } = await planScan(table.io, table.metadata);
  const all: (PlacedRow & { file: ScanFile })[] = [];
  for (const file of files) all.push(...(await liveRows(table, rows, file)).map((each) => ({ ...each, file })));
  return all;
}

/** Finds letters, and all rows of reingested files, in rows that are text. */
export class LightRowPlaces implements RowPlaces {
  readonly #rows: DataRows;
  readonly #routed: RoutedBatch;
  #places: DataRow[] = [];

  constructor(rows: DataRows, routed: RoutedBatch) {
    this.#rows = rows;
    this.#routed = routed;
  }

  async find({ io, metadata }: Pick<LoadedTable, "io" | "metadata">): Promise<ScanFile[]> {
    const isGone = this.#isGone();
    const found = (await allRows({ io, metadata }, this.#rows)).filter(({ row }) => isGone(row));
    this.#places = found.map(({ file, position }) => ({ file_path: file.dataFile.path, pos: position }));
    return [...new Set(found.map(({ file }) => file))];
  }

  async write(location: TableLocation, path: string, files: readonly ScanFile[]): Promise<WrittenDeletes> {
    const paths = files.map(({ dataFile }) => dataFile.path);
    const deletes = this.#places.filter(({ file_path }) => paths.includes(file_path as string));
    const bytes = lightFile(deletes);
    await location.store.write(location.pathInStore(path), bytes);
    return { records: deletes.length, size: bytes.length };
  }

  close(): void {}

  #isGone(): (row: DataRow) => boolean {
    const { reingested, replayed, batchId } = this.#routed;
    if (reingested !== undefined) {
      return ({ _source_file, _batch_id }) =>
        reingested.includes(_source_file as string) && (_batch_id as number) < batchId;
    }
    const gone = new Set(
      replayed!.flatMap(({ name, batchId, positions }) => positions.map((at) => `${name} ${batchId} ${at}`)),
    );
    return ({ _source_file, _batch_id, _source_position }) =>
      gone.has(`${_source_file} ${_batch_id} ${_source_position}`);
  }
}
