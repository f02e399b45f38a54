/** A property: whatever metadata names, and however, no file outside of the table is lost. */
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import fc from "../support/property.ts";
import { say } from "../support/say.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { isThorough } from "../support/thorough.ts";
import { checkNamed, HostileLake, lies } from "./hostile_lake.ts";

const LAKES = isThorough ? 400 : 20;

Deno.test("whatever metadata names, no file outside of the table is lost (real disk)", async () => {
  let runs = 0, refusals = 0;
  await fc.assert(
    fc.asyncProperty(lies, async (given) => {
      const folder = await Deno.makeTempDir({ prefix: "streamlab-names-" });
      try {
        const random = seededRandom(1);
        refusals += await checkNamed(
          new HostileLake(openLocalStore(folder, { random, durable: false }), systemClock, random),
          given,
        );
        runs++;
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }),
    { numRuns: LAKES },
  );
  say(`hostile metadata on a disk: ${runs} lakes, ${refusals} refusals, no file lost`);
});

Deno.test("whatever metadata names, no file outside of the table is lost (simulated store)", async () => {
  let runs = 0, refusals = 0;
  await fc.assert(
    fc.asyncProperty(lies, async (given) => {
      const store = new SimulatedDisk().connect();
      refusals += await checkNamed(new HostileLake(store, store.clock, store.random), given);
      runs++;
    }),
    { numRuns: LAKES },
  );
  say(`hostile metadata on a simulated store: ${runs} lakes, ${refusals} refusals, no file lost`);
});
