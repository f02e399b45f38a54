import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Judge } from "../../core/contract/judge.ts";
import { type Letter, LetterGroups } from "../../core/maintain/letters/letter_groups.ts";
import { contractOf } from "../routing/reader/test_reader.ts";
import { Place } from "./place.ts";

const ORDERS = {
  type: "object",
  required: ["id"],
  properties: {
    id: { type: "integer" },
    lines: { type: "array", items: { type: "object", properties: { price: { type: "number" } } } },
  },
};

async function withOrders(action: (place: Place) => Promise<void>): Promise<void> {
  await Place.use(async (place) => {
    place.put("orders.schema.json", ORDERS);
    place.put("lake/raw/events/a.json", [
      { id: 1 },
      { id: "x" },
      { id: "yy" },
      { id: 4, lines: [{ price: 1 }, { price: "2" }] },
      { id: 5, lines: [{ price: "3" }] },
      { id: 6, coupon: "C" },
    ]);
    place.put("lake/raw/events/b.json", "[{");
    await place.records("consume", "--once", "--contract", "orders.schema.json");
    await action(place);
  });
}

const keyed = (groups: unknown) =>
  (groups as { reason: string; place: string; letters: number; taken: number }[])
    .map(({ reason, place, letters, taken }) => `${reason} ${place} ${letters} ${taken}`).sort();

Deno.test("dead letters are counted by reason and field, elements of lists together, with an example each", () =>
  withOrders(async (place) => {
    const [counts] = await place.records("maintain", "--dead-letters");
    const { groups, time: _time, ...sums } = counts!;
    deepStrictEqual(sums, {
      action: "dead-letters",
      table: "dead_letters.events",
      letters: 6,
      wholeFiles: 1,
      taken: 0,
    });
    deepStrictEqual(keyed(groups), [
      "corrupted_batch  1 0",
      "extra_fields /coupon 1 0",
      "invalid_schema /id 2 0",
      "invalid_schema /lines/*/price 2 0",
    ]);
    const { stdout } = await place.run("maintain", "--dead-letters");
    match(
      stdout,
      /^dead_letters\.events: 6 dead letters, 1 of them whole files; its contract takes 0 of them by now$/m,
    );
    match(stdout, /^ {2}\d{4}-\d\d-\d\d {2}invalid_schema \/id: 2$/m);
    match(stdout, /^ {4}raw\/events\/a\.json record [12]: \/id: expected integer.*, found string "(x|yy)"$/m);
  }));

Deno.test("letters that the contract takes by now are counted", () =>
  withOrders(async (place) => {
    place.put("lake/raw/events/c.json", [{ id: 7 }]);
    await place.records("consume", "--once", "--on-extra-fields", "rescue");
    const [counts] = await place.records("maintain", "--dead-letters", "--table", "dead_letters.events");
    strictEqual(counts!.taken, 1);
    deepStrictEqual(keyed(counts!.groups).filter((each) => each.endsWith("1 1")), ["extra_fields /coupon 1 1"]);
  }));

Deno.test("an envelope without records is no record that the contract could take", () =>
  Place.use(async (place) => {
    place.put("any.schema.json", { type: "object", properties: { id: { type: "integer" } } });
    place.put("in/a.json", [{ Records: [{ id: 1 }] }, { id: 2 }, {}].map((line) => JSON.stringify(line)).join("\n"));
    const flags = ["--raw", "in", "--contract", "any.schema.json", "--records", "/Records"];
    await place.records("consume", "--once", ...flags);
    const [counts] = await place.records("maintain", "--dead-letters");
    deepStrictEqual([counts!.letters, counts!.taken], [2, 0]);
    deepStrictEqual(keyed(counts!.groups), ["corrupted_record  2 0"]);
  }));

Deno.test("a table that is no target has no dead letters to count", () =>
  withOrders(async (place) => {
    const { status, stderr } = await place.run("maintain", "--dead-letters", "--table", "bronze.orders");
    strictEqual(status, 1);
    match(stderr, /No dead letters of bronze\.orders: consume has written none\n/);
  }));

Deno.test("letters at ever new places are counted in bounded memory", () => {
  const groups = new LetterGroups(new Judge(contractOf({ properties: { id: { type: "integer" } } }), "dead-letter"));
  for (let i = 0; i < 6_000; i++) {
    const letter: Letter = {
      reason: "extra_fields",
      detail: `expected only fields that the contract names, found /key_${i}, /other`,
      raw: `{"key_${i}":1}`,
      file: "raw/events/a.json",
      position: BigInt(i),
      ingestedAtMs: Date.UTC(2026, 2, 1, 23, 59, 59),
    };
    groups.add(letter);
  }
  const counts = groups.counts();
  strictEqual(counts.letters, 6_000);
  strictEqual(counts.groups.length, 5_001);
  deepStrictEqual(counts.groups[0], {
    day: "2026-03-01",
    reason: "extra_fields",
    place: "other places",
    letters: 1_000,
    taken: 0,
    example: {
      file: "raw/events/a.json",
      position: 5_000n,
      detail: "expected only fields that the contract names, found /key_5000, /other",
    },
  });
});
