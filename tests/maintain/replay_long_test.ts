import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { updateSpec } from "../../core/iceberg/action/update_partitioning.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { Place } from "../commands/place.ts";
import { auditHolds, EVENTS, LETTERS, NARROW, rowsOf, WIDE, withLetters } from "./letters_place.ts";

Deno.test("letters that are more than memory holds are replayed within it, and consume goes on", () =>
  Place.use(async (place) => {
    place.put("narrow.json", NARROW);
    place.put("wide.json", WIDE);
    const pad = "0123456789abcdef".repeat(90), limits = ["--memory", "400MB", "--threads", "1"];
    for (let file = 0; file < 4; file++) {
      const lines = Array.from({ length: 25_000 }, (_, i) => `{"id":${file * 25_000 + i},"coupon":"${i}${pad}"}`);
      place.put(`lake/raw/events/${file}.ndjson`, lines.join("\n"));
    }
    for (const contract of ["narrow.json", "wide.json"]) {
      await place.records("consume", "--once", "--no-upkeep", ...limits, "--contract", contract);
    }
    const [done] = await place.records("maintain", "--replay-dead-letters", ...limits);
    deepStrictEqual([done!.events, done!.changed], [100_000, 0]);
    place.put("lake/raw/events/new.json", [{ id: 100_000 }]);
    await place.records("consume", "--once", "--no-upkeep", ...limits);
    const counted = await place.ask(
      "SELECT count(DISTINCT id)::INT AS ids, count(*)::INT AS events FROM bronze.events",
    );
    deepStrictEqual(counted, [{ ids: 100_001, events: 100_001 }]);
    await auditHolds(place);
  }));

Deno.test("letters that stand in files of several partitionings go, whichever they are in", () =>
  withLetters(async (place) => {
    const [clock, random] = [systemClock, systemRandom];
    const store = openLocalStore(`${place.folder}/lake`, { random, durable: false });
    const catalog = new FileCatalog({ store, clock, random });
    const reason = { column: "_dead_letter_reason", transform: { name: "identity" } } as const;
    await commitTable(catalog, { namespace: ["dead_letters"], name: "events" }, (transaction) => {
      transaction.add(updateSpec(transaction.metadata, { add: [reason], remove: ["_ingested_at_day"] }));
    }, { clock, random });
    await catalog.settle();
    place.put("lake/raw/events/d.json", [{ id: 6, other: 1 }, { id: "y" }, { id: 7, other: 2 }]);
    await place.records("consume", "--once", "--no-upkeep");
    place.put("other.json", { ...WIDE, properties: { ...WIDE.properties, other: { type: "integer" } } });
    await place.records("consume", "--once", "--no-upkeep", "--contract", "other.json");
    const [done] = await place.records("maintain", "--replay-dead-letters");
    deepStrictEqual([done!.events, done!.changed], [5, 1]);
    await place.records("maintain", "--compact", "--table", "dead_letters.events");
    deepStrictEqual((await rowsOf(place)).letters, [...LETTERS, "d.json 1 invalid_schema"]);
    await auditHolds(place);
  }));

Deno.test("letters of one table alone are replayed where --table names it or its letters, and one that drops repeats keeps no other from it", () =>
  withLetters(async (place) => {
    const other = ["consume", "--once", "--no-upkeep", "--table", "shop.orders", "--raw", "lake/raw/orders"];
    place.put("lake/raw/orders/o.json", [{ id: 1, coupon: "o" }]);
    await place.records(...other, "--contract", "narrow.json");
    await place.records(...other, "--contract", "wide.json");
    place.put("lake/raw/visits/v.json", [{ broken: true }]);
    const visits = ["--table", "bronze.visits", "--raw", "lake/raw/visits", "--dedupe-by", "event_id"];
    await place.records("consume", "--once", "--no-upkeep", ...visits, "--dedupe-within", "1d");
    const [named] = await place.records("maintain", "--replay-dead-letters", "--table", "dead_letters.shop_orders");
    deepStrictEqual([named!.table, named!.events], ["dead_letters.shop_orders", 1]);
    deepStrictEqual((await rowsOf(place)).events, ["1 0 1"]);
    const { status, stderr } = await place.run("maintain", "--replay-dead-letters");
    strictEqual(status, 0, stderr);
    match(stderr, /Cannot replay letters of bronze\.visits: its batches drop repeats/);
    deepStrictEqual((await rowsOf(place)).events, EVENTS);
    const unknown = await place.run("maintain", "--replay-dead-letters", "--table", "bronze.nothing");
    strictEqual(unknown.status, 1, unknown.stderr);
    await auditHolds(place);
  }));

Deno.test("events that were letters repeat others like any, where repeats are removed before and after", () =>
  withLetters(async (place) => {
    place.put("lake/raw/events/d.json", [{ id: 2 }, { id: 1 }]);
    await place.records("consume", "--once", "--no-upkeep");
    await place.records("maintain", "--dedupe-by", "id");
    await place.records("maintain", "--replay-dead-letters");
    await auditHolds(place);
    deepStrictEqual((await rowsOf(place)).events, ["1 0 1", "2 0 2", "2 2 3", "3 3 3", "5 0 3"]);
    place.put("lake/raw/events/e.json", [{ id: 3 }, { id: 6 }]);
    await place.records("consume", "--once", "--no-upkeep");
    await place.records("maintain", "--dedupe-by", "id");
    await auditHolds(place);
    const events = ["1 0 1", "2 0 2", "3 3 3", "5 0 3", "6 1 4"];
    deepStrictEqual(await rowsOf(place), { events, letters: LETTERS });
  }));

Deno.test("letters become events, too, where extra fields become columns by now", () =>
  withLetters(async (place) => {
    await place.records("consume", "--once", "--no-upkeep", "--contract", "narrow.json", "--on-extra-fields", "add");
    const [done] = await place.records("maintain", "--replay-dead-letters");
    deepStrictEqual([done!.events, done!.changed], [4, 0]);
    deepStrictEqual(await place.ask("SELECT coupon FROM bronze.events WHERE coupon IS NOT NULL ORDER BY 1"), [
      { coupon: "7" },
      { coupon: "a" },
      { coupon: "b" },
      { coupon: "c" },
    ]);
    await auditHolds(place);
  }));
