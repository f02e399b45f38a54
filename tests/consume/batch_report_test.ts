import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { batchReport, missedFiles } from "../../core/consume/batch_report.ts";
import { RunLimits } from "../../core/consume/run_limits.ts";
import type { Limit } from "../../core/base/limit.ts";
import type { BatchPlan } from "../../core/lake/batch_plan.ts";
import { Meter } from "../../core/base/meter.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { ManualClock } from "../support/manual_clock.ts";
import type { FileOutcome, RoutedBatch } from "../../core/lake/routed_batch.ts";

const file = (name: string, status: FileOutcome["status"], [events, deadLetters]: [number, number]): FileOutcome => {
  return { name, etag: "1", size: 10, status, records: events + deadLetters, events, deadLetters, duplicates: 0 };
};
const files = [
  file("a", "ingested", [5, 2]),
  file("b", "ingested", [1, 0]),
  file("c", "vanished", [0, 0]),
  file("d", "changed", [0, 0]),
  // Known before with other content, which the plan only records.
  file("e", "changed", [0, 0]),
];
const routed = { batchId: 7, files } as RoutedBatch;
const plan = { files: files.slice(0, 4), changed: files.slice(4) } as unknown as BatchPlan;
const report = batchReport(routed, { resumed: true, durationMs: 30, lagMs: 90, seconds: { route: 0.02 } });

Deno.test("a batch's report counts what was ingested, and what was not by its reason", () => {
  const counts = { files: 2, bytes: 20, records: 8, events: 6, deadLetters: 2, duplicates: 0, changed: 2, vanished: 1 };
  deepStrictEqual(report, {
    batchId: 7,
    resumed: true,
    ...counts,
    empty: 0,
    reasons: undefined,
    superseded: undefined,
    replayed: undefined,
    reingested: undefined,
    durationMs: 30,
    lagMs: 90,
    seconds: { route: 0.02 },
  });
});

Deno.test("files that the plan only records were not missed", () => {
  deepStrictEqual(missedFiles(plan, routed).map(({ name }) => name), ["c", "d"]);
});

function limitsOf(maxDeadLetters: Limit): RunLimits {
  return new RunLimits({ onChangedFile: "ignore", maxDeadLetters, deadLettersTable: "dead_letters.events" });
}

Deno.test("dead letters are limited over all batches of a run, not for each", () => {
  const limits = limitsOf({ kind: "count", count: 4 });
  limits.check(report, []);
  limits.check(report, []);
  throws(() => limits.check(report, []), /^StreamlabError: Stopped: 6 dead letters are more than --max-dead-letters 4/);
});

Deno.test("a part of the records is a limit of each batch, once there are a thousand of them", () => {
  const batch = (records: number, deadLetters: number) => ({ ...report, batchId: 7, records, deadLetters });
  const limits = limitsOf({ kind: "percent", percent: 2.5 });
  limits.check(batch(999, 999), []);
  limits.check(batch(1_000, 25), []);
  limits.check(batch(1_000, 25), []);
  throws(
    () => limits.check(batch(1_000, 26), []),
    /^StreamlabError: Stopped: 26 dead letters of 1,000 records in batch 7 are more than --max-dead-letters 2\.5%/,
  );
  throws(() => limitsOf({ kind: "percent", percent: 0 }).check(batch(2_000, 1), []), /1 dead letter of 2,000 records/);
});

Deno.test("a file that was rewritten while it was read stops the run where that was asked for", () => {
  for (const onChangedFile of ["ignore", "ingest", "fail"] as const) {
    const limits = new RunLimits({ onChangedFile, deadLettersTable: "dead_letters.events" });
    const stops = () => limits.check(report, missedFiles(plan, routed));
    if (onChangedFile === "fail") throws(stops, /Cannot continue: d was rewritten while it was read/);
    else strictEqual(stops(), undefined);
  }
});

Deno.test("a batch tells what each of its steps took, and the meter counts its files, bytes and records", async () => {
  await ConsumeWorld.use(async (world) => {
    const text = `[{"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T00:00:00Z"},{}]`;
    world.put("a.json", text);
    world.put("b.json", text);
    const meter = new Meter(new ManualClock());
    const most: Record<string, number> = {};
    meter.watch((changed) => Object.assign(most, changed.read().counts));
    await world.consume({ meter });
    deepStrictEqual(most, { filesBehind: 0, filesMax: 2, files: 2, bytes: 2 * text.length, records: 4 });
    const steps = ["discover", "plan", "route", "place", "commitEvents", "commitDeadLetters", "commitLedger"];
    deepStrictEqual(world.batches.map(({ seconds }) => Object.keys(seconds).sort()), [steps.sort()]);
  });
});

Deno.test("dead letters are counted by reason over all threads, files that are no JSON and rows of Parquet, too", async () => {
  await ConsumeWorld.use(async (world) => {
    const valid = `{"user_id":"u","event_id":"e","event_type":"t","event_timestamp":"2026-03-01T00:00:00Z"}`;
    world.put("no array.json", "[");
    world.put("array.json", `[${valid},{"user_id":7},${valid.replace("{", `{"more":1,`)}]`);
    world.put("lines.ndjson", `${valid}\nno json\n{}\n${valid.replace("{", `{"more":1,`)}\n`);
    await world.rows(`COPY (SELECT 'u' AS user_id) TO '${world.rawPath("rows.parquet")}' (FORMAT parquet)`);
    await world.consume({ threads: 3 });
    const [{ reasons, deadLetters }] = world.batches as [typeof world.batches[number]];
    deepStrictEqual(
      { ...reasons, deadLetters },
      { corrupted_batch: 1, corrupted_record: 1, extra_fields: 2, invalid_schema: 3, deadLetters: 7 },
    );
  });
});
