import { deepStrictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { isThorough } from "../support/thorough.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { FOLDER, ToldZone } from "./told_zone.ts";

const FILES_MAX = 5;
const nameOf = (file: number) => `${file % 2 === 0 ? "a" : "b/c"}/${file}.ndjson`;

/** A file appears, a message names one that may be there or not, or everything has come to rest. */
const file = fc.nat({ max: FILES_MAX - 1 });
const step = fc.oneof(
  fc.record({ does: fc.constant("appears" as const), file }),
  { weight: 2, arbitrary: fc.record({ does: fc.constant("is told of" as const), file }) },
  fc.constant({ does: "rests" as const }),
);

Deno.test("messages that are lost, doubled, late, early or out of order give the same tables", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), (steps) =>
      ConsumeWorld.use(async (world) => {
        const zone = new ToldZone(world);
        const there = new Set<string>();
        await zone.watch(async (watching) => {
          for (const step of steps) {
            if (step.does === "rests") await zone.quiet();
            else if (step.does === "is told of") zone.tell(nameOf(step.file));
            else if (!there.has(nameOf(step.file))) {
              zone.put(nameOf(step.file));
              there.add(nameOf(step.file));
            }
          }
          await zone.quiet();
          // Files without a message are found by a listing, in ten minutes at the latest.
          for (let minutes = 0; watching.events < there.size && minutes < 20; minutes++) {
            zone.clock.advance(60_000);
            await zone.quiet();
          }
        });
        const names = [...there].sort();
        const events = await world.rows("SELECT event_id, _source_file FROM {{bronze.events}} ORDER BY event_id");
        deepStrictEqual(events.map((row) => row.event_id), names);
        deepStrictEqual(events.map((row) => row._source_file), names.map((name) => FOLDER + name));
        const letters = await world.rows("SELECT * FROM {{dead_letters.events}}");
        deepStrictEqual(letters, []);
        const ledger = await world.rows("SELECT source_file AS name, status FROM {{ingest.files}} ORDER BY ALL");
        deepStrictEqual(ledger.map((row) => [row.name, row.status]), names.map((name) => [FOLDER + name, "ingested"]));
        deepStrictEqual(world.remarks, []);
      })),
    { numRuns: isThorough ? 40 : 6 },
  );
});
