import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { runProgram } from "../../commands/line/program.ts";
import { maintain } from "../../commands/maintain/maintain.ts";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import type { UpsertRule } from "../../core/lake/upsert_rule.ts";
import { storeWith } from "../support/store_with.ts";
import { testWorld } from "../support/test_world.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { ask, beside } from "./other_program.ts";

const upsert: UpsertRule = { by: ["user_id"], newest: "event_timestamp" };

function put(world: ConsumeWorld, name: string, day: number): void {
  const event = { event_id: name, event_type: "u", event_timestamp: `2026-03-0${day}T12:00:00Z` };
  world.put(name, JSON.stringify(["ann", "bob"].map((user_id) => ({ user_id, ...event }))));
}

async function maintained(world: ConsumeWorld, ...flags: string[]): Promise<void> {
  const program = { ...testWorld({ commands: [maintain] }), clock: systemClock, random: seededRandom(31) };
  strictEqual(await runProgram(["maintain", ...flags, "--source", world.folder], program), 0, program.stderrText());
}

/**
 * Acts when the version of the table has been found in which rows are to be looked up, or when it
 * is known which data files that version has.
 */
function whileLookedUp(world: ConsumeWorld, known: "version" | "files", act: () => Promise<void>) {
  let moment: "before" | "now" | "after" = "before";
  const happens = async () => {
    moment = "after";
    await act();
  };
  const sink = storeWith(world.store, {
    async stat(path) {
      const info = await world.store.stat(path);
      if (moment === "before" && path.includes("bronze/events/data/")) moment = "now";
      return info;
    },
    async *list(prefix, options) {
      yield* world.store.list(prefix, options);
      if (known === "version" && moment === "now" && prefix.includes("bronze/events/metadata")) await happens();
    },
    async read(path, options) {
      const bytes = await world.store.read(path, options);
      if (known === "files" && moment === "now" && /-m\d+\.avro$/.test(path)) await happens();
      return bytes;
    },
  });
  return { sink, catalog: world.catalogOn(sink), zone: world.options().zone };
}

for (const known of ["version", "files"] as const) {
  Deno.test(`rows that a batch replaces are found where they were moved and their files deleted once the ${known} to look in were known`, () =>
    ConsumeWorld.use(async (world) => {
      for (const day of [1, 2]) {
        put(world, `${day}.json`, day);
        await world.consume({ upsert });
      }
      // One of each kind: none is left to be missed once the first is read.
      await maintained(world, "--rewrite-manifests");
      put(world, "3.json", 3);
      const dies = beside(world, () => Promise.reject(new Error("crashed")));
      await rejects(() => world.consume({ upsert, ...dies }), /crashed/);
      let acted = 0;
      const looked = whileLookedUp(world, known, async () => {
        acted++;
        await maintained(world, "--all", "--older-than", "0", "--retain-last", "1");
      });
      await world.consume({ upsert, ...looked });
      strictEqual(acted, 1);
      const rows = await ask(world, "SELECT user_id, event_id FROM bronze.events ORDER BY user_id");
      deepStrictEqual(rows, [{ user_id: "ann", event_id: "3.json" }, { user_id: "bob", event_id: "3.json" }]);
    }));
}
