import { deepStrictEqual, ok } from "node:assert/strict";
import { seededRandom } from "../../core/base/random.ts";
import { Claims } from "../../core/lake/claims.ts";
import { listIntents, PATIENCE_MS } from "../../core/lake/intent.ts";
import { INTENTS_FOLDER, REMOVALS_FOLDER } from "../../core/lake/layout.ts";
import { filesOfRemoval, listRemovals } from "../../core/lake/removal.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";

/** As they were written by the first version that had them. */
const fixtures = new URL("fixtures/format_2/", import.meta.url);
const oldIntents = new URL("fixtures/format_1/lake/checkpoints/intents/", import.meta.url);

async function useRecords(action: (store: Store) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-records-" });
  try {
    const store = openLocalStore(folder, { random: seededRandom(1), durable: false });
    for (const [name, place] of [["intent", INTENTS_FOLDER], ["removal", REMOVALS_FOLDER]] as const) {
      const bytes = await Deno.readFile(new URL(`${name}.json`, fixtures));
      const { id } = JSON.parse(new TextDecoder().decode(bytes));
      await store.write(`${place}/${id}.json`, bytes);
    }
    for await (const { name } of Deno.readDir(oldIntents)) {
      await store.write(`${INTENTS_FOLDER}/${name}`, await Deno.readFile(new URL(name, oldIntents)));
    }
    await action(store);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an intent says for how long its owner may be silent; one of the first format has a day", () =>
  useRecords(async (store) => {
    const intents = (await listIntents(store)).map(({ intent: { format, patienceMs } }) => ({ format, patienceMs }));
    deepStrictEqual(intents.sort((a, b) => a.patienceMs - b.patienceMs), [
      { format: 2, patienceMs: 600_000 },
      { format: 2, patienceMs: PATIENCE_MS },
    ]);
  }));

Deno.test("a removal that was written before is read, and what it names is claimed", () =>
  useRecords(async (store) => {
    const { removal } = (await listRemovals(store))[0]!;
    deepStrictEqual([removal.released, filesOfRemoval(removal), removal.bytes], [true, 3, 4096]);
    const claims = await Claims.read(store, new Set());
    for (const uri of [...removal.dataFiles, ...removal.manifests, ...removal.manifestLists]) {
      ok(claims.has({ pathInTable: "", path: "", uri }, {}));
    }
  }));
