import { deepStrictEqual } from "node:assert/strict";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { quoteText, type SqlRow } from "../../core/engine/duckdb.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import type { Store } from "../../core/storage/store.ts";
import { s3Test } from "../support/s3_servers.ts";
import { type S3World, startS3World } from "../storage/s3/s3_world.ts";
import { ConsumeWorld } from "./consume_world.ts";

let s3: S3World;
Deno.test.beforeAll(async () => {
  s3 = (await startS3World())!;
});
Deno.test.afterAll(() => s3?.stop());

const FILES = 12, EVENTS = 20, KEYS = 30;

/** Each event is there in several files, in some of them twice. */
function fileText(file: number): string {
  return Array.from({ length: EVENTS }, (_, index) =>
    JSON.stringify({
      user_id: "u",
      event_id: `e${(file * 7 + index * index) % KEYS}`,
      event_type: "view",
      event_timestamp: "2026-03-01T00:00:00Z",
    })).join("\n");
}

s3Test(
  "of two consumers of one bucket that both drop repeats, none keeps what the other has kept",
  () =>
    ConsumeWorld.use(async (world) => {
      const store: Store = await s3.open();
      const encoder = new TextEncoder();
      for (let file = 0; file < FILES; file++) {
        await store.write(`raw/events/f${String(file).padStart(3, "0")}.ndjson`, encoder.encode(fileText(file)));
      }
      const changes: Partial<ConsumeSessionOptions> = {
        sink: store,
        catalog: world.catalogOn(store),
        zone: { store, prefix: "raw/events/", nameBase: "", format: undefined },
        maxFilesPerBatch: 3,
        dedupe: { by: ["event_id"], at: "event_timestamp", withinMicros: "1000000" },
      };
      await Promise.all([world.consume(changes), world.consume(changes)]);
      // Whoever came second may have left a batch to the other, which has ended.
      await world.consume(changes);
      const [found] = await rowsOf(
        world,
        store,
        "bronze.events",
        "count(*)::INT AS n, count(DISTINCT event_id)::INT AS ids",
      );
      deepStrictEqual({ ...found }, { n: KEYS, ids: KEYS });
      const sums = "sum(records)::INT AS records, sum(events)::INT AS events, sum(duplicates)::INT AS duplicates";
      const [counts] = await rowsOf(world, store, "ingest.files", sums);
      deepStrictEqual({ ...counts }, { records: FILES * EVENTS, events: KEYS, duplicates: FILES * EVENTS - KEYS });
    }),
);

/** Asks copies of the table's live files. */
async function rowsOf(world: ConsumeWorld, store: Store, name: string, columns: string): Promise<SqlRow[]> {
  const { io, metadata } = (await world.catalogOn(store).loadTable(parseIdentifier(name)))!;
  const { files } = await planScan(io, metadata);
  const paths = await Promise.all(files.map(async ({ dataFile }, index) => {
    const path = `${world.folder}/${name}-${index}.parquet`;
    await store.getFile(io.location.pathOf(dataFile.path), path);
    return quoteText(path);
  }));
  return await world.rows(`SELECT ${columns} FROM read_parquet([${paths}])`);
}
