import { deepStrictEqual, ok } from "node:assert/strict";
import type { RawZone } from "../../core/lake/raw_zone.ts";
import { FirstFetch } from "../../core/consume/first_fetch.ts";
import type { Router } from "../../core/routing/router.ts";

/**
 * Two files to a batch, of a listing in which something stands that is no event file; how many
 * files the router was told of, each time.
 */
function told(...steps: ("see" | "seenAll" | "begin" | "end")[]): number[] {
  return toldOf(2, steps);
}

function toldOf(maxFilesPerBatch: number, steps: readonly ("see" | "seenAll" | "begin" | "end")[]): number[] {
  const counts: number[] = [];
  const router = { expect: (files: readonly unknown[]) => void counts.push(files.length) } as unknown as Router;
  const zone = { prefix: "raw/events/", nameBase: "", format: undefined } as unknown as RawZone;
  const first = new FirstFetch(zone, { maxFilesPerBatch, maxBytesPerBatch: 1e9 }, router);
  let number = 0;
  for (const step of steps) {
    if (step !== "see") first[step]();
    else {
      for (const path of ["raw/events/_note", `raw/events/${number++}.json`]) {
        first.see({ path, info: { path, size: 1, etag: "e", modifiedMs: 0 } });
      }
    }
  }
  return counts;
}

Deno.test("the first batch is told of in whichever order it turns out that files are there and that no ledger is", () => {
  deepStrictEqual(told("see", "see", "see", "seenAll", "begin", "end"), [2]);
  deepStrictEqual(told("begin", "see", "see", "seenAll", "end"), [2]);
  deepStrictEqual(told("see", "begin", "see", "seenAll", "end"), [1, 2]);
});

Deno.test("nothing is told of where there is a ledger, where there are no files, or when the tables are there", () => {
  deepStrictEqual(told("see", "see", "seenAll", "end"), []);
  deepStrictEqual(told("see", "end", "begin", "see", "seenAll"), []);
  deepStrictEqual(told("begin", "seenAll", "end"), []);
});

Deno.test("of a long listing ever larger parts are told, so that all of it is not gone through once for each part", () => {
  const counts = toldOf(1e6, ["begin", ...Array.from({ length: 50_000 }, () => "see" as const), "seenAll"]);
  deepStrictEqual([counts[0], counts.at(-1)], [500, 50_000]);
  ok(counts.reduce((sum, count) => sum + count) < 4 * 50_000, counts.join());
});
