import { ok } from "node:assert/strict";
import { defaultContract } from "../../../core/contract/default_contract.ts";
import { say } from "../../support/say.ts";
import { withSeed } from "../../support/seed.ts";
import { isThorough } from "../../support/thorough.ts";
import { MutatedTexts, type Tally } from "./mutated_texts.ts";

const RECORDS = isThorough ? 1_000_000 : 50_000;

Deno.test("a million damaged records: the reader takes no other than the judge, and no other values", async () => {
  await withSeed((random) => {
    const sum: Tally = { records: 0, rows: 0, broken: 0, odd: 0 };
    for (let contract = 0; sum.records < RECORDS; contract++) {
      const texts = new MutatedTexts(random, contract % 8 === 0 ? defaultContract() : undefined);
      for (let run = 0; run < 400; run++) texts.array();
      for (let run = 0; run < 20; run++) texts.lines(200);
      for (const key of ["records", "rows", "broken", "odd"] as const) sum[key] += texts.tally[key];
    }
    say(
      `${sum.records} damaged records: ${sum.rows} rows equal the judge's, ${sum.odd} left to it; ` +
        `${sum.broken} arrays refused by both`,
    );
    ok(sum.rows > RECORDS / 20 && sum.odd > RECORDS / 10 && sum.broken > RECORDS / 100);
    return Promise.resolve();
  });
});
