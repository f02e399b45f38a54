import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { seededRandom } from "../../core/base/random.ts";
import { type BatchRules, RULES_IN_PROPERTY_MAX, rulesHistory, rulesProperty } from "../../core/lake/batch_rules.ts";
import { Checkpoint } from "../../core/lake/checkpoint.ts";
import { RulesOfBatches } from "../../core/lake/rules_of_batches.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";

const TARGET = "bronze.events";
const rules = (contract: string): BatchRules => ({ format: 1, contract, options: { onExtraFields: "dead-letter" } });

/** A ledger's properties, and the commits of batches to it. */
class Ledger {
  properties: Record<string, string> = {};
  readonly #store: Store;

  private constructor(store: Store) {
    this.#store = store;
  }

  static async use(action: (ledger: Ledger) => Promise<void>): Promise<void> {
    const folder = await Deno.makeTempDir({ prefix: "streamlab-rules-" });
    try {
      await action(new Ledger(openLocalStore(folder, { random: seededRandom(1), durable: false })));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }

  /** Each in a life of its own. */
  async commit(batchId: number, contract: string | undefined, target = TARGET): Promise<void> {
    const kept = contract === undefined
      ? undefined
      : await new Checkpoint(this.#store, target).keepRules(rules(contract), this.properties);
    Object.assign(this.properties, rulesProperty(this.properties, target, batchId, kept));
  }

  async contractOf(batchId: number, target = TARGET): Promise<string | undefined> {
    const known = await RulesOfBatches.open(this.#store, target, this.properties);
    return (await known.of(BigInt(batchId)))?.contract;
  }

  async contracts(last: number): Promise<(string | undefined)[]> {
    return await Promise.all(Array.from({ length: last }, (_, index) => this.contractOf(index + 1)));
  }

  async files(): Promise<string[]> {
    return (await Array.fromAsync(this.#store.list("checkpoints/"))).map(({ path }) => path);
  }

  removeFiles(): Promise<void> {
    return Deno.remove(`${this.#store.root}/checkpoints`, { recursive: true });
  }
}

Deno.test("the ledger tells by which rules each batch was judged, and keeps each once", () =>
  Ledger.use(async (ledger) => {
    for (const [index, contract] of ["a", "a", "b", "a"].entries()) await ledger.commit(index + 1, contract);
    deepStrictEqual(await ledger.contracts(5), ["a", "a", "b", "a", "a"]);
    strictEqual((await ledger.files()).length, 2);
  }));

Deno.test("batches of a streamlab that writes no rules down have none, whatever comes before and after", () =>
  Ledger.use(async (ledger) => {
    await ledger.commit(3, "a");
    await ledger.commit(6, "a");
    await ledger.commit(7, "b");
    deepStrictEqual(await ledger.contracts(7), [undefined, undefined, "a", undefined, undefined, "a", "b"]);
    const known = rulesHistory(ledger.properties, TARGET)!;
    strictEqual(known.through, 7);
  }));

Deno.test("a batch without files changes no rules, and is no gap", () =>
  Ledger.use(async (ledger) => {
    await ledger.commit(1, undefined);
    deepStrictEqual(ledger.properties, {});
    await ledger.commit(2, "a");
    await ledger.commit(3, undefined);
    await ledger.commit(4, "a");
    deepStrictEqual(await ledger.contracts(4), [undefined, "a", "a", "a"]);
    strictEqual(rulesHistory(ledger.properties, TARGET)!.batches.length, 1);
  }));

Deno.test("each target has its own", () =>
  Ledger.use(async (ledger) => {
    await ledger.commit(1, "a");
    await ledger.commit(1, "b", "orders.raw");
    deepStrictEqual([await ledger.contractOf(1), await ledger.contractOf(1, "orders.raw")], ["a", "b"]);
  }));

Deno.test("whoever changes rules with each batch makes no long property, and every batch keeps its rules", () =>
  Ledger.use(async (ledger) => {
    const last = 3 * RULES_IN_PROPERTY_MAX;
    const contract = (batchId: number) => ["a", "b", "c"][batchId % 3]!;
    // Each of many commits reads and writes all of it.
    for (let batchId = 1; batchId <= last; batchId++) {
      // A gap at the very place where the history moves into a file.
      if (batchId === 2 * RULES_IN_PROPERTY_MAX + 1) continue;
      await ledger.commit(batchId, contract(batchId));
      ok(rulesHistory(ledger.properties, TARGET)!.batches.length <= RULES_IN_PROPERTY_MAX + 1);
    }
    const expected = Array.from({ length: last }, (_, index) => contract(index + 1));
    expected[2 * RULES_IN_PROPERTY_MAX] = undefined as unknown as string;
    deepStrictEqual(await ledger.contracts(last), expected);
  }));

Deno.test("rules whose files were removed are not remembered, and are written down again by the next run", () =>
  Ledger.use(async (ledger) => {
    await ledger.commit(1, "a");
    await ledger.removeFiles();
    strictEqual(await ledger.contractOf(1), undefined);
    await ledger.commit(2, "a");
    deepStrictEqual(await ledger.contracts(2), ["a", "a"]);
  }));
