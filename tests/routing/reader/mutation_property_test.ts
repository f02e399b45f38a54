import { ok } from "node:assert/strict";
import { seededRandom } from "../../../core/base/random.ts";
import { defaultContract } from "../../../core/contract/default_contract.ts";
import { say } from "../../support/say.ts";
import { withSeed } from "../../support/seed.ts";
import { contractOf } from "./test_reader.ts";
import { MutatedTexts, PIECES } from "./mutated_texts.ts";

const CONTRACTS = 12;

const types = contractOf({
  properties: {
    s: { type: "string" },
    n: { type: ["string", "number", "object", "array"] },
    i: { type: "integer" },
    f: { type: ["number", "null"] },
    b: { type: "boolean" },
    t: { type: "string", format: "date-time" },
    u: { type: "string", format: "uuid" },
    m: { type: "object", additionalProperties: { type: "array", items: { type: "string" } } },
  },
});

/** Records with a little of everything that JSON has. */
const DENSE = [
  String.raw`{"s":"\u00e9\n\"\\\ud83d\ude00","i":-10,"b":true}`,
  '{"s":"é€😀","t":"2024-02-29T23:59:59.5-01:30","f":-0.5e+1}',
  String.raw`{"m":{"k":["a"],"\u006b2":[]},"f":null}`,
  '{"u":"0123abcd-4567-89ab-cdef-0123456789AB"}',
  String.raw`{"n":{"a":[1,{"b":false}],"\u0062":0}}`,
  " [ 0 , 1.5E3 ] ",
];

Deno.test("each byte of dense texts taken away, exchanged or added is seen", () => {
  const texts = new MutatedTexts(seededRandom(1), types);
  for (const text of DENSE) {
    const bytes = [...new TextEncoder().encode(`[${text}]`)];
    for (let at = 0; at < bytes.length; at++) {
      texts.compareArray(Uint8Array.from(bytes.toSpliced(at, 1)));
      for (const piece of PIECES) {
        texts.compareArray(Uint8Array.from(bytes.with(at, piece)));
        texts.compareArray(Uint8Array.from(bytes.toSpliced(at, 0, piece)));
      }
    }
  }
  const { rows, broken } = texts.tally;
  ok(rows > 3_000 && broken > 5_000, `${rows} rows, ${broken} broken arrays`);
});

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
