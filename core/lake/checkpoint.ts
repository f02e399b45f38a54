import { StreamlabError } from "../base/errors.ts";
import type { Store } from "../storage/store.ts";
import { type BatchPlan, parsePlan, planText } from "./batch_plan.ts";
import { parseRouted, type RoutedBatch, routedText } from "./routed_batch.ts";

/** Records of batches that are done are kept for those who look for a cause; so many. */
const RECORDS_KEPT = 100;
/** Old ones are looked for after every so many batches: a listing is a request. */
const BATCHES_PER_LOOK = 16n;

/**
 * The durable records of one target's batches, in `checkpoints/<table>/`: `<N>.plan.json` and
 * `<N>.routed.json`, each created once and never changed. They say what is under way; what is done
 * is in the tables.
 */
export class Checkpoint {
  readonly folder: string;
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  readonly #store: Store;

  constructor(store: Store, table: string) {
    this.#store = store;

    this.folder = `checkpoints/${table}`;
  }

  async readPlan(batchId: bigint): Promise<BatchPlan | undefined> {
    const text = await this.#readText(this.#path(batchId, "plan"));
    return text === undefined ? undefined : parsePlan(text, this.#path(batchId, "plan"));
  }

  async readRouted(batchId: bigint): Promise<RoutedBatch | undefined> {
    const text = await this.#readText(this.#path(batchId, "routed"));
    return text === undefined ? undefined : parseRouted(text, this.#path(batchId, "routed"));
  }

  /** The plan that stands: this one, or the one of whoever was first. */
  async createPlan(plan: BatchPlan): Promise<BatchPlan> {
    const batchId = BigInt(plan.batchId);
    if (await this.#create(this.#path(batchId, "plan"), planText(plan))) return plan;
    return (await this.readPlan(batchId)) ?? await this.createPlan(plan);
  }

  /** The routed record that stands: this one, or the one of whoever was first. */
  async createRouted(routed: RoutedBatch): Promise<RoutedBatch> {
    const batchId = BigInt(routed.batchId);
    if (await this.#create(this.#path(batchId, "routed"), routedText(routed))) return routed;
    return (await this.readRouted(batchId)) ?? await this.createRouted(routed);
  }

  /** The highest batch that any record speaks of; 0 without records. */
  async lastRecorded(): Promise<bigint> {
    let last = 0n;
    for await (const { path } of this.#store.list(`${this.folder}/`)) {
      const batchId = this.#batchOf(path);
      if (batchId !== undefined && batchId > last) last = batchId;
    }
    return last;
  }

  /** Removes the records of batches long done, now and then. */
  async forget(doneBatchId: bigint): Promise<void> {
    if (doneBatchId % BATCHES_PER_LOOK !== 0n) return;
    const old: string[] = [];
    for await (const { path } of this.#store.list(`${this.folder}/`)) {
      const batchId = this.#batchOf(path);
      if (batchId !== undefined && batchId <= doneBatchId - BigInt(RECORDS_KEPT)) old.push(path);
    }
    if (old.length > 0) await this.#store.delete(old);
  }

  #path(batchId: bigint, kind: "plan" | "routed"): string {
    return `${this.folder}/${batchId.toString().padStart(12, "0")}.${kind}.json`;
  }

  #batchOf(path: string): bigint | undefined {
    const match = /\/(\d{12,})\.(?:plan|routed)\.json$/.exec(path);
    return match === null ? undefined : BigInt(match[1]!);
  }

  /**
   * False when a record stands there, perhaps this very one: an unknown outcome is settled by
   * looking.
   */
  async #create(path: string, text: string): Promise<boolean> {
    try {
      return await this.#store.create(path, this.#encoder.encode(text));
    } catch (error) {
      if (!(error instanceof StreamlabError) || error.kind !== "unavailable") throw error;
      if (await this.#store.stat(path) === undefined) throw error;
      return false;
    }
  }

  async #readText(path: string): Promise<string | undefined> {
    try {
      return this.#decoder.decode(await this.#store.read(path));
    } catch (error) {
      if (error instanceof StreamlabError && error.kind === "not-found") return undefined;
      throw error;
    }
  }
}
