import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Place } from "../commands/place.ts";
import { auditHolds, LETTERS, NARROW, rowsOf, withLetters } from "./letters_place.ts";

Deno.test("rows of a file leave both tables, and what the contract of today makes of it comes, in one batch", () =>
  withLetters(async (place) => {
    const [done] = await place.records("maintain", "--reingest", "raw/events/a.json");
    const { batchId, files, before, after } = done!;
    deepStrictEqual({ batchId, files, before, after }, {
      batchId: 2,
      files: 1,
      before: { records: 5, events: 1, deadLetters: 4 },
      after: { records: 5, events: 3, deadLetters: 2 },
    });
    deepStrictEqual(await rowsOf(place), {
      events: ["1 0 2", "2 2 2", "3 3 2"],
      letters: [...LETTERS.slice(0, 2), "b.json 0 extra_fields", ...LETTERS.slice(2)],
    });
    await auditHolds(place);
  }));

Deno.test("a dry run says what files would be reingested, and changes nothing", () =>
  withLetters(async (place) => {
    const rows = await rowsOf(place);
    const [dry] = await place.records("maintain", "--reingest", "*", "--dry-run");
    deepStrictEqual([dry!.files, dry!.batchId, dry!.after], [3, null, null]);
    deepStrictEqual(await rowsOf(place), rows);
  }));

Deno.test("the ledger's sums are what the tables hold after a reingest, and consume takes no file again", () =>
  withLetters(async (place) => {
    await place.records("maintain", "--reingest", "*/[ab].json");
    place.put("lake/raw/events/d.json", [{ id: 8 }]);
    const [batch] = await place.records("consume", "--once", "--no-upkeep");
    deepStrictEqual([batch!.batchId, batch!.files, batch!.events], [3, 1, 1]);
    const sums = ["records", "events", "dead_letters"].map((name) => `sum(${name})::int AS ${name}`).join(", ");
    deepStrictEqual(
      await place.ask(`SELECT source_file[12:] AS file, ${sums} FROM ingest.files GROUP BY ALL ORDER BY 1`),
      [
        { file: "a.json", records: 5, events: 3, dead_letters: 2 },
        { file: "b.json", records: 2, events: 1, dead_letters: 1 },
        { file: "c.json", records: 0, events: 0, dead_letters: 1 },
        { file: "d.json", records: 1, events: 1, dead_letters: 0 },
      ],
    );
    const columns = "files, reingested, records, b.events, dead_letters, lag_seconds IS NOT NULL AS waited";
    deepStrictEqual(
      await place.ask(`SELECT ${columns} FROM ingest.batches b WHERE batch_id IN (2, 3) ORDER BY batch_id`),
      [
        { files: 2, reingested: 2, records: 7, events: 4, dead_letters: 3, waited: false },
        { files: 1, reingested: null, records: 1, events: 1, dead_letters: 0, waited: true },
      ],
    );
    await auditHolds(place);
  }));

Deno.test("a file that has changed is reingested as it is now, and is known as that from then on", () =>
  withLetters(async (place) => {
    place.put("lake/raw/events/a.json", [{ id: 70, coupon: "z" }]);
    const { stdout, stderr } = await place.run("maintain", "--reingest", "raw/events/a.json");
    match(stdout, /reingested 1 file in batch 2: 1 event and 0 dead letters in place of 1 and 4/);
    match(stderr, /a\.json has changed since it was ingested: it is taken as it is now/);
    const rows = { events: ["70 0 2"], letters: ["b.json 0 extra_fields", ...LETTERS.slice(2)] };
    deepStrictEqual(await rowsOf(place), rows);
    const consumed = await place.run("consume", "--once", "--no-upkeep");
    strictEqual(consumed.stderr.includes("changed"), false, consumed.stderr);
    deepStrictEqual(await rowsOf(place), rows);
    await auditHolds(place);
  }));

Deno.test("rows of a file that is gone stay, which is told by name and by the exit status", () =>
  withLetters(async (place) => {
    Deno.removeSync(`${place.folder}/lake/raw/events/a.json`);
    const { status, stdout, stderr } = await place.run("maintain", "--reingest", "*");
    strictEqual(status, 1, stderr);
    match(stdout, /reingested 2 files in batch 2/);
    match(stderr, /raw\/events\/a\.json is gone, also from the archive: its rows stay/);
    deepStrictEqual((await rowsOf(place)).events, ["1 0 1", "5 0 2"]);
    await auditHolds(place);
  }));

Deno.test("a file that consume has archived is reingested from the archive, unless another version was ingested last", () =>
  withLetters(async (place) => {
    const archive = ["consume", "--once", "--no-upkeep", "--after-ingest", "archive", "--after-ingest-age", "0s"];
    await place.records(...archive);
    const { status, stdout } = await place.run("maintain", "--reingest", "*/a.json");
    strictEqual(status, 0);
    match(stdout, /reingested 1 file in batch 2, 1 of them from the archive: 3 events and 2 dead letters/);
    deepStrictEqual((await rowsOf(place)).events, ["1 0 2", "2 2 2", "3 3 2"]);
    await auditHolds(place);
    place.put("lake/raw/events/a.json", [{ id: 80 }]);
    await place.records("consume", "--once", "--no-upkeep", "--on-changed-file", "ingest");
    Deno.removeSync(`${place.folder}/lake/raw/events/a.json`);
    const again = await place.run("maintain", "--reingest", "*/a.json");
    strictEqual(again.status, 1);
    match(again.stderr, /a\.json is gone, also from the archive: its rows stay/);
    await auditHolds(place);
  }));

Deno.test("a version whose rows a reingest took away is another version to ingest when it is back", () =>
  withLetters(async (place) => {
    const path = `${place.folder}/lake/raw/events/a.json`;
    const [{ mtime }, text] = [Deno.statSync(path), Deno.readTextFileSync(path)];
    const putBack = () => {
      Deno.writeTextFileSync(path, text);
      Deno.utimeSync(path, mtime!, mtime!);
    };
    const consume = (...flags: string[]) => place.run("consume", "--once", "--no-upkeep", ...flags);
    place.put("lake/raw/events/a.json", [{ id: 70 }]);
    await place.records("maintain", "--reingest", "*/a.json");
    putBack();
    match(
      (await consume()).stderr,
      /a\.json.* has changed since it was ingested|content is not that which was ingested/,
    );
    await consume("--on-changed-file", "ingest");
    deepStrictEqual((await rowsOf(place)).events, ["1 0 4", "2 2 4", "3 3 4", "70 0 2"]);
    await auditHolds(place);
    // Ingested anew, it is known from then on, also after what came in between is reingested.
    const rows = await rowsOf(place);
    await consume("--on-changed-file", "ingest");
    deepStrictEqual(await rowsOf(place), rows);
    await place.records("maintain", "--reingest", "*/a.json");
    deepStrictEqual((await rowsOf(place)).events, ["1 0 5", "2 2 5", "3 3 5"]);
    await consume("--on-changed-file", "ingest");
    deepStrictEqual((await rowsOf(place)).events, ["1 0 5", "2 2 5", "3 3 5"]);
    await auditHolds(place);
  }));

Deno.test("a version whose rows a reingest took away is not deleted as ingested when it is back", () =>
  withLetters(async (place) => {
    const path = `${place.folder}/lake/raw/events/a.json`;
    Deno.renameSync(path, `${path}.before`);
    place.put("lake/raw/events/a.json", [{ id: 70 }]);
    await place.records("maintain", "--reingest", "*/a.json");
    Deno.renameSync(`${path}.before`, path);
    const before = Deno.readTextFileSync(path);
    const remove = ["consume", "--once", "--no-upkeep", "--after-ingest", "delete", "--after-ingest-age", "0s"];
    await place.records(...remove);
    strictEqual(Deno.readTextFileSync(path), before);
    await place.records("maintain", "--reingest", "*/a.json");
    deepStrictEqual((await rowsOf(place)).events, ["1 0 4", "2 2 4", "3 3 4"]);
    await place.records(...remove);
    deepStrictEqual([...Deno.readDirSync(`${place.folder}/lake/raw/events`)], []);
    await auditHolds(place);
  }));

Deno.test("a file is reingested again and again, after a replay, a compaction and with deletes that still stand", () =>
  withLetters(async (place) => {
    await place.records("maintain", "--replay-dead-letters");
    for (const batchId of [3, 4]) {
      const [done] = await place.records("maintain", "--reingest", "raw/events/a.json");
      strictEqual(done!.batchId, batchId);
      await auditHolds(place);
    }
    await place.records("maintain", "--compact");
    await place.records("maintain", "--reingest", "*");
    deepStrictEqual(await rowsOf(place), { events: ["1 0 5", "2 2 5", "3 3 5", "5 0 5"], letters: LETTERS });
    await auditHolds(place);
    await place.records("maintain", "--replay-dead-letters");
    await auditHolds(place);
  }));

Deno.test("letters of a reingested file are replayed like others", () =>
  Place.use(async (place) => {
    place.put("narrow.json", { type: "object", required: ["id"], properties: { id: { type: "integer" } } });
    place.put("wide.json", {
      type: "object",
      required: ["id"],
      properties: { id: { type: "integer" }, coupon: { type: "string" } },
    });
    place.put("lake/raw/events/a.json", [{ id: 1 }, { id: 2, coupon: "c" }]);
    const consume = ["consume", "--once", "--no-upkeep"];
    await place.records(...consume, "--contract", "narrow.json");
    await place.records("maintain", "--reingest", "*");
    await place.records(...consume, "--contract", "wide.json");
    const [done] = await place.records("maintain", "--replay-dead-letters");
    deepStrictEqual([done!.batches, done!.events, done!.changed], [1, 1, 0]);
    deepStrictEqual(await rowsOf(place), { events: ["1 0 2", "2 1 3"], letters: [] });
    await auditHolds(place);
  }));

Deno.test("letters that hold no record become events by a reingest once the rule that made them is mended, as a replay says", () =>
  Place.use(async (place) => {
    place.put("narrow.json", NARROW);
    place.put("lake/raw/events/a.json", '{"id":1} {"id":2}');
    const consume = ["consume", "--once", "--no-upkeep"];
    await place.records(...consume, "--contract", "narrow.json", "--format", "ndjson");
    await place.records(...consume, "--format", "json");
    const replay = await place.run("maintain", "--replay-dead-letters", "--reason", "corrupted_record");
    match(
      replay.stdout,
      /of 1 dead letter 0 became events; 1 holds no record: --reingest takes the files that they come/,
    );
    await place.records("maintain", "--reingest", "raw/events/a.json");
    deepStrictEqual(await rowsOf(place), { events: ["1 0 2", "2 1 2"], letters: [] });
    await auditHolds(place);
  }));

Deno.test("a target of upserts is not reingested, for rows have made way for those that would leave", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [{ broken: true }]);
    await place.records("consume", "--once", "--no-upkeep", "--upsert-by", "user_id");
    const { status, stderr } = await place.run("maintain", "--reingest", "*");
    strictEqual(status, 2);
    match(stderr, /Cannot reingest files of bronze\.events: it holds the newest record of each key/);
  }));

Deno.test("where one target is reingested and another refused, the refusal is told and the exit status is 1", () =>
  Place.use(async (place) => {
    place.put("c.json", NARROW);
    place.put("in/a.json", [{ id: 1 }]);
    const consume = ["consume", "--once", "--no-upkeep", "--contract", "c.json", "--raw", "in"];
    await place.records(...consume, "--table", "b.upserted", "--upsert-by", "id", "--newest-by", "n");
    const refused = await place.run("maintain", "--reingest", "*");
    strictEqual(refused.status, 2);
    match(refused.stderr, /Cannot reingest files of b\.upserted/);
    await place.records(...consume, "--table", "b.plain");
    const both = await place.run("maintain", "--reingest", "*");
    strictEqual(both.status, 1);
    match(both.stderr, /Cannot reingest files of b\.upserted/);
    match(both.stdout, /reingested 1 file in batch 2/);
  }));

Deno.test("a pattern that no ingested file matches is an error, and so is a target whose repeats were dropped", () =>
  Place.use(async (place) => {
    place.put("lake/raw/events/a.json", [{ broken: true }]);
    await place.records("consume", "--once", "--no-upkeep", "--dedupe-by", "event_id", "--dedupe-within", "1d");
    const none = await place.run("maintain", "--reingest", "raw/events/x*");
    strictEqual(none.status, 1);
    match(none.stderr, /No file of any table was ingested that matches raw\/events\/x\*/);
    const dropped = await place.run("maintain", "--reingest", "*");
    strictEqual(dropped.status, 2);
    match(dropped.stderr, /Cannot reingest files of bronze\.events: its batches drop repeats/);
  }));
