import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { storeWith } from "../support/store_with.ts";

const event = (id: number) =>
  JSON.stringify({ user_id: "u", event_id: `e${id}`, event_type: "t", event_timestamp: "2026-03-01T00:00:00Z" });

Deno.test("a lake that is moved between plan and routing goes on where it is then", async () => {
  await ConsumeWorld.use(async (world) => {
    world.put("a.json", `[${event(1)}]`);
    await world.consume();
    world.put("b.json", `[${event(2)},${event(3)}]`);
    const create = world.store.create.bind(world.store);
    const dying = storeWith(world.store, {
      create: (path, bytes) =>
        path.endsWith(".routed.json") ? Promise.reject(new Error("power cut")) : create(path, bytes),
    });
    await rejects(world.consume({ sink: dying }), /power cut/);

    const moved = `${world.folder}/moved`;
    Deno.mkdirSync(moved);
    for (const part of ["raw", "warehouse", "checkpoints"]) {
      Deno.renameSync(`${world.folder}/${part}`, `${moved}/${part}`);
    }
    await world.consume({ sink: openLocalStore(moved, { random: world.random, durable: false }) });
    strictEqual(world.batches.at(-1)!.resumed, true);
    for (const part of ["raw", "warehouse", "checkpoints"]) {
      Deno.renameSync(`${moved}/${part}`, `${world.folder}/${part}`);
    }
    const rows = await world.rows("SELECT event_id, _source_file FROM {{bronze.events}} ORDER BY 1");
    deepStrictEqual(rows.map((row) => [row.event_id, row._source_file]), [
      ["e1", "raw/events/a.json"],
      ["e2", "raw/events/b.json"],
      ["e3", "raw/events/b.json"],
    ]);
  });
});
