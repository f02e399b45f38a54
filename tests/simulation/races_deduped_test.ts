import { runRaces } from "./world/run_races.ts";

Deno.test("consumers that drop repeats, maintainers, crashes, sleepers and a bad network at once drop each repeat and nothing else", async () => {
  await runRaces({ part: 0, parts: 1, dedupes: true });
});
