import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  type BatchPlan,
  filesOfBatch,
  fitsPlan,
  type PlannedFile,
  type ReplacedFile,
} from "../../core/lake/batch_plan.ts";
import { recordText } from "../../core/lake/durable_record.ts";
import { FILE_OUTCOME } from "../../core/lake/routed_batch.ts";

const UNLIMITED = { maxFilesPerBatch: Infinity, maxBytesPerBatch: Infinity };
/** Of V8: 2^29 - 24. */
const STRING_LETTERS_MAX = 536_870_888;

function file(name: string, size = 10): PlannedFile {
  return { name: `raw/events/${name}`, path: `raw/events/${name}`, etag: "0123456789abcdef0123456789abcdef", size };
}

function many(count: number, name = "0123456789.ndjson"): PlannedFile[] {
  return Array<PlannedFile>(count).fill(file(name));
}

/** Letters that a file takes in a plan and in a routed record. */
function lettersOf(planned: PlannedFile): number[] {
  const plan = { format: 1, batchId: 1, files: [planned] } as unknown as BatchPlan;
  const { path: _path, ...rest } = planned;
  const counts = { records: 1e9, events: 1e9, deadLetters: 1e9, duplicates: 1e9, superseded: 1e9 };
  const outcome = FILE_OUTCOME.parse({ ...rest, status: "ingested", ...counts });
  return [recordText(plan, 1).length, JSON.stringify(outcome).length];
}

Deno.test("a batch takes the first files that fit, and at least one", () => {
  const files = [file("a", 5), file("b", 5), file("c", 5)];
  const names = (maxFilesPerBatch: number, maxBytesPerBatch: number) =>
    filesOfBatch(files, { maxFilesPerBatch, maxBytesPerBatch }).map(({ name }) => name.at(-1)).join("");
  deepStrictEqual([names(2, 100), names(9, 14), names(9, 1), names(9, 15)], ["ab", "ab", "a", "abc"]);
});

Deno.test("a batch has at most a million files, whatever limit is set", () => {
  strictEqual(filesOfBatch(many(1_000_001), UNLIMITED).length, 1_000_000);
});

Deno.test("what a batch takes can be written down as a plan and as a routed record, however long the names are", () => {
  for (const name of ["n".repeat(1_000), "\u0001".repeat(1_000), "\ud800".repeat(500), "é".repeat(500)]) {
    const { length } = filesOfBatch(many(500_000, name), UNLIMITED);
    ok(length > 10_000, `${length}`);
    for (const letters of lettersOf(file(name))) ok(letters * length < STRING_LETTERS_MAX, `${letters} x ${length}`);
  }
});

Deno.test("files that are only recorded get the room that is left in a plan, and all of them get their turn", () => {
  const fresh = filesOfBatch(many(400_000), UNLIMITED);
  strictEqual(filesOfBatch(many(900_000), UNLIMITED, fresh).length, 600_000);
  strictEqual(filesOfBatch(many(900_000), UNLIMITED, many(1_000_000)).length, 0);
  const long = file("n".repeat(1_000));
  const beside = filesOfBatch(Array<PlannedFile>(500_000).fill(long), UNLIMITED);
  strictEqual(filesOfBatch([long], UNLIMITED, beside).length, 0);
  strictEqual(filesOfBatch([long], UNLIMITED).length, 1);
});

Deno.test("files are ingested again only if their plan has room for all of them and for the versions that leave", () => {
  const { path: _path, ...version } = file("a"), counts = { records: 1, events: 1, deadLetters: 0 };
  const versions = (count: number) => Array<ReplacedFile>(count).fill({ ...version, ...counts });
  const fits = ([files, left]: readonly [number, number]) => fitsPlan(many(files), versions(left));
  deepStrictEqual(([[2, 3], [500_000, 500_000], [500_001, 500_000], [1, 1_000_000]] as const).map(fits), [
    true,
    true,
    false,
    false,
  ]);
});
