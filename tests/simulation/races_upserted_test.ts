import { runRaces } from "./world/run_races.ts";

Deno.test("consumers that upsert, maintainers, crashes, sleepers and a bad network at once keep the newest of each key", async () => {
  await runRaces({ part: 0, parts: 1, upserts: true });
});
