import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { pathsInZone } from "../../core/consume/change_hints.ts";
import { ObjectNews } from "../../core/notifications/object_news.ts";
import { storeWith } from "../support/store_with.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { FOLDER, ToldZone } from "./told_zone.ts";
import { event } from "./watching.ts";

Deno.test("an object that a message names is taken at once, by one look at it and no listing", () =>
  ConsumeWorld.use(async (world) => {
    const zone = new ToldZone(world);
    for (let number = 0; number < 20; number++) zone.put(`${number}.ndjson`);
    await zone.watch(async (watching) => {
      await watching.total(20);
      await zone.quiet();
      zone.stats.splice(0);
      const names = Array.from({ length: 10 }, (_, number) => `new/${number}.ndjson`);
      for (const name of names) zone.put(name);
      zone.tell(...names);
      await watching.total(30);
      await zone.quiet();
      strictEqual(zone.listings, 1);
      deepStrictEqual(zone.stats.toSorted(), names);
    });
  }));

Deno.test("an object that is told of while the first listing ends is not overlooked", () =>
  ConsumeWorld.use(async (world) => {
    const zone = new ToldZone(world);
    zone.onListed = () => {
      zone.onListed = () => {};
      zone.put("late.ndjson");
      zone.tell("late.ndjson");
    };
    await zone.watch(async (watching) => {
      await watching.total(1);
      strictEqual(zone.listings, 1);
    });
  }));

Deno.test("an object that cannot be looked at keeps no other waiting, and is looked at again until it can be", () =>
  ConsumeWorld.use(async (world) => {
    const zone = new ToldZone(world);
    await zone.watch(async (watching) => {
      await zone.quiet();
      for (const name of ["a.ndjson", "b.ndjson", "c.ndjson"]) zone.put(name);
      zone.refused.add("a.ndjson");
      zone.tell("a.ndjson", "b.ndjson");
      await watching.total(1);
      await zone.quiet();
      zone.refused.clear();
      zone.tell("c.ndjson");
      await watching.total(3);
      deepStrictEqual([zone.listings, world.remarks], [1, []]);
    });
  }));

Deno.test("an object that can never be looked at is left to the listing that follows now and then", () =>
  ConsumeWorld.use(async (world) => {
    const zone = new ToldZone(world);
    await zone.watch(async (watching) => {
      await zone.quiet();
      zone.put("a.ndjson");
      zone.refused.add("a.ndjson");
      const looked = new Promise<string>((resolve) => zone.onLook = resolve);
      zone.tell("a.ndjson");
      await looked;
      await zone.quiet();
      zone.refused.clear();
      zone.clock.advance(30_000);
      await watching.total(1);
      strictEqual(zone.listings, 2);
    });
  }));

Deno.test("what no message names is found by the listing that follows now and then", () =>
  ConsumeWorld.use(async (world) => {
    const zone = new ToldZone(world);
    await zone.watch(async (watching) => {
      await zone.quiet();
      zone.put("untold.ndjson");
      zone.clock.advance(30_000);
      await watching.total(1);
      strictEqual(zone.listings, 2);
    });
  }));

Deno.test("of more messages than are remembered the zone is listed, the whole of it", () =>
  ConsumeWorld.use(async (world) => {
    const zone = new ToldZone(world);
    await zone.watch(async (watching) => {
      await zone.quiet();
      zone.put("a.ndjson");
      zone.tell(...Array.from({ length: 10_001 }, (_, number) => `${number}.ndjson`));
      await watching.total(1);
      strictEqual(zone.listings, 2);
      zone.put("b.ndjson");
      zone.tell("b.ndjson");
      await watching.total(2);
      strictEqual(zone.listings, 2);
    });
  }));

Deno.test("a known object that was written anew is told of, and its rows stay", () =>
  ConsumeWorld.use(async (world) => {
    const zone = new ToldZone(world);
    zone.put("a.ndjson");
    await zone.watch(async (watching) => {
      await watching.total(1);
      await zone.quiet();
      world.put("a.ndjson", `${event("another")}\n${event("content")}`);
      for (let times = 0; times < 3; times++) {
        zone.tell("a.ndjson");
        await zone.quiet();
      }
      await world.remarked(/a\.ndjson changed/);
      strictEqual(watching.events, 1);
      strictEqual(zone.listings, 1);
    });
    strictEqual(world.remarks.filter((remark) => /a\.ndjson changed/.test(remark)).length, 1);
  }));

Deno.test("of the objects that messages name only event files of the zone count", () =>
  ConsumeWorld.use((world) => {
    const store = storeWith(world.store, { root: "s3://bucket/lake", localPath: () => undefined });
    const zone = { store, prefix: FOLDER, nameBase: "", format: undefined };
    const told = [
      "s3://bucket/lake/raw/events/a.json",
      "s3://bucket/lake/raw/events/b c/ä+.ndjson.gz",
      "s3://bucket/lake/raw/events/_part/x.json",
      "s3://bucket/lake/raw/events/readme.txt",
      "s3://bucket/lake/raw/events/",
      "s3://bucket/lake/raw/events/../../x.json",
      "s3://bucket/lake/raw/events//x.json",
      "s3://bucket/lake/raw/other/x.json",
      "s3://bucket/lake2/raw/events/x.json",
      "s3://another/lake/raw/events/x.json",
    ];
    deepStrictEqual(pathsInZone(zone, told), ["raw/events/a.json", "raw/events/b c/ä+.ndjson.gz"]);
    return Promise.resolve();
  }));

Deno.test("who has ended to listen is told nothing more", () => {
  const news = new ObjectNews();
  const told: string[] = [];
  const end = news.listen((uris) => void told.push(...uris));
  news.tell(["a"]);
  end();
  news.tell(["b"]);
  deepStrictEqual(told, ["a"]);
});
