import { strictEqual } from "node:assert/strict";
import { systemRandom as random } from "../../core/base/random.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { LakeWatch } from "../../core/serve/metrics/lake_watch.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { scratchFolder } from "../support/scratch_folder.ts";

/** Of an empty lake; each look takes so long, and from `hold` on waits for what that returns. */
async function useWatch(
  tookMs: number,
  action: (watch: LakeWatch, clock: ManualClock, hold: () => () => void) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-watch-" });
  const clock = new ManualClock();
  const store = openLocalStore(folder, { random, durable: false });
  const catalog = new FileCatalog({ store, clock, random });
  let held = Promise.resolve();
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    return resolve;
  };
  const list = catalog.listNamespaces.bind(catalog);
  catalog.listNamespaces = async () => {
    clock.advance(tookMs);
    await held;
    return await list();
  };
  const watch = new LakeWatch({ catalog, store, clock, random }, {
    temporaryFolder: scratchFolder(),
    threads: 1,
    memory: "256MB",
    openRaw: () => Promise.resolve(store),
    onFailure: (error) => {
      throw error;
    },
  });
  try {
    await action(watch, clock, hold);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("who glances at a lake that takes long to look at sees what was known a moment ago", () =>
  useWatch(2_000, async (watch, clock, hold) => {
    const first = await watch.glance();
    clock.advance(20_000);
    const goOn = hold();
    const looking = watch.look();
    strictEqual(await watch.glance(), first);
    goOn();
    const second = await looking;
    strictEqual(await watch.glance(), second);
    strictEqual(second.state!.lookedAtMs > first.state!.lookedAtMs, true);
  }));

Deno.test("what was known longer than a minute ago is no glance, and a quick look is waited for", async () => {
  for (const [tookMs, laterMs] of [[2_000, 60_001], [10, 20_000]] as const) {
    await useWatch(tookMs, async (watch, clock) => {
      const first = await watch.glance();
      clock.advance(laterMs);
      strictEqual((await watch.glance()).state!.lookedAtMs - first.state!.lookedAtMs >= laterMs, true);
    });
  }
});
