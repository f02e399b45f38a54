import { runRaces } from "./world/run_races.ts";

Deno.test("maintainers that replay dead letters beside consumers, compaction, crashes and a bad network make each an event once", async () => {
  await runRaces({ part: 0, parts: 1, replays: true });
});

Deno.test("in a REST catalog, beside another engine that adds and deletes rows, they make each an event once, too", async () => {
  await runRaces({ part: 0, parts: 1, isRest: true, replays: true });
});
