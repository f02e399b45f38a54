import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { parsePartitionField } from "../../core/consume/partition_by.ts";
import { quoteText } from "../../core/engine/duckdb.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { ConsumeWorld } from "./consume_world.ts";

for (const memory of ["1GB", "400MB"]) {
  Deno.test(`a batch over 4,000 partitions is one commit, every event in its own, in ${memory}`, () =>
    ConsumeWorld.use(async (world) => {
      const at = (day: number) => new Date(Date.UTC(2014, 0, 1 + day, 12)).toISOString();
      const event = (day: number, more = "") =>
        `{"user_id":"u","event_id":"${day}"${more},"event_type":"t","event_timestamp":"${at(day)}"}`;
      const days = Array.from({ length: 4_000 }, (_, day) => day);
      world.put("a.ndjson", days.map((day) => event(day)).join("\n"));
      // A key with an escape is not plain, so these go through the judge.
      world.put("b.ndjson", days.slice(0, 200).map((day) => event(day, ',"product_i\\u0064":"p"')).join("\n"));
      await world.consume({ memory, partitionBy: [parsePartitionField("day(event_timestamp)")] });
      const { io, metadata } = (await world.catalog.loadTable(parseIdentifier("bronze.events")))!;
      strictEqual(metadata.snapshots.length, 1);
      const { files } = await planScan(io, metadata);
      // 4,200 where each thread has read one of the files, as threads have files of their own.
      ok(files.length >= 4_000 && files.length <= 4_200, `${files.length} files`);
      strictEqual(new Set(files.map(({ dataFile }) => dataFile.partition[0])).size, 4_000);
      const paths = files.map(({ dataFile }) => quoteText(world.store.localPath(io.location.pathOf(dataFile.path))!));
      const [row] = await world.rows(
        `SELECT count(*)::INT AS n, count(DISTINCT event_id)::INT AS ids, count(product_id)::INT AS products
         FROM read_parquet([${paths}], hive_partitioning = false)`,
      );
      deepStrictEqual(row, { n: 4_200, ids: 4_000, products: 200 });
    }));
}
