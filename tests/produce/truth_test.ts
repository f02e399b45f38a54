import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { CLEAN_CHANCES, DIRTY_CHANCES, type EventFileFormat } from "../../core/produce/options.ts";
import type { Compression } from "../../core/disk/decompress.ts";
import { collect, type Collected, optionsWith, type TruthLine } from "./collect.ts";
import { judgeFile } from "./oracle.ts";

/** Every file has its line, and the oracle sends each record where the line says. */
function checkTruth({ files, truth }: Collected): void {
  deepStrictEqual(truth.map(({ file }) => file), [...files.keys()]);
  for (const line of truth) {
    const bytes = files.get(line.file)!;
    const verdict = judgeFile(line.file, bytes);
    const said = line.corrupted === null ? line.records.map(({ disposition }) => disposition) : "corrupted_batch";
    deepStrictEqual(said, verdict, `${line.file}: ${line.corrupted}`);
    deepStrictEqual(line.records.map(({ position }) => position), line.records.map((_, index) => index));
    strictEqual(line.bytes, bytes.length);
    checkCounts(line);
  }
}

function checkCounts(line: TruthLine): void {
  const counts = { event: 0, invalid_schema: 0, extra_fields: 0, corrupted_record: 0, corrupted_batch: 0 };
  if (line.corrupted !== null) counts.corrupted_batch++;
  for (const { disposition } of line.records) counts[disposition]++;
  deepStrictEqual(line.counts, counts);
}

const textFormats: EventFileFormat[] = ["json", "ndjson"];
const compressions: Compression[] = ["none", "gzip", "zstd"];

Deno.test("truth says of every record what a reader of the published rules finds, whatever the chances", async () => {
  const chance = fc.oneof(fc.constant(0), fc.constant(1), fc.double({ min: 0, max: 0.5, noNaN: true }));
  const options = fc.record({
    seed: fc.nat(),
    batchSize: fc.integer({ min: 1, max: 12 }),
    users: fc.integer({ min: 1, max: 30 }),
    format: fc.constantFrom(...textFormats),
    compression: fc.constantFrom(...compressions),
    evolveAfter: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
    chances: fc.record({
      corruption: chance,
      invalidSchema: chance,
      extraFields: chance,
      duplicate: chance,
      late: chance,
    }),
  });
  await fc.assert(fc.asyncProperty(options, async (changed) => checkTruth(await collect(optionsWith(changed)))), {
    numRuns: 150,
  });
});

for (const format of textFormats) {
  for (const compression of compressions) {
    Deno.test(`truth holds for a long dirty run of ${format} with compression ${compression}`, async () => {
      const chances = { ...DIRTY_CHANCES, corruption: 0.5 };
      checkTruth(await collect(optionsWith({ batches: 150, format, compression, chances, evolveAfter: 75 })));
    });
  }
}

Deno.test("a chance of 0 never strikes and a chance of 1 always does", async () => {
  const dispositions = async (chances: Partial<typeof CLEAN_CHANCES>) => {
    const { truth } = await collect(optionsWith({ chances: { ...CLEAN_CHANCES, ...chances } }));
    return truth.flatMap(({ records, corrupted }) =>
      corrupted === null ? records.map((r) => r.disposition) : ["whole"]
    );
  };
  deepStrictEqual(new Set(await dispositions({})), new Set(["event"]));
  deepStrictEqual(new Set(await dispositions({ invalidSchema: 1 })), new Set(["invalid_schema"]));
  deepStrictEqual(new Set(await dispositions({ extraFields: 1 })), new Set(["extra_fields"]));
  deepStrictEqual(new Set(await dispositions({ corruption: 1 })), new Set(["whole"]));
});

Deno.test("a record with extra fields and a broken schema is invalid_schema: the first rule that applies", async () => {
  const { truth } = await collect(
    optionsWith({ evolveAfter: 0, chances: { ...CLEAN_CHANCES, invalidSchema: 1, extraFields: 1 } }),
  );
  ok(truth.every(({ records }) => records.every(({ disposition }) => disposition === "invalid_schema")));
});

Deno.test("chances are met on average", async () => {
  const chances = { corruption: 0, invalidSchema: 0.1, extraFields: 0.2, duplicate: 0.1, late: 0.3 };
  const { truth } = await collect(optionsWith({ batches: 100, batchSize: 200, chances }));
  const records = truth.flatMap((line) => line.records);
  const share = (count: number) => count / records.length;
  const near = (actual: number, wanted: number) => ok(Math.abs(actual - wanted) < 0.015, `${actual} for ${wanted}`);
  near(share(records.filter((record) => record.duplicate_of !== undefined).length), 0.1);
  near(share(records.filter(({ disposition }) => disposition === "invalid_schema").length), 0.9 * 0.1);
  near(share(records.filter(({ disposition }) => disposition === "extra_fields").length), 0.9 * 0.9 * 0.2);
  near(share(records.filter((record) => record.late_ms !== undefined).length), 0.9 * 0.3);
});

Deno.test("files after the first N carry the new column, and truth names it", async () => {
  const { truth } = await collect(optionsWith({ batches: 6, evolveAfter: 4 }));
  for (const line of truth) {
    for (const { disposition, way, field } of line.records) {
      const evolved = { disposition: "extra_fields", way: "evolved_column", field: "/country" };
      const plain = { disposition: "event", way: undefined, field: undefined };
      deepStrictEqual({ disposition, way, field }, line.batch < 4 ? plain : evolved);
    }
  }
});

Deno.test("truth tells every position of a file of very many records", async () => {
  const { truth } = await collect(optionsWith({ batches: 2, batchSize: 40_000, chances: DIRTY_CHANCES }));
  for (const { records } of truth) deepStrictEqual(records.map(({ position }) => position), records.map((_, i) => i));
});
