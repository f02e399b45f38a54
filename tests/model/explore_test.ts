import { strictEqual } from "node:assert/strict";
import { exploreStates, type Machine } from "./explore.ts";
import { allRules, type Model, protocol } from "./protocol.ts";
import { allUpsertRules, upserts } from "./upserts.ts";

/** Fails where keys and JSON disagree on what is equal, or a step changes its own state. */
function checked<State>({ start, steps, brokenInvariant, key }: Machine<State>): Machine<State> {
  const texts = new Map<string, string>(), keys = new Map<string, string>();
  return {
    start,
    brokenInvariant,
    *steps(state) {
      const before = JSON.stringify(state);
      for (const step of steps(state)) {
        yield step;
        strictEqual(JSON.stringify(state), before, `${step.name} changes the state that it is of`);
      }
    },
    key(state) {
      const short = key(state), text = JSON.stringify(state);
      strictEqual(texts.get(short) ?? text, text, "one key for two states");
      strictEqual(keys.get(text) ?? short, short, "two keys for one state");
      texts.set(short, text);
      keys.set(text, short);
      return short;
    },
  };
}

const consumers: Model = {
  files: ["disputed", "letter"],
  contracts: [1, 2],
  batchesMax: 2,
  crashesMax: 1,
  rules: allRules,
};

const models: Record<string, Model> = {
  consumers,
  replays: { ...consumers, contracts: [2, 1], replayers: [1] },
  reingests: { ...consumers, contracts: [2, 1], reingesters: [1] },
  "consumers that plan and route by what they read first": {
    ...consumers,
    rules: { ...allRules, usesStandingRecord: false, keepsPlannedContract: false },
  },
};

for (const [name, model] of Object.entries(models)) {
  Deno.test(`states of ${name} have the same key exactly if they are equal, and no step changes another`, () => {
    strictEqual(exploreStates(checked(protocol(model))).states, exploreStates(protocol(model)).states);
  });
}

for (const readsTableAfterLedger of [true, false]) {
  const tables = readsTableAfterLedger ? "the table of each batch" : "the first table";
  Deno.test(`states of upserts by ${tables} have the same key exactly if they are equal, and no step changes another`, () => {
    const model = {
      batches: [
        [{ key: "a", time: 1 }, { key: "a", time: 3 }, { key: "b", time: 1 }],
        [{ key: "a", time: 2 }, { key: "b", time: 2, removes: true }],
      ],
      consumers: 2,
      crashesMax: 1,
      compactionsMax: 1,
      rules: { ...allUpsertRules, readsTableAfterLedger },
    };
    strictEqual(exploreStates(checked(upserts(model))).states, exploreStates(upserts(model)).states);
  });
}
