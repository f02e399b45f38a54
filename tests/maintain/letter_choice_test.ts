import { deepStrictEqual } from "node:assert/strict";
import { parseContract } from "../../core/contract/json_schema.ts";
import { Judge } from "../../core/contract/judge.ts";
import { type ChoiceLimits, LetterChoice } from "../../core/maintain/letters/letter_choice.ts";
import { WIDE } from "./letters_place.ts";

const NO_LIMITS: ChoiceLimits = { lettersMax: Infinity, filesMax: Infinity, textMax: Infinity };

/** Of six letters in three files that are events by now: positions in a plan, by file. */
function chosen(limits: Partial<ChoiceLimits>): [positions: number[][], isCut: boolean] {
  const choice = new LetterChoice(new Judge(parseContract(JSON.stringify(WIDE)), "dead-letter"), {
    ...NO_LIMITS,
    ...limits,
  });
  for (const file of ["a", "b", "c"]) {
    for (const position of [1n, 0n]) {
      const raw = '{"id":1,"coupon":"x"}';
      choice.add({ reason: "extra_fields", detail: "", raw, file, position, batchId: 1, etag: "e", size: 1 });
    }
  }
  return [choice.files.map(({ positions }) => positions), choice.isCut];
}

Deno.test("a batch judges only so many letters again, of so many files, with so much text, and says that some are left", () => {
  deepStrictEqual(chosen({}), [[[0, 1], [0, 1], [0, 1]], false]);
  deepStrictEqual(chosen({ lettersMax: 3 }), [[[0, 1], [1]], true]);
  deepStrictEqual(chosen({ filesMax: 2 }), [[[0, 1], [0, 1]], true]);
  deepStrictEqual(chosen({ textMax: 40 }), [[[0, 1]], true]);
});
