import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { Completion } from "../../core/query/completion.ts";
import { QueryWorld } from "../support/query_world.ts";

async function withCompletion(action: (complete: Completion["candidates"]) => Promise<void>): Promise<void> {
  await QueryWorld.use(async ({ lake }) => {
    const text = { type: "string" } as const;
    await lake.create("bronze.events", [
      { id: 0, name: "user_id", required: false, type: text },
      { id: 0, name: "event_type", required: false, type: text },
    ]);
    await lake.create("bronze.orders", [{ id: 0, name: "amount", required: false, type: { type: "int" } }]);
    const completion = await Completion.open(lake.catalog);
    try {
      await action((text) => completion.candidates(text));
    } finally {
      completion.close();
    }
  });
}

Deno.test("words are completed by DuckDB: tables, columns of the table that is asked, functions, keywords", () =>
  withCompletion(async (complete) => {
    const cases: [string, string[], string][] = [
      ["select * from bro", ["bronze."], "bro"],
      ["select * from bronze.ord", ["orders"], "ord"],
      ["select event_type from bronze.events where us", ["user_id"], "us"],
      ["SEL", ["select"], "SEL"],
      ["select date_tr", ["date_trunc"], "date_tr"],
      ["select 'äöü', date_tr", ["date_trunc"], "date_tr"],
      ["select * from bronze.events order b", ["by"], "b"],
    ];
    for (const [text, candidates, word] of cases) {
      const [found, completed] = await complete(text);
      ok(candidates.every((each) => found.map((one) => one.toLowerCase()).includes(each)), `${text}: ${found}`);
      strictEqual(completed, word, text);
    }
  }));

Deno.test("nothing is offered that a question may not do, and no file's name", () =>
  withCompletion(async (complete) => {
    for (const text of ["ins", "upd", "select * from read_c", "select getenv", "select * from '/", "cop"]) {
      const [found] = await complete(text);
      deepStrictEqual(found.filter((each) => !/^(table|temp)/i.test(each)), [], text);
    }
  }));
