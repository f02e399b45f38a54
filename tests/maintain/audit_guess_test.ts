import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { isKind } from "../../core/base/errors.ts";
import { systemRandom } from "../../core/base/random.ts";
import { removeProperties } from "../../core/iceberg/action/set_properties.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { Place } from "../commands/place.ts";
import { auditBy, judgeHere, judgingCluster } from "./judging_cluster.ts";

const SKEWED = { type: "object", properties: { event_id: { type: "integer" } } };
const EVENT = { user_id: "u", event_id: "e", event_type: "view", event_timestamp: "2026-03-01T12:00:00Z" };

/** Ingests a file, and leaves properties as an older streamlab did, which wrote no rules down. */
async function ingestedOfOld(place: Place, record: object, ...flags: string[]): Promise<string> {
  place.put("lake/raw/events/a.json", [record]);
  await place.records("consume", "--once", "--no-upkeep", ...flags);
  const lake = `${place.folder}/lake`;
  const store = openLocalStore(lake, { random: systemRandom, durable: false });
  const catalog = new FileCatalog({ store, clock: systemClock, random: systemRandom });
  for (const [table, what] of [["bronze.events", "target"], ["ingest.files", "rules"]] as const) {
    await commitTable(catalog, parseIdentifier(table), (transaction) => {
      transaction.add(removeProperties([`streamlab.${what}.bronze.events`]));
      return true;
    }, { clock: systemClock, random: systemRandom });
  }
  return lake;
}

Deno.test("where nobody has written a contract down that the table needs, the audit asks for it", () =>
  Place.use(async (place) => {
    place.put("skewed.json", SKEWED);
    const lake = await ingestedOfOld(place, { event_id: 1 }, "--contract", "skewed.json");
    for (const tasks of [undefined, judgingCluster()]) {
      const { isRight, printed } = await auditBy(tasks, lake);
      deepStrictEqual([isRight, printed.length], [false, 1]);
      match(printed[0]!.error as string, /^an older streamlab has not written its contract down: name it with --table/);
    }
  }));

Deno.test("a task that refuses a target without a record is told of in its own words", () =>
  Place.use(async (place) => {
    const lake = await ingestedOfOld(place, EVENT);
    deepStrictEqual((await auditBy(undefined, lake)).isRight, true);
    const other = judgingCluster((task) => judgeHere({ ...task, version: "0.0.1" }));
    await rejects(auditBy(other, lake), (error) => {
      ok(isKind(error, "usage"));
      match(error.message, /^Cannot judge files for streamlab 0\.0\.1/);
      return true;
    });
  }));
