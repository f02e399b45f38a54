import { defaultContract } from "../../../core/contract/default_contract.ts";
import { say } from "../../support/say.ts";
import { withSeed } from "../../support/seed.ts";
import { MutatedTexts } from "./mutated_texts.ts";

const CONTRACTS = 12;

Deno.test("damaged texts are taken as strictly as the judge takes them, value by value", async () => {
  await withSeed((random) => {
    let records = 0;
    for (let i = 0; i < CONTRACTS; i++) {
      const texts = new MutatedTexts(random, i === 0 ? defaultContract() : undefined);
      for (let run = 0; run < 30; run++) texts.array();
      texts.lines(100);
      records += texts.tally.records;
    }
    say(`${records} damaged records, no difference`);
    return Promise.resolve();
  });
});
