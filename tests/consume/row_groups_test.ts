import { deepStrictEqual } from "node:assert/strict";
import { parsePartitionField } from "../../core/consume/partition_by.ts";
import { quoteText } from "../../core/engine/duckdb.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { GROUP_ROWS } from "../../core/routing/memory_shares.ts";
import { ConsumeWorld } from "./consume_world.ts";

const ROWS = GROUP_ROWS + 8_000, USERS = 100;

for (const [partition, groups] of [["user_id", USERS], ["day(event_timestamp)", 2]] as const) {
  Deno.test(`rows by ${partition} become row groups that are worth it`, () =>
    ConsumeWorld.use(async (world) => {
      const at = "2026-03-01T12:00:00Z";
      const event = (row: number) =>
        `{"user_id":"${row % USERS}","event_id":"${row}","event_type":"t","event_timestamp":"${at}"}`;
      const lines = Array.from({ length: ROWS }, (_, row) => event(row));
      // Larger files are read first; whether rows are enough is asked between two of them.
      world.put("a.ndjson", lines.slice(0, GROUP_ROWS).join("\n"));
      world.put("b.ndjson", lines.slice(GROUP_ROWS).join("\n"));
      await world.consume({ threads: 1, partitionBy: [parsePartitionField(partition)] });
      const { io, metadata } = (await world.catalog.loadTable(parseIdentifier("bronze.events")))!;
      const { files } = await planScan(io, metadata);
      const paths = files.map(({ dataFile }) => quoteText(world.store.localPath(io.location.pathOf(dataFile.path))!));
      const [row] = await world.rows(
        `SELECT count(DISTINCT (file_name, row_group_id))::INT AS groups,
           sum(row_group_num_rows) FILTER (path_in_schema = 'event_id')::INT AS rows
         FROM parquet_metadata([${paths}])`,
      );
      deepStrictEqual(row, { groups, rows: ROWS });
    }));
}
