import type { Random } from "../../../core/base/random.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { buildDataFile } from "../../../core/iceberg/data_file_builder.ts";
import { currentSchema, snapshotOfRef } from "../../../core/iceberg/format/table_metadata.ts";
import { planScan, type ScanFile } from "../../../core/iceberg/scan/scan.ts";
import { batchStem, dataFileName, newAttempt } from "../../../core/lake/data_file_name.ts";
import type { RoutedBatch } from "../../../core/lake/routed_batch.ts";
import { TOMBSTONES_BRANCH } from "../../../core/lake/table_names.ts";
import type { UpsertRule } from "../../../core/lake/upsert_rule.ts";
import type { Replaced } from "../../../core/routing/upserts/upserts.ts";
import { type DataRow, type DataRows, lightFile } from "./data_rows.ts";
import type { Judged } from "./light_letters.ts";
import { liveRows } from "./light_rewriting.ts";

/** Of races, whose events have a key, a time and a type each. */
export const LIGHT_UPSERT: UpsertRule = {
  by: ["event_id"],
  newest: "event_timestamp",
  deleteWhen: { column: "event_type", is: "d" },
};

/** What the columns of a row say: texts of one form, so that they are in the order of time. */
export interface LightChange {
  key: string;
  newest: string;
  removes: boolean;
}

export function changeOf(record: { event_id: string; event_timestamp: string; event_type: string }): LightChange {
  return { key: record.event_id, newest: record.event_timestamp, removes: record.event_type === "d" };
}

/** As `changeOf` a record, of a row that has it. */
function changeIn({ _change }: DataRow): LightChange | undefined {
  return _change as LightChange | undefined;
}

/** Of each key the newest event stays; returns those that remove theirs. */
export async function keepNewest(table: LoadedTable, rows: DataRows, judged: readonly Judged[]): Promise<DataRow[]> {
  const standing = new Map<string, string>();
  const { io, metadata } = table;
  const branch = snapshotOfRef(metadata, TOMBSTONES_BRANCH);
  const tombstones = branch === undefined ? [] : (await planScan(io, metadata, { snapshot: branch })).files;
  for (const file of [...tombstones, ...(await planScan(io, metadata)).files]) {
    for (const { row } of await liveRows(table, rows, file)) note(standing, changeIn(row));
  }
  const newest = new Map<string, DataRow>();
  for (const { events } of [...judged].sort((a, b) => a.outcome.name < b.outcome.name ? -1 : 1)) {
    for (const row of events) {
      const { key, newest: time } = changeIn(row)!;
      const before = newest.get(key);
      if (before === undefined || time >= changeIn(before)!.newest) newest.set(key, row);
    }
  }
  const winners = new Set([...newest.values()].filter((row) => {
    const { key, newest } = changeIn(row)!;
    return newest >= (standing.get(key) ?? "");
  }));
  for (const each of judged) {
    const before = each.events.length;
    each.events = each.events.filter((row) => winners.has(row) && !changeIn(row)!.removes);
    each.outcome = { ...each.outcome, events: each.events.length, superseded: before - each.events.length };
  }
  return [...winners].filter((row) => changeIn(row)!.removes);
}

function note(newest: Map<string, string>, change: LightChange | undefined): void {
  if (change === undefined) return;
  if (change.newest > (newest.get(change.key) ?? "")) newest.set(change.key, change.newest);
}

/** As the embedded router finds what a batch replaces. */
export async function replacedLight(
  table: LoadedTable,
  rows: DataRows,
  routed: RoutedBatch,
  random: Random,
): Promise<Replaced> {
  const { io: { location }, metadata } = table;
  const coming = new Map<string, string>();
  for (const { path } of [...routed.events.files, ...routed.tombstones!.files]) {
    for (const row of rows.of(await location.store.read(location.pathInStore(path)))) note(coming, changeIn(row));
  }
  const deleted: DataRow[] = [];
  for (const file of (await planScan(table.io, metadata)).files) deleted.push(...await goneOf(file));
  if (deleted.length === 0) return { deleteFiles: [], events: 0 };
  const bytes = lightFile(deleted);
  const path = `data/${dataFileName(batchStem(routed.batchId, newAttempt(random)), 0)}`;
  await location.store.write(location.pathInStore(path), bytes);
  const size = { recordCount: deleted.length, fileSizeBytes: bytes.length };
  const place = { path: location.uriOf(path), specId: metadata.defaultSpecId, partition: [], columns: [] };
  const file = buildDataFile({ content: "position-deletes", ...place, ...size }, currentSchema(metadata));
  return { deleteFiles: [file], events: deleted.length };

  async function goneOf(file: ScanFile): Promise<DataRow[]> {
    return (await liveRows(table, rows, file)).flatMap(({ row, position }) => {
      const change = changeIn(row);
      const isGone = change !== undefined && change.newest <= (coming.get(change.key) ?? "");
      return isGone ? [{ file_path: file.dataFile.path, pos: position }] : [];
    });
  }
}

/** Of a record whose key has others, older and newer ones. */
export function changed(below: (limit: number) => number): object {
  return {
    event_id: `e${below(5)}`,
    event_type: below(4) === 0 ? "d" : "u",
    event_timestamp: `2026-03-0${1 + below(6)}T12:00:00Z`,
  };
}

/** Of its records; with upserts what each changes. */
export function keysIn(bytes: Uint8Array, upserts = false): string[] {
  const records = JSON.parse(new TextDecoder().decode(bytes)) as { event_id: string }[];
  return records.map((record) => upserts ? JSON.stringify(record) : record.event_id);
}
