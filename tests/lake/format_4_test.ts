import { deepStrictEqual, ok } from "node:assert/strict";
import { seededRandom } from "../../core/base/random.ts";
import { readPlan, readRouted } from "../../core/lake/checkpoint.ts";
import { Claims } from "../../core/lake/claims.ts";
import { batchRecordPath } from "../../core/lake/layout.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";

/** As they were written by the first version that had them. */
const fixtures = new URL("fixtures/format_4/", import.meta.url);

async function useStore(action: (store: Store) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-records-" });
  try {
    await action(openLocalStore(folder, { random: seededRandom(1), durable: false }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("records of a reingest that were written before are read, and what they name is claimed", () =>
  useStore(async (store) => {
    const target = "bronze.events", name = "raw/events/a.json";
    for (const kind of ["plan", "routed"] as const) {
      await store.write(batchRecordPath(target, 2n, kind), await Deno.readFile(new URL(`${kind}.json`, fixtures)));
    }
    const [plan, routed] = [(await readPlan(store, target, 2n))!, (await readRouted(store, target, 2n))!];
    const versions = plan.reingest!.map((
      { name, records, events, deadLetters },
    ) => [name, records, events, deadLetters]);
    deepStrictEqual([plan.format, versions], [4, [[name, 1, 0, 1]]]);
    deepStrictEqual([routed.format, routed.reingested], [4, [name]]);
    deepStrictEqual(routed.files.map(({ status, records }) => [status, records]), [["ingested", 2], [
      "reingested",
      -1,
    ]]);
    const claims = await Claims.read(store, new Set());
    ok(claims.hasRaw(name));
    for (const { path } of routed.events.files) {
      ok(claims.has({ pathInTable: path, path: `warehouse/bronze/events/${path}`, uri: "" }, {}));
    }
  }));
