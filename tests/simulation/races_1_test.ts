import { runRaces } from "./world/run_races.ts";

Deno.test("consumers, maintainers, crashes, sleepers and a bad network at once lose and double nothing, part 0", async () => {
  await runRaces({ part: 0, parts: 4 });
});
