import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parsePartitionField } from "../../core/consume/partition_by.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { ConsumeWorld } from "./consume_world.ts";

/** Of `consume`, by default. */
const MEMORY = "1GB";

function wideContract(columns: number) {
  const names = Array.from({ length: columns }, (_, i) => `"c${i}":{"type":"string"}`);
  return parseContract(
    `{"type":"object","properties":{"seen":{"type":"string","format":"date-time"},${names.join(",")}}}`,
  );
}

/** A record with every column; each value says where it belongs. */
function record(columns: number, day: number): string {
  const fields = Array.from({ length: columns }, (_, i) => `"c${i}":"${day}-${i}"`);
  return `{"seen":"${new Date(Date.UTC(2026, 0, 1 + day)).toISOString()}",${fields.join(",")}}`;
}

for (const [columns, days] of [[250, 100], [2_000, 1]] as const) {
  Deno.test(`${columns} columns of ${days} ${days === 1 ? "day" : "days"}, a record each, are taken in the memory that consume has by default`, () =>
    ConsumeWorld.use(async (world) => {
      const records = Array.from({ length: days }, (_, day) => record(columns, day));
      world.put("a.ndjson", `${records.join("\n")}\n`);
      await world.consume({
        memory: MEMORY,
        contract: wideContract(columns),
        partitionBy: [parsePartitionField("day(seen)")],
      });
      strictEqual(world.batches.length, 1);
      const last = columns - 1;
      const rows = await world.rows(`SELECT c0, c${last} AS other FROM {{bronze.events}} ORDER BY seen`);
      deepStrictEqual(rows, Array.from({ length: days }, (_, day) => ({ c0: `${day}-0`, other: `${day}-${last}` })));
    }));
}
