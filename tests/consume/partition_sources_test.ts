import { deepStrictEqual } from "node:assert/strict";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { updateSpec } from "../../core/iceberg/action/update_partitioning.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { ask, beside, changeColumns, commitTo } from "./other_program.ts";

function contract(n: Record<string, unknown> | undefined, more: Record<string, unknown> = {}) {
  const properties = { id: { type: "integer" }, ...(n && { n }), ...more };
  return parseContract(JSON.stringify({ type: "object", properties, required: ["id"] }));
}

const int = { type: "integer", format: "int32" }, long = { type: "integer" };
type PartitionBy = ConsumeSessionOptions["partitionBy"];
const byValue: PartitionBy = [{ column: "n", transform: { name: "identity" } }];
const byTens: PartitionBy = [{ column: "n", transform: { name: "truncate", width: 10 } }];

/** One event in a file of its own. */
function put(world: ConsumeWorld, event: Record<string, unknown>): void {
  world.put(`${event.id}.ndjson`, `${JSON.stringify(event)}\n`);
}

function widen(world: ConsumeWorld): Promise<void> {
  return changeColumns(world, [{ change: "widen-column", path: "n", type: { type: "long" } }]);
}

/** What was partitioned by is gone, and only files of before are partitioned by it. */
async function dropSource(world: ConsumeWorld): Promise<void> {
  await commitTo(world, (transaction) => transaction.add(updateSpec(transaction.metadata, { remove: ["n"] })));
  await changeColumns(world, [{ change: "drop-column", path: "n" }]);
}

/** From now on each commit merges the manifests that are there. */
function mergeAlways(world: ConsumeWorld): Promise<void> {
  const properties = { "commit.manifest.min-count-to-merge": "2" };
  return commitTo(world, (transaction) => transaction.add(setProperties(properties)));
}

for (const partitionBy of [byValue, byTens]) {
  const { name } = partitionBy[0]!.transform;
  Deno.test(`what is partitioned by ${name} of a column is found after the column was widened, in old files and new`, () =>
    ConsumeWorld.use(async (world) => {
      for (const n of [6, 7]) {
        put(world, { id: n, n });
        await world.consume({ contract: contract(int), partitionBy });
      }
      for (const n of [8, 9]) {
        put(world, { id: n, n });
        await world.consume({ contract: contract(long) });
      }
      const found = async (where: string) =>
        (await ask(world, `select id from bronze.events where ${where} order by id`)).map((row) =>
          Object.values(row as Record<string, unknown>)[0]
        );
      deepStrictEqual(await found("n = 6"), [6]);
      deepStrictEqual(await found("n in (6, 8)"), [6, 8]);
      deepStrictEqual(await found("n between 6 and 7"), [6, 7]);
      deepStrictEqual(await found("n > 6"), [7, 8, 9]);
      deepStrictEqual(await found("n <> 6"), [7, 8, 9]);
    }));
}

for (const [what, change, after] of [["widened", widen, long], ["dropped", dropSource, undefined]] as const) {
  Deno.test(`manifests are merged after the column that their files are partitioned by was ${what}`, () =>
    ConsumeWorld.use(async (world) => {
      for (const n of [6, 7]) {
        put(world, { id: n, n });
        await world.consume({ contract: contract(int), partitionBy: byValue });
      }
      await change(world);
      await mergeAlways(world);
      for (const n of [8, 9]) {
        put(world, { id: n, ...(after && { n }) });
        await world.consume({ contract: contract(after) });
      }
      deepStrictEqual(await ask(world, "select id from bronze.events order by id"), [6, 7, 8, 9].map((id) => ({ id })));
    }));

  for (const [brings, more] of [["the same columns", {}], ["a new one", { country: { type: "string" } }]] as const) {
    Deno.test(`a batch of ${brings} is committed where the column it is partitioned by was ${what} meanwhile`, () =>
      ConsumeWorld.use(async (world) => {
        put(world, { id: 1, n: 5 });
        await world.consume({ contract: contract(int), partitionBy: byValue });
        put(world, { id: 2, n: 25, ...("country" in more && { country: "NO" }) });
        await world.consume({ contract: contract(int, more), ...beside(world, () => change(world)) });
        deepStrictEqual(await ask(world, "select id from bronze.events order by id"), [{ id: 1 }, { id: 2 }]);
        if (after === undefined) return;
        deepStrictEqual(await ask(world, "select id from bronze.events where n = 25"), [{ id: 2 }]);
      }));
  }
}
