import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import { type BetweenBatches, forgetRecords, type Pause } from "../../core/consume/between_batches.ts";
import { ConsumeSession } from "../../core/consume/consume_session.ts";
import type { Checkpoint } from "../../core/lake/checkpoint.ts";
import { ConsumeWorld } from "./consume_world.ts";

const EVENT = `{"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}`;

/** Watches until `betweenBatches` has ended the run. */
async function watch(world: ConsumeWorld, betweenBatches: (pause: Pause, stop: () => void) => Promise<void>) {
  const stop = new AbortController();
  const troubles: string[] = [];
  const session = await ConsumeSession.open(world.options({
    maxFilesPerBatch: 1,
    betweenBatches: (pause) => betweenBatches(pause, () => stop.abort()),
  }));
  try {
    await session.run(stop.signal, 10, ({ message }) => void troubles.push(message));
    return troubles;
  } finally {
    session.close();
  }
}

Deno.test("a consumer offers the moment after each batch, and the time that there is when nothing waits", () =>
  ConsumeWorld.use(async (world) => {
    for (const name of ["1", "2", "3"]) world.put(`${name}.ndjson`, EVENT);
    const pauses: { doneBatchId: bigint; isIdle: boolean }[] = [];
    await watch(world, ({ doneBatchId, idleMs }, stop) => {
      pauses.push({ doneBatchId, isIdle: idleMs > 0 });
      if (idleMs > 0) stop();
      return Promise.resolve();
    });
    deepStrictEqual(pauses.slice(0, 3), [1n, 2n, 3n].map((doneBatchId) => ({ doneBatchId, isIdle: false })));
    deepStrictEqual(pauses.at(-1), { doneBatchId: 3n, isIdle: true });
  }));

Deno.test("upkeep sees what the batch before it committed, and the batch after it waits", () =>
  ConsumeWorld.use(async (world) => {
    for (const name of ["1", "2"]) world.put(`${name}.ndjson`, EVENT);
    const seen: unknown[] = [];
    const betweenBatches: BetweenBatches = async ({ doneBatchId }) => {
      const [row] = await world.rows("SELECT count(*)::INT AS n FROM {{bronze.events}}");
      seen.push([doneBatchId, row!.n, world.batches.length]);
    };
    await world.consume({ maxFilesPerBatch: 1, betweenBatches });
    // Once more at the end, whatever there was to take.
    deepStrictEqual(seen, [[1n, 1, 1], [2n, 2, 2], [2n, 2, 2]]);
  }));

Deno.test("what upkeep is refused by the outside is tried again, and any other failure ends the run", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", EVENT);
    let tries = 0;
    const fail = (kind: "unavailable" | "internal") => Promise.reject(new StreamlabError(kind, "The disk is full"));
    const troubles = await watch(world, (_pause, stop) => {
      if (++tries === 1) return fail("unavailable");
      stop();
      return Promise.resolve();
    });
    deepStrictEqual(troubles, ["The disk is full"]);
    strictEqual(world.batches.length, 1);
    world.put("2.ndjson", EVENT);
    await rejects(world.consume({ betweenBatches: () => fail("internal") }), /The disk is full/);
    strictEqual(world.batches.length, 2);
    ok(tries > 1);
  }));

Deno.test("a file that comes ends a pause, but not what is under way; the end of the run ends both", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.ndjson", EVENT);
    const seen: boolean[][] = [];
    await watch(world, async ({ doneBatchId, idleMs, signal, stop }, end) => {
      if (idleMs === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => resolve());
      if (doneBatchId === 1n) world.put("2.ndjson", EVENT);
      else end();
      await promise;
      seen.push([signal.aborted, stop.aborted]);
    });
    deepStrictEqual([seen.at(0), seen.at(-1)], [[true, false], [true, true]]);
  }));

Deno.test("records of old batches are looked for once after each batch, not at each pause", async () => {
  const looks: bigint[] = [];
  const checkpoint = { forget: (id: bigint) => Promise.resolve(void looks.push(id)) } as unknown as Checkpoint;
  const job = forgetRecords(checkpoint);
  const { signal } = new AbortController();
  for (const doneBatchId of [1n, 1n, 2n, 2n, 2n]) {
    await job({ doneBatchId, idleMs: 0, tables: [], renew: () => {}, signal, stop: signal });
  }
  deepStrictEqual(looks, [1n, 2n]);
});
