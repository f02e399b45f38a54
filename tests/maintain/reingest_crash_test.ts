import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import type { ChosenRows } from "../../core/lake/batch_plan.ts";
import { EmbeddedRouter } from "../../core/routing/router.ts";
import type { RowRemoval } from "../../core/routing/row_removal.ts";
import type { Place } from "../commands/place.ts";
import { auditHolds, LETTERS, rowsOf, takeAgainOnce, withLetters } from "./letters_place.ts";

class Mortal extends Error {}

/** A reingest of `a.json`, with another removal for the tables in turn: events, dead letters. */
async function reingestWith(place: Place, change: (removal: RowRemoval, table: number) => void): Promise<void> {
  const { removal } = EmbeddedRouter.prototype;
  let table = 0;
  EmbeddedRouter.prototype.removal = async function (...args) {
    const whole = await removal.apply(this, args);
    change(whole, table++);
    return whole;
  };
  try {
    await takeAgainOnce(place, await reingestOf(place), (store) => store);
  } finally {
    EmbeddedRouter.prototype.removal = removal;
  }
}

async function reingestOf(place: Place): Promise<ChosenRows> {
  const [file] = await place.ask(
    `SELECT source_file AS name, etag, size::int AS size, records::int AS records, events::int AS events,
  dead_letters::int AS "deadLetters" FROM ingest.files WHERE ends_with(source_file, 'a.json')`,
  ) as { name: string; etag: string; size: number; records: number; events: number; deadLetters: number }[];
  const { name, etag, size } = file!;
  return { format: 4, files: [{ name, path: name, etag, size }], reingest: [file!] };
}

/** It commits its events, and dies before the commit to the dead letters. */
function reingestHalf(place: Place): Promise<void> {
  return rejects(
    reingestWith(place, (removal, table) => {
      if (table === 0) return;
      removal.stage = () => Promise.reject(new Mortal());
    }),
    Mortal,
  );
}

const DONE = {
  events: ["1 0 2", "2 2 2", "3 3 2"],
  letters: [...LETTERS.slice(0, 2), "b.json 0 extra_fields", ...LETTERS.slice(2)],
};

Deno.test("a reingest that died between its commits is no verdict of the audit, and consume finishes it", () =>
  withLetters(async (place) => {
    await reingestHalf(place);
    const { status, stderr } = await place.run("maintain", "--audit");
    strictEqual(status, 1);
    match(stderr, /Cannot audit bronze\.events: a replay of dead letters or a reingest is half committed/);
    await place.records("consume", "--once", "--no-upkeep");
    deepStrictEqual(await rowsOf(place), DONE);
    await auditHolds(place);
  }));

Deno.test("a half committed reingest crosses a compaction of both tables", () =>
  withLetters(async (place) => {
    await reingestHalf(place);
    const upkeep = ["--compact", "--expire-snapshots", "--remove-orphans", "--older-than", "0s", "--retain-last", "1"];
    await place.records("maintain", ...upkeep);
    await place.records("consume", "--once", "--no-upkeep");
    deepStrictEqual(await rowsOf(place), DONE);
    await auditHolds(place);
  }));

Deno.test("repeats are not removed while a reingest is under way, and are when it is done", () =>
  withLetters(async (place) => {
    await reingestHalf(place);
    const dedupe = ["maintain", "--dedupe-by", "id"];
    const { status, stderr } = await place.run(...dedupe);
    strictEqual(status, 1);
    match(stderr, /Cannot remove repeats from bronze\.events: batch 2, which is under way, ingests files again/);
    await place.records("consume", "--once", "--no-upkeep");
    await place.records(...dedupe);
    await auditHolds(place);
  }));

Deno.test("the audit finds a reingest that brings rows and takes none away", () =>
  withLetters(async (place) => {
    await reingestWith(place, (removal) => {
      removal.stage = async (transaction, files, summary) => {
        transaction.add(await appendFiles(transaction, { files, summary }));
      };
    });
    const { status, stdout } = await place.run("maintain", "--audit");
    strictEqual(status, 1);
    match(stdout, /raw\/events\/a\.json \(batch 1\) has 5 rows in the tables, and no line in the ledger/);
  }));

Deno.test("of a file that is gone when its batch is routed the rows stay", () =>
  withLetters(async (place) => {
    const chosen = await reingestOf(place), before = await rowsOf(place);
    Deno.removeSync(`${place.folder}/lake/raw/events/a.json`);
    await takeAgainOnce(place, chosen, (store) => store);
    deepStrictEqual(await rowsOf(place), before);
    await auditHolds(place);
  }));
