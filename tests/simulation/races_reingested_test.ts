import { runRaces } from "./world/run_races.ts";

Deno.test("maintainers that ingest files again beside consumers, replays, compaction, crashes and a bad network leave each record once", async () => {
  await runRaces({ part: 0, parts: 1, replays: true, reingests: true });
});

Deno.test("in a REST catalog, beside another engine that adds and deletes rows, they leave each record once, too", async () => {
  await runRaces({ part: 0, parts: 1, isRest: true, replays: true, reingests: true });
});
