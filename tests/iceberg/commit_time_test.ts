import { deepStrictEqual } from "node:assert/strict";
import { seededRandom } from "../../core/base/random.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { identifier, withBench } from "./sample_table.ts";

Deno.test("a commit that waited long for another one, and then lost a race, is tried again", () =>
  withBench(async (bench) => {
    const base = await bench.create();
    const clock = new ManualClock(), random = seededRandom(2);
    const other = async () => {
      await bench.commit((transaction) => transaction.add(setProperties({ theirs: "1" })));
      clock.advance(600_000);
    };
    const ours = (transaction: Parameters<Parameters<typeof commitTable>[2]>[0]) => {
      transaction.add(setProperties({ ours: "1" }));
      return true;
    };
    const { attempts } = await commitTable(bench.catalog, identifier, ours, { base, clock, random, after: other() });
    const { properties } = (await bench.load()).metadata;
    deepStrictEqual([attempts, properties.ours, properties.theirs], [2, "1", "1"]);
  }));
