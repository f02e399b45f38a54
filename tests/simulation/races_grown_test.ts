import { runRaces } from "./world/run_races.ts";

Deno.test("consumers whose batches bring a new column, beside an engine that adds columns, lose and double nothing, and its values are found", async () => {
  await runRaces({ part: 0, parts: 1, grows: true });
});
