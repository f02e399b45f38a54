import { deepStrictEqual } from "node:assert/strict";
import { Memo } from "../../core/base/memo.ts";

/** The keys that were made anew, in turn. */
function madeOf(memo: Memo<string>, keys: readonly string[]): string[] {
  return keys.filter((key) => {
    let isMade = false;
    memo.get(key, () => {
      isMade = true;
      return key;
    });
    return isMade;
  });
}

Deno.test("what was made of the last texts is kept, and that of older ones made again", () => {
  deepStrictEqual(madeOf(new Memo(2), ["a", "b", "a", "c", "b", "a"]), ["a", "b", "c", "a"]);
});

Deno.test("long texts are kept as long as all of them together are not too long, and one too long never", () => {
  const [long, longer, huge] = ["a".repeat(600_000), "b".repeat(600_000), "c".repeat(1_000_001)] as const;
  const memo = new Memo<string>(9);
  deepStrictEqual(madeOf(memo, [long, long, longer, longer, long]).map(({ length }) => length), [
    600_000,
    600_000,
    600_000,
  ]);
  deepStrictEqual(madeOf(memo, [huge, huge, long]).length, 2);
});
