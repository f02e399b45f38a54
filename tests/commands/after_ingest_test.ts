import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Place } from "./place.ts";

const EVENT = { user_id: "u", event_type: "view", event_timestamp: "2026-03-01T12:00:00Z" };

function consume(place: Place, ...flags: string[]): Promise<Record<string, unknown>[]> {
  return place.records("consume", "--once", "--after-ingest-age", "0s", ...flags);
}

function exists(place: Place, path: string): boolean {
  try {
    return Deno.statSync(`${place.folder}/lake/${path}`).isFile;
  } catch {
    return false;
  }
}

Deno.test("a run that ends by itself archives what it has ingested, and the audit judges it there", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [{ ...EVENT, event_id: "a" }, { user_id: 1 }]);
    const [batch, upkeep] = await consume(place, "--after-ingest", "archive");
    deepStrictEqual([batch!.events, batch!.deadLetters], [1, 1]);
    deepStrictEqual([upkeep!.did, upkeep!.table, (upkeep!.done as { files: number }).files], [
      "archive-raw-files",
      "bronze.events",
      1,
    ]);
    deepStrictEqual([exists(place, "raw/events/a.json"), exists(place, "raw/archive/events/a.json")], [false, true]);
    deepStrictEqual(await consume(place), []);
    deepStrictEqual(await place.ask("SELECT action FROM ingest.upkeep"), [{ action: "archive-raw-files" }]);

    const audit = await place.run("maintain", "--audit");
    match(audit.stdout, /every record is in one table exactly once .*\n {2}1 file was judged in the archive/);
    place.put("lake/raw/archive/events/a.json", [{ ...EVENT, event_id: "another" }]);
    const tampered = await place.run("maintain", "--audit");
    deepStrictEqual([tampered.status, /1 file is gone/.test(tampered.stdout)], [0, true], tampered.stdout);
  }));

Deno.test("of deleted files the audit says that it has only their counts, and holds the tables to them", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [{ ...EVENT, event_id: "a" }]);
    await consume(place, "--after-ingest", "delete");
    strictEqual(exists(place, "raw/events/a.json"), false);
    deepStrictEqual(await consume(place, "--after-ingest", "delete"), []);
    const audit = await place.run("maintain", "--audit");
    match(audit.stdout, /exactly once .*\n {2}1 file is gone: the rows were compared with the ledger's counts/);
  }));

Deno.test("files from elsewhere are deleted where that is asked for, but cannot be archived", () =>
  Place.use(async (place) => {
    place.put("in/a.json", [{ ...EVENT, event_id: "a" }]);
    const refused = await place.run("consume", "--once", "--raw", "in", "--after-ingest", "archive");
    strictEqual(refused.status, 2);
    match(refused.stderr, /Cannot archive the files of .*\/in\/: they do not lie below raw\/ of the lake/);
    await consume(place, "--raw", "in", "--after-ingest", "delete");
    deepStrictEqual([...Deno.readDirSync(`${place.folder}/in`)], []);
    deepStrictEqual(await place.ask("SELECT count(*) AS n FROM bronze.events"), [{ n: 1 }]);
  }));
