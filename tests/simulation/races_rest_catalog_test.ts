import { runRaces } from "./world/run_races.ts";

Deno.test("in a REST catalog, beside another engine that adds and deletes rows and columns, they lose and double nothing, either", async () => {
  await runRaces({ part: 0, parts: 1, isRest: true });
});
