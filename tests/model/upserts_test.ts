import { ok, strictEqual } from "node:assert/strict";
import { say } from "../support/say.ts";
import { allUpsertRules, exploreUpserts, type UpsertModel, type UpsertRules } from "./upserts.ts";

/** Two of a key in one batch, a late one, one that removes its key, and a late one after that. */
const model: UpsertModel = {
  batches: [
    [{ key: "a", time: 1 }, { key: "a", time: 3 }, { key: "b", time: 1 }],
    [{ key: "a", time: 2 }, { key: "b", time: 2, removes: true }],
    [{ key: "b", time: 1 }, { key: "a", time: 3 }],
  ],
  consumers: 2,
  crashesMax: 1,
  compactionsMax: 1,
  rules: allUpsertRules,
};

Deno.test("no state that upserts can get into has another row than the newest of each key, or counts what has gone wrong", () => {
  const { states, failure } = exploreUpserts(model);
  strictEqual(failure?.broken, undefined, failure?.steps.join("\n"));
  say(`the model of upserts: ${states} states, all sound`);
});

for (const rule of Object.keys(allUpsertRules) as (keyof UpsertRules)[]) {
  Deno.test(`the model of upserts breaks without ${rule}`, () => {
    const { states, failure } = exploreUpserts({ ...model, rules: { ...allUpsertRules, [rule]: false } });
    ok(failure !== undefined, `${states} states, and all of them sound`);
    say(`upserts without ${rule}: ${failure.broken}, after ${failure.steps.length - 1} steps`);
  });
}
