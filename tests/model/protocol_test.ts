import { ok, strictEqual } from "node:assert/strict";
import { say } from "../support/say.ts";
import { allRules, explore, type Model, type Rules } from "./protocol.ts";

const model: Model = {
  files: ["disputed", "letter", "event"],
  contracts: [1, 2],
  batchesMax: 2,
  crashesMax: 2,
  rules: allRules,
};

Deno.test("no state that the protocol can get into loses or doubles a record", () => {
  const { states, failure } = explore(model);
  strictEqual(failure?.broken, undefined, failure?.steps.join("\n"));
  say(`the model: ${states} states, all sound`);
});

const replays: Model = {
  files: ["disputed", "letter"],
  contracts: [2, 1],
  replayers: [1],
  batchesMax: 2,
  crashesMax: 1,
  rules: allRules,
};

Deno.test("no state that a replay of dead letters can get into loses or doubles a record, either", () => {
  const { states, failure } = explore(replays);
  strictEqual(failure?.broken, undefined, failure?.steps.join("\n"));
  say(`the model with replays: ${states} states, all sound`);
});

for (const rule of ["removesAfterEvents", "removesWithMarker", "checksMarker"] as const) {
  Deno.test(`the model of replays breaks without ${rule}`, () => {
    const { states, failure } = explore({ ...replays, rules: { ...allRules, [rule]: false } });
    ok(failure !== undefined, `${states} states, and all of them sound`);
    say(`replays without ${rule}: ${failure.broken}, after ${failure.steps.length - 1} steps`);
  });
}

for (const contracts of [[2, 1], [1, 2]] as const) {
  const becomes = contracts[0] === 2 ? "a letter becomes an event" : "an event becomes a letter";
  const reingests: Model = { ...replays, contracts: [...contracts], replayers: [], reingesters: [1] };

  Deno.test(`no state that a reingest can get into loses or doubles a record where ${becomes}`, () => {
    const { states, failure } = explore(reingests);
    strictEqual(failure?.broken, undefined, failure?.steps.join("\n"));
    say(`the model with reingests: ${states} states, all sound`);
  });

  for (const rule of ["replacesRows", "checksMarker", "ledgerLast"] as const) {
    Deno.test(`the model of reingests breaks without ${rule} where ${becomes}`, () => {
      const { states, failure } = explore({ ...reingests, rules: { ...allRules, [rule]: false } });
      ok(failure !== undefined, `${states} states, and all of them sound`);
      say(`reingests without ${rule}: ${failure.broken}, after ${failure.steps.length - 1} steps`);
    });
  }
}

Deno.test("what a plan says may even be judged by another contract, as long as one record of it stands", () => {
  const { failure } = explore({ ...model, rules: { ...allRules, keepsPlannedContract: false } });
  strictEqual(failure?.broken, undefined, failure?.steps.join("\n"));
});

/**
 * What is taken away together: routing anew does harm only where the contract can have changed in
 * between.
 */
const broken: (keyof Rules)[][] = [
  ["checksMarker"],
  ["markerOutlivesSnapshots"],
  ["ledgerLast"],
  ["usesStandingRecord", "keepsPlannedContract"],
  ["asksLedgerAgain"],
];

for (const rules of broken) {
  Deno.test(`the model breaks without ${rules.join(" and ")}`, () => {
    const without = Object.fromEntries(rules.map((rule) => [rule, false]));
    const { states, failure } = explore({ ...model, rules: { ...allRules, ...without } });
    ok(failure !== undefined, `${states} states, and all of them sound`);
    say(`without ${rules.join(" and ")}: ${failure.broken}, after ${failure.steps.length - 1} steps`);
  });
}
