import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { openS3Store } from "../../core/storage/s3/s3_store.ts";
import { s3Test, startS3 } from "../support/s3_servers.ts";
import fc from "../support/property.ts";
import { say } from "../support/say.ts";
import { isThorough } from "../support/thorough.ts";
import { checkNamed, HostileLake, lies } from "./hostile_lake.ts";

s3Test("whatever metadata names, no object outside of the table is lost (a prefix of a bucket)", async () => {
  const server = await startS3();
  let runs = 0, refusals = 0;
  try {
    await fc.assert(
      fc.asyncProperty(lies, async (given) => {
        const place = { kind: "s3" as const, bucket: await server.makeBucket(), prefix: "some/lake" };
        const options = { clock: systemClock, random: seededRandom(1), settings: server.settings };
        const store = await openS3Store(place, options);
        refusals += await checkNamed(new HostileLake(store, systemClock, options.random), given);
        runs++;
      }),
      { numRuns: isThorough ? 60 : 8 },
    );
  } finally {
    await server.stop();
  }
  say(`hostile metadata in a bucket: ${runs} lakes, ${refusals} refusals, no object lost`);
});
