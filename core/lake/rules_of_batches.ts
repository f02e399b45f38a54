import type { Store } from "../storage/store.ts";
import { type BatchRules, rulesHistory } from "./batch_rules.ts";
import { readRules, readRulesHistory } from "./checkpoint.ts";

/** From a batch on; null where they were not written down. */
type NameFrom = readonly [from: number, name: string | null];

/** The rules that the batches of a target were judged by, as far as they are remembered. */
export class RulesOfBatches {
  readonly #store: Store;
  readonly #target: string;
  /** Ascending. */
  readonly #names: readonly NameFrom[];
  readonly #read = new Map<string, Promise<BatchRules | undefined>>();

  private constructor(store: Store, target: string, names: readonly NameFrom[]) {
    this.#store = store;
    this.#target = target;
    this.#names = names;
  }

  /** By the ledger's properties; `store`: of the lake. */
  static async open(store: Store, target: string, ledger: Readonly<Record<string, string>>): Promise<RulesOfBatches> {
    const parts: NameFrom[][] = [];
    const seen = new Set<string>();
    for (let history = rulesHistory(ledger, target); history !== undefined;) {
      parts.unshift(history.batches);
      const { before } = history;
      if (before === undefined || seen.has(before)) break;
      seen.add(before);
      history = await readRulesHistory(store, target, before);
    }
    return new RulesOfBatches(store, target, parts.flat());
  }

  /** Undefined where they were not written down, or where somebody has removed them. */
  of(batchId: bigint): Promise<BatchRules | undefined> {
    return this.#named(this.#names.findLast(([from]) => BigInt(from) <= batchId));
  }

  /** The first that are known of later batches. */
  async after(batchId: bigint): Promise<BatchRules | undefined> {
    for (const name of this.#names) {
      const rules = BigInt(name[0]) > batchId ? await this.#named(name) : undefined;
      if (rules !== undefined) return rules;
    }
    return undefined;
  }

  #named(found: NameFrom | undefined): Promise<BatchRules | undefined> {
    const name = found?.[1] ?? undefined;
    if (name === undefined) return Promise.resolve(undefined);
    const rules = this.#read.get(name) ?? readRules(this.#store, this.#target, name);
    this.#read.set(name, rules);
    return rules;
  }
}
