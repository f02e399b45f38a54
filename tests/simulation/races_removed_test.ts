import { runRaces } from "./world/run_races.ts";

Deno.test("maintainers that remove repeats beside consumers, compaction, crashes and a bad network leave the first of each, and count the others", async () => {
  await runRaces({ part: 0, parts: 1, removes: true });
});
