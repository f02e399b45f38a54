import { isKind } from "../../../core/base/errors.ts";
import type { BatchPlan } from "../../../core/lake/batch_plan.ts";
import type { FileOutcome, RoutedBatch, RoutedTable } from "../../../core/lake/routed_batch.ts";
import { planTask } from "../../../core/routing/plan_task.ts";
import { batchOutcomes, routingTasks } from "../../../core/lake/routing_task.ts";
import { PlacedRemoval } from "../../../core/routing/replay/placed_removal.ts";
import type { RowRemoval } from "../../../core/routing/row_removal.ts";
import type { Router } from "../../../core/routing/router.ts";
import type { Replaced, UpsertedBy } from "../../../core/routing/upserts/upserts.ts";
import { type PlannedTable, plannedTable, type TargetTables } from "../../../core/lake/target.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../../core/iceberg/scan/scan.ts";
import type { Json } from "../../../core/base/json.ts";
import { findFieldByPath, schemaToJson } from "../../../core/iceberg/format/schema.ts";
import type { Store } from "../../../core/storage/store.ts";
import type { SimulatedStore } from "../../support/simulated_store.ts";
import { COUPON_ID, type DataRow, DataRows, lightFile } from "./data_rows.ts";
import { COUPON } from "./grown_contract.ts";
import { type Judged, judgeLetters, judgeRecords, LightRowPlaces } from "./light_letters.ts";
import { keepNewest, replacedLight } from "./light_upserts.ts";

/**
 * A router whose data files are text instead of Parquet. It judges by the contract's own judge, and
 * waits for nothing but the simulated store, so that a race is the same for the same seed.
 */
export class LightRouter implements Router {
  readonly #store: SimulatedStore;
  readonly #nameAttempt: () => string;
  readonly #rows: DataRows;

  constructor(store: SimulatedStore, nameAttempt = () => attemptName(store), rows = new DataRows()) {
    this.#store = store;
    this.#nameAttempt = nameAttempt;
    this.#rows = rows;
  }

  close(): void {}

  async route(plan: BatchPlan, tables: TargetTables): Promise<{ routed: RoutedBatch }> {
    const attempt = this.#nameAttempt();
    const limits = { threads: 1, memory: "1GB" };
    const [task] = routingTasks(plan, tables, { attempts: [attempt], ingestedAtMicros: 0n, rawRoot: "", limits });
    const planned = planTask(task!).tables;
    const ledger = plannedTable(tables.ledger);
    const judged: Judged[] = [];
    for (const file of plan.files) judged.push(await this.#judge(plan, file));
    const { replay } = plan;
    if (replay !== undefined) judged.push(...await judgeLetters({ ...plan, replay }, tables.deadLetters, this.#rows));
    if (plan.options.dedupe !== undefined) await this.#dropRepeats(tables.events, judged);
    const tombstones = plan.options.upsert && await keepNewest(tables.events, this.#rows, judged);
    const all = judged.map(({ outcome }) => outcome);
    const taken = all.slice(0, plan.files.length).map((outcome, number) => ({ number, ...outcome }));
    const outcomes = [...batchOutcomes(plan, taken), ...all.slice(plan.files.length)];
    const reingested = outcomes.flatMap(({ status, name }) => status === "ingested" ? [name] : []);
    const ingestedAtMs = this.#store.clock.nowMs();
    const day = Math.floor(ingestedAtMs / 86_400_000).toString();
    const place = async (
      table: PlannedTable,
      rows: DataRow[],
      partition: string[],
      number = 0,
    ): Promise<RoutedTable> => {
      const stem = `data/${plan.batchId.toString().padStart(8, "0")}-${attempt}-0000${number}`;
      const files: RoutedTable["files"] = [];
      if (rows.length > 0) {
        const coupon = findFieldByPath(table.schema, COUPON);
        const bytes = lightFile(coupon === undefined ? rows : rows.map((row) => ({ ...row, [COUPON_ID]: coupon.id })));
        const path = table.dataFolder.replace(/data$/, `${stem}.parquet`);
        await this.#store.write(path, bytes);
        const records = rows.length.toString(), size = bytes.length.toString();
        files.push({ path: `${stem}.parquet`, records, size, partition, columns: [] });
      }
      const { spec, schema, lastColumnIdBefore } = table;
      return { specId: spec.specId, schema: schemaToJson(schema) as Json, lastColumnIdBefore, files };
    };
    const { sequenceId, batchId } = plan;
    const routed: RoutedBatch = {
      format: plan.format,
      ...(replay && { replayed: replay.map(({ name, batchId, positions }) => ({ name, batchId, positions })) }),
      sequenceId,
      batchId,
      attempt,
      ingestedAtMicros: `${ingestedAtMs}000`,
      events: await place(planned.events, judged.flatMap(({ events }) => events), []),
      deadLetters: await place(planned.deadLetters, judged.flatMap(({ deadLetters }) => deadLetters), [day]),
      ledger: await place(ledger, outcomes.map((outcome) => ledgerRow(plan, outcome)), []),
      ...(plan.reingest && { reingested }),
      ...(tombstones && { tombstones: await place(planned.events, tombstones, [], 1) }),
      files: outcomes,
    };
    return { routed };
  }

  replacedBy(_by: UpsertedBy, events: LoadedTable, routed: RoutedBatch): Promise<Replaced> {
    return replacedLight(events, this.#rows, routed, this.#store.random);
  }

  removal(routed: RoutedBatch, sink: Store): Promise<RowRemoval> {
    const { clock, random } = this.#store;
    return Promise.resolve(
      new PlacedRemoval({ sink, clock, random }, new LightRowPlaces(this.#rows, routed)),
    );
  }

  /** By their keys alone: all events of a simulation have one time. */
  async #dropRepeats({ io, metadata }: LoadedTable, judged: readonly Judged[]): Promise<void> {
    const kept = new Set<unknown>();
    for (const { dataFile } of (await planScan(io, metadata)).files) {
      for (const { _key } of this.#rows.of(await io.location.store.read(io.location.pathOf(dataFile.path)))) {
        kept.add(_key);
      }
    }
    for (const each of [...judged].sort((a, b) => a.outcome.name < b.outcome.name ? -1 : 1)) {
      const before = each.events.length;
      each.events = each.events.filter(({ _key }) => !kept.has(_key) && kept.add(_key));
      each.outcome = { ...each.outcome, events: each.events.length, duplicates: before - each.events.length };
    }
  }

  async #judge(plan: BatchPlan, { name, path, etag, size }: BatchPlan["files"][number]): Promise<Judged> {
    const file = { name, etag, size };
    const content = await readPlanned(this.#store, path, etag);
    if (typeof content === "string") {
      return { outcome: { ...file, status: content, ...none }, events: [], deadLetters: [] };
    }
    const records = parsed(content);
    const texts = records?.map((record, position) => ({ position, raw: JSON.stringify(record) }));
    const { events, deadLetters } = judgeRecords(plan, name, texts ?? []);
    if (records === undefined) {
      deadLetters.push({ _source_file: name, _batch_id: plan.batchId, _dead_letter_reason: "corrupted_batch" });
    }
    const counts = { records: records?.length ?? 0, events: events.length, deadLetters: deadLetters.length };
    return { outcome: { ...file, status: "ingested", ...none, ...counts }, events, deadLetters };
  }
}

const none = { records: 0, events: 0, deadLetters: 0, duplicates: 0 };

function ledgerRow(plan: BatchPlan, outcome: FileOutcome): DataRow {
  const { name, etag, status, records, events, deadLetters, duplicates, superseded } = outcome;
  const counts = { records, events, dead_letters: deadLetters, duplicates, ...(superseded && { superseded }) };
  return { table: plan.table, source_file: name, etag, status, batch_id: plan.batchId, ...counts };
}

/** As the embedded router names its attempts. */
export function attemptName({ random }: SimulatedStore): string {
  return random.bytes(6).toHex();
}

/** The very version that was planned, or why it is not there. */
export async function readPlanned(
  store: SimulatedStore,
  path: string,
  etag: string,
): Promise<Uint8Array | "changed" | "vanished"> {
  try {
    return await store.read(path, { etag });
  } catch (error) {
    if (isKind(error, "conflict")) return "changed";
    if (isKind(error, "not-found")) return "vanished";
    throw error;
  }
}

function parsed(bytes: Uint8Array): unknown[] | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
