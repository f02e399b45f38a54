import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Place } from "./place.ts";

/** Like the files of a trail: one object, whose records say when they were. */
const trail = (from: number, count: number) => ({
  digest: "x",
  Records: Array.from({ length: count }, (_, index) => ({
    eventVersion: "1.11",
    eventID: `id-${from + index}`,
    eventTime: `2026-03-01T12:00:${String(index % 60).padStart(2, "0")}Z`,
    userIdentity: { type: "IAMUser", userName: "ann" },
    resources: [{ ARN: "arn:aws:s3:::a", type: "AWS::S3::Bucket" }],
  })),
});

Deno.test("files of envelopes become a queried and audited table in three commands, and go on without a flag", () =>
  Place.use(async (place) => {
    place.put("in/a.json", trail(0, 40));
    place.put("in/b.json", JSON.stringify(trail(40, 40), null, 2));
    const inferred = await place.run("consume", "--infer-contract", "--raw", "in", "--records", "/Records");
    strictEqual(inferred.status, 0, inferred.stderr);
    match(inferred.stderr, /Drawn from 80 records, .* of 2 of 2 files\nIt would make dead letters of 0 of them\n/);
    place.put("c.json", inferred.stdout);

    const flags = ["--table", "aws.trail", "--raw", "in", "--contract", "c.json", "--records", "/Records"];
    const [judged] = await place.records("consume", "--dry-run", ...flags);
    deepStrictEqual([judged!.events, judged!.deadLetters], [80, 0]);
    await place.records("consume", "--once", ...flags);
    place.put("in/c.json", { digest: "y" });
    place.put("in/d.json", trail(80, 20));
    const [batch] = await place.records("consume", "--once", "--table", "aws.trail");
    deepStrictEqual([batch!.events, batch!.deadLetters], [20, 1]);
    deepStrictEqual(
      await place.ask("SELECT count(DISTINCT eventID)::int AS n, max(_source_position)::int AS last FROM aws.trail"),
      [{ n: 100, last: 39 }],
    );
    deepStrictEqual(await place.ask("SELECT _dead_letter_detail AS why FROM dead_letters.aws_trail"), [
      { why: "expected records at /Records, found nothing" },
    ]);
    const audit = await place.run("maintain", "--audit");
    strictEqual(audit.status, 0, audit.stdout + audit.stderr);
    match(audit.stdout, /aws\.trail: every record is in one table exactly once \(4 files/);
  }));

Deno.test("a pointer that is none, and one into Parquet are refused by name", () =>
  Place.use(async (place) => {
    place.put("in/a.json", trail(0, 1));
    const flags = ["consume", "--once", "--raw", "in", "--records"];
    const none = await place.run(...flags, "Records");
    strictEqual(none.status, 2);
    match(none.stderr, /--records: expected a JSON pointer such as \/Records .*, got "Records"/);
    strictEqual((await place.run(...flags, "")).status, 2);
    const parquet = await place.run(...flags, "/Records", "--format", "parquet");
    strictEqual(parquet.status, 2);
    match(parquet.stderr, /Cannot read Parquet files by --records \/Records/);
  }));

Deno.test("files that a wrong pointer made letters of are ingested again by the right one", () =>
  Place.use(async (place) => {
    const flags = ["--table", "aws.trail", "--raw", "in", "--contract", "c.json"];
    place.put("c.json", { type: "object", required: ["id"], properties: { id: { type: "integer" } } });
    for (const id of [1, 3]) place.put(`in/${id}.json`, { data: [{ id }, { id: id + 1 }] });
    const counts = (batches: readonly Record<string, unknown>[]) =>
      batches.map(({ events, deadLetters }) => [events, deadLetters]);
    deepStrictEqual(counts(await place.records("consume", "--once", ...flags, "--records", "/Records")), [[0, 2]]);

    place.put("in/5.json", { data: [{ id: 5 }] });
    const right = [...flags, "--records", "/data"];
    deepStrictEqual(counts(await place.records("consume", "--once", ...right)), [[1, 0]]);
    const replay = await place.run("maintain", "--replay-dead-letters", "--reason", "corrupted_batch");
    match(replay.stdout, /2 hold no record: --reingest takes the files that they come from/);
    const again = await place.run("maintain", "--reingest", "*");
    strictEqual(again.status, 0, again.stderr);
    deepStrictEqual(
      await place.ask("SELECT id::int AS id FROM aws.trail ORDER BY 1"),
      [1, 2, 3, 4, 5].map((id) => ({ id })),
    );
    const audit = await place.run("maintain", "--audit");
    strictEqual(audit.status, 0, audit.stdout + audit.stderr);
  }));

Deno.test("files that were read without a pointer are audited so, after some were read by one", () =>
  Place.use(async (place) => {
    const flags = ["--table", "aws.trail", "--raw", "in", "--contract", "c.json"];
    place.put("c.json", { type: "object", required: ["id"], properties: { id: { type: "integer" } } });
    place.put("in/1.json", [{ id: 1 }, { no: 2 }]);
    await place.records("consume", "--once", ...flags);
    place.put("in/2.json", { data: [{ id: 2 }] });
    await place.records("consume", "--once", ...flags, "--records", "/data");
    const audit = await place.run("maintain", "--audit");
    strictEqual(audit.status, 0, audit.stdout + audit.stderr);
    match(audit.stdout, /every record is in one table exactly once \(2 files of 2 batches, 2 events, 1 dead letter/);
  }));

Deno.test("folders of paths become columns: inferred, ingested, audited, and remembered", () =>
  Place.use(async (place) => {
    place.put("in/dt=2026-03-01/hour=03/a.json", [{ id: 1 }, { id: 2 }]);
    const inferred = await place.run("consume", "--infer-contract", "--raw", "in", "--path-columns", "hour,dt");
    strictEqual(inferred.status, 0, inferred.stderr);
    const { properties } = JSON.parse(inferred.stdout);
    deepStrictEqual([properties.dt, properties.hour], [{ type: "string", format: "date" }, { type: "integer" }]);
    place.put("c.json", inferred.stdout);

    const flags = ["--table", "web.hits", "--raw", "in", "--contract", "c.json"];
    const wrong = await place.run("consume", "--once", ...flags, "--path-columns", "day");
    strictEqual(wrong.status, 2);
    match(wrong.stderr, /Cannot take day from the folders of paths: the contract has no such field/);
    await place.records("consume", "--once", ...flags, "--path-columns", "hour,dt");
    place.put("in/dt=2026-03-01/hour=4/b.json", [{ id: 3 }]);
    place.put("in/dt=2026-03-01/hour=x/c.json", [{ id: 4 }]);
    await place.records("consume", "--once", "--table", "web.hits", "--path-columns", "dt,hour");
    deepStrictEqual(
      await place.ask("SELECT id::int AS id, dt::text AS dt, hour::int AS hour FROM web.hits ORDER BY 1"),
      [
        { id: 1, dt: "2026-03-01", hour: 3 },
        { id: 2, dt: "2026-03-01", hour: 3 },
        { id: 3, dt: "2026-03-01", hour: 4 },
      ],
    );
    const audit = await place.run("maintain", "--audit");
    strictEqual(audit.status, 0, audit.stdout + audit.stderr);
  }));
