import { match, rejects } from "node:assert/strict";
import { messageOf, StreamlabError } from "../../core/base/errors.ts";
import { commitsOf, stagesOf, walk, Workshop } from "./world/crash_walk.ts";
import { columnMutations } from "./world/column_mutations.ts";
import { listsLate, mutations } from "./world/mutations.ts";
import { repeatMutations } from "./world/repeat_mutations.ts";
import { DataRows } from "./world/data_rows.ts";
import { reingestMutations } from "./world/reingest_mutations.ts";
import { forgetsIntents, removesByFiles, replayMutations } from "./world/replay_mutations.ts";
import { abandonedReplay, lateRemoval } from "./world/replay_scenarios.ts";
import { upkeepMutations } from "./world/upkeep_mutations.ts";
import { upsertMutations } from "./world/upsert_mutations.ts";
import { lightTools, Race } from "./world/race.ts";
import { scenarios } from "./world/scenarios.ts";
import { say } from "../support/say.ts";

/**
 * Races that a broken rule may survive before it counts as not caught; unbroken ones survive them
 * all.
 */
const seedsMax = 3000;
const seeds = Array.from({ length: seedsMax }, (_, index) => index + 1);

const ofRows = [...repeatMutations, ...replayMutations, ...reingestMutations, ...upsertMutations];
const all = [...mutations, ...upkeepMutations, ...columnMutations, ...ofRows];

for (const mutation of all) {
  Deno.test(`races find out when ${mutation.name}`, async () => {
    for (const seed of new Set([mutation.race ?? 1, ...seeds])) {
      const race = new Race(seed, {
        tools: (rows) => ({ ...lightTools(rows), ...mutation.tools(rows) }),
        ...(mutation.chances && { chances: mutation.chances }),
        ...(mutation.compacts && { compacts: true }),
        ...(mutation.merges && { merges: true }),
        ...(mutation.dedupes && { dedupes: true }),
        ...(mutation.removes && { removes: true }),
        ...(mutation.grows && { grows: true }),
        ...(mutation.replays && { replays: true }),
        ...(mutation.reingests && { replays: true, reingests: true }),
        ...(mutation.upserts && { upserts: true }),
        ...(mutation.upkeeps !== undefined && { upkeeps: mutation.upkeeps }),
      });
      let problem: string | undefined;
      try {
        problem = (await race.run()).problems[0];
      } catch (error) {
        // Any other error is a fault of the simulation, which proves nothing.
        if (!(error instanceof StreamlabError)) throw error;
        problem = `it broke off: ${messageOf(error)}`;
      }
      if (problem === undefined) continue;
      say(`${mutation.name}: found by race ${seed} (${problem})`);
      return;
    }
    throw new Error(`${seedsMax} races found nothing wrong although ${mutation.name}`);
  });
}

Deno.test("a crash finds out when the list of deletions is written after the deletion", async () => {
  const scenario = scenarios.find(({ tidies }) => tidies)!;
  await Workshop.use(async ({ rows, tools }) => {
    const workshop = { rows, tools: { ...tools, store: listsLate } };
    for (const stage of await stagesOf(scenario, workshop)) {
      for (const ordinal of await commitsOf(scenario, stage, workshop)) {
        const crash = { ordinal, phase: "after" as const };
        const problem = await walk(scenario, stage, [crash], workshop).then(() => undefined, messageOf);
        if (problem === undefined) continue;
        match(problem, /nothing waits to delete/);
        say(`found by a crash after operation ${ordinal} of step ${stage.step + 1}`);
        return;
      }
    }
    throw new Error("no crash found it");
  });
});

Deno.test("upkeep after a crash finds out when letters are removed by the rows in the files of their batch", async () => {
  const rows = new DataRows();
  const scenario = abandonedReplay(rows);
  const workshop = { rows, tools: { ...lightTools(rows), ...removesByFiles(rows) } };
  const [, replay] = await stagesOf(scenario, workshop);
  for (const ordinal of await commitsOf(scenario, replay!, workshop)) {
    const crash = { ordinal, phase: "after" as const };
    const problem = await walk(scenario, replay!, [crash], workshop).then(() => undefined, messageOf);
    if (problem === undefined) continue;
    match(problem, /event is there 1 times too often/);
    return say(`found by a crash after operation ${ordinal}`);
  }
  throw new Error("no crash found it");
});

Deno.test("a late commit finds out when the intent of a removal goes although the outcome is unknown", async () => {
  const rows = new DataRows();
  const workshop = { rows, tools: { ...lightTools(rows), ...forgetsIntents(rows) } };
  await rejects(stagesOf(lateRemoval(rows), workshop), /the live file .* is gone/);
});
