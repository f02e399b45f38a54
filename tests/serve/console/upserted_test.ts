import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Place } from "../../commands/place.ts";
import { ServedLake } from "../../support/lake_server.ts";
import { getJson } from "./console_lake.ts";

type Rows = Record<string, unknown>[];

function record(user: string, minute: number, type = "view"): object {
  const time = `2026-03-01T12:0${minute}:00Z`;
  return { user_id: user, event_id: `${user} ${minute}`, event_type: type, event_timestamp: time };
}

Deno.test("what upserts have superseded is told by batch, by file, over time and in the metrics", () =>
  Place.use(async (place) => {
    const upsert = ["--upsert-by", "user_id", "--delete-when", 'event_type = "delete"'];
    place.put("lake/raw/events/a.json", [record("ann", 1), record("ann", 2), record("bob", 1)]);
    await place.records("consume", "--once", ...upsert);
    place.put("lake/raw/events/b.json", [record("ann", 0), record("bob", 2, "delete")]);
    await place.records("consume", "--once");
    place.put("lake/raw/events/c.json", [record("eve", 1)]);
    await place.records("consume", "--once");
    await ServedLake.use(async (lake) => {
      const of = async (path: string, list: string) =>
        ((await getJson(lake, path))[list] as Rows).map(({ superseded }) => superseded);
      deepStrictEqual(await of("batches?target=bronze.events", "batches"), [0, 2, 1]);
      deepStrictEqual(await of("batches?target=bronze.events&before=3", "batches"), [2, 1], "SQL tells the same");
      deepStrictEqual(await of("files", "files"), [0, 2, 1]);
      deepStrictEqual(await of("batches/over-time?target=bronze.events&by=day&last=1", "periods"), [3]);
      const { text } = await lake.ask("GET", "/metrics");
      strictEqual(/^streamlab_target_superseded_total\{target="bronze\.events"\} (\d+)$/m.exec(text)?.[1], "3");
      deepStrictEqual(lake.failures, []);
    }, { folder: `${place.folder}/lake` });
  }));
