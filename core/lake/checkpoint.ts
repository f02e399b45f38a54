import { isKind, StreamlabError } from "../base/errors.ts";
import { deleteOwn } from "../storage/deletion.ts";
import type { Store } from "../storage/store.ts";
import { type BatchFailures, FAILURES_FORMAT } from "./batch_failures.ts";
import { type BatchPlan, PLAN_FORMAT } from "./batch_plan.ts";
import {
  type BatchRules,
  type KeptRules,
  nameOfRecord,
  RULES_FORMAT,
  RULES_HISTORY_FORMAT,
  RULES_IN_PROPERTY_MAX,
  type RulesHistory,
  rulesHistory,
} from "./batch_rules.ts";
import { checkRecordPlace, newerError, readRecord, type RecordFormat, recordText } from "./durable_record.ts";
import {
  type BatchRecordKind,
  batchRecordPath,
  CHECKPOINTS_FOLDER,
  recordAt,
  sharedRecordPath,
  targetFolder,
} from "./layout.ts";
import { ROUTED_FORMAT, type RoutedBatch } from "./routed_batch.ts";

/** This many records of finished batches are kept for diagnosis. */
const RECORDS_KEPT = 100;
/** Old records are removed after this many batches, because a listing is a request. */
const BATCHES_PER_LOOK = 16n;

/**
 * The durable records of one target's batches, in `checkpoints/<table>/`: `<N>.plan.json` and
 * `<N>.routed.json`, each created once and never changed. They say what is in flight; the tables
 * say what is done. `<N>.failures.json` is about a batch that could not be routed.
 */
export class Checkpoint {
  readonly folder: string;
  readonly #encoder = new TextEncoder();
  readonly #store: Store;
  readonly #target: string;
  /** Paths of records that this process has seen to. */
  readonly #kept = new Set<string>();

  constructor(store: Store, target: string) {
    this.#store = store;
    this.#target = target;
    this.folder = targetFolder(target);
  }

  readPlan(batchId: bigint): Promise<BatchPlan | undefined> {
    return readPlan(this.#store, this.#target, batchId);
  }

  readRouted(batchId: bigint): Promise<RoutedBatch | undefined> {
    return readRouted(this.#store, this.#target, batchId);
  }

  /** The plan that counts: this one, or that of the process that was first. */
  async createPlan(plan: BatchPlan): Promise<BatchPlan> {
    const batchId = BigInt(plan.batchId);
    if (await this.#create(this.#path(batchId, "plan"), recordText(plan, 1))) return plan;
    return (await this.readPlan(batchId)) ?? await this.createPlan(plan);
  }

  /** The routed record that counts: this one, or that of the process that was first. */
  async createRouted(routed: RoutedBatch): Promise<RoutedBatch> {
    const batchId = BigInt(routed.batchId);
    if (await this.#create(this.#path(batchId, "routed"), recordText(routed))) return routed;
    return (await this.readRouted(batchId)) ?? await this.createRouted(routed);
  }

  /**
   * Makes the rules of a batch durable, which the ledger's commit is to name; and the ledger's
   * history, where it has become long.
   */
  async keepRules(rules: BatchRules, ledger: Readonly<Record<string, string>>): Promise<KeptRules> {
    const known = rulesHistory(ledger, this.#target);
    const isLong = known !== undefined && known.batches.length >= RULES_IN_PROPERTY_MAX;
    return {
      rules: await this.#keep(rules, "rules"),
      before: isLong ? await this.#keep(known, "batches") : undefined,
    };
  }

  async #keep(record: BatchRules | RulesHistory, kind: "rules" | "batches"): Promise<string> {
    const name = nameOfRecord(record);
    const path = sharedRecordPath(this.#target, name, kind);
    if (!this.#kept.has(path)) await this.#create(path, recordText(record));
    this.#kept.add(path);
    return name;
  }

  /** Adds a failure of a planned batch; returns their number. */
  async noteFailure(batchId: bigint, lastAt: string, lastError: string): Promise<number> {
    const known = await readFailures(this.#store, this.#target, batchId);
    const failures = (known?.failures ?? 0) + 1;
    const record: BatchFailures = {
      format: 1,
      table: this.#target,
      batchId: Number(batchId),
      failures,
      lastAt,
      lastError,
    };
    await this.#store.write(this.#path(batchId, "failures"), this.#encoder.encode(recordText(record, 1)));
    return failures;
  }

  /** The highest batch of any record; 0 without records. */
  async lastRecorded(): Promise<bigint> {
    let last = 0n;
    for await (const { batchId } of this.#records()) if (batchId > last) last = batchId;
    return last;
  }

  /** Removes the records of batches long done, now and then. */
  async forget(doneBatchId: bigint): Promise<void> {
    if (doneBatchId % BATCHES_PER_LOOK !== 0n) return;
    const old: string[] = [];
    for await (const { path, batchId } of this.#records()) {
      if (batchId <= doneBatchId - BigInt(RECORDS_KEPT)) old.push(path);
    }
    await deleteOwn(this.#store, old, [{ folder: "", isOwn: (path) => isBatchRecord(path, this.#target) }]);
  }

  /** Fails with `newer` if there is a record that this program does not know. */
  async *#records(): AsyncIterable<{ path: string; batchId: bigint }> {
    for await (const { path } of this.#store.list(`${this.folder}/`)) {
      const record = recordAt(path);
      if (record?.kind === "unknown") throw unknownRecord(path);
      if (record !== undefined && "batchId" in record) yield { path, batchId: record.batchId };
    }
  }

  #path(batchId: bigint, kind: BatchRecordKind): string {
    return batchRecordPath(this.#target, batchId, kind);
  }

  /**
   * False when there is a record already, perhaps this one: after an unknown outcome the record is
   * read.
   */
  async #create(path: string, text: string): Promise<boolean> {
    try {
      return await this.#store.create(path, this.#encoder.encode(text));
    } catch (error) {
      if (!isKind(error, "unavailable")) throw error;
      if (await this.#store.stat(path) === undefined) throw error;
      return false;
    }
  }
}

function isBatchRecord(path: string, target: string): boolean {
  const record = recordAt(path);
  return (record?.kind === "plan" || record?.kind === "routed") && record.target === target;
}

/** Whether the batches of a target are recorded here. Records of the last ones are kept. */
export async function hasRecords(store: Store, target: string): Promise<boolean> {
  for await (const { path } of store.list(`${targetFolder(target)}/`)) {
    if (recordAt(path)?.kind === "plan") return true;
  }
  return false;
}

export async function readPlan(store: Store, target: string, batchId: bigint): Promise<BatchPlan | undefined> {
  const plan = await readBatchRecord(store, target, batchId, "plan", PLAN_FORMAT);
  if (plan === undefined) return undefined;
  checkRecordPlace(PLAN_FORMAT, batchRecordPath(target, batchId, "plan"), plan.table, target);
  return plan;
}

export function readRouted(store: Store, target: string, batchId: bigint): Promise<RoutedBatch | undefined> {
  return readBatchRecord(store, target, batchId, "routed", ROUTED_FORMAT);
}

export function readFailures(store: Store, target: string, batchId: bigint): Promise<BatchFailures | undefined> {
  return readBatchRecord(store, target, batchId, "failures", FAILURES_FORMAT);
}

/** Undefined where somebody has removed it. */
export function readRules(store: Store, target: string, name: string): Promise<BatchRules | undefined> {
  return readRecord(store, sharedRecordPath(target, name, "rules"), RULES_FORMAT);
}

export function readRulesHistory(store: Store, target: string, name: string): Promise<RulesHistory | undefined> {
  return readRecord(store, sharedRecordPath(target, name, "batches"), RULES_HISTORY_FORMAT);
}

/** Targets that have a plan, in the order of their names. */
export async function plannedTargets(store: Store): Promise<string[]> {
  const targets = new Set<string>();
  for await (const { path } of store.list(`${CHECKPOINTS_FOLDER}/`)) {
    const record = recordAt(path);
    if (record?.kind === "plan") targets.add(record.target);
  }
  return [...targets];
}

async function readBatchRecord<T extends { format: number; batchId: number }>(
  store: Store,
  target: string,
  batchId: bigint,
  kind: BatchRecordKind,
  format: RecordFormat<T>,
): Promise<T | undefined> {
  const path = batchRecordPath(target, batchId, kind);
  const record = await readRecord(store, path, format);
  if (record !== undefined) checkRecordPlace(format, path, `batch ${record.batchId}`, `batch ${batchId}`);
  return record;
}

/** For a file among the records whose name no record of this version has. */
export function unknownRecord(path: string): StreamlabError {
  return newerError(path, "this one knows no record of that name");
}
