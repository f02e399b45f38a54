import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { ConsumeSession } from "../../core/consume/consume_session.ts";
import type { RawZone } from "../../core/lake/raw_zone.ts";
import { RawListings } from "../../core/consume/raw_listings.ts";
import type { ListedFile, Store } from "../../core/storage/store.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { storeWith } from "../support/store_with.ts";
import { ConsumeWorld } from "./consume_world.ts";

const PAGE_MS = 100;
const nameOf = (number: number) => `raw/events/${String(number).padStart(9, "0")}.json`;

/** A bucket whose listing takes its time, page by page; notes how many names each listing had. */
class SlowBucket {
  readonly clock = new ManualClock();
  readonly names = new Set<string>();
  readonly counts: number[] = [];
  readonly zone: RawZone;

  constructor() {
    const list = (_prefix: string, { after = "" }: { after?: string } = {}) => this.#list(after);
    const store = { list, localPath: () => undefined } as unknown as Store;
    this.zone = { store, prefix: "raw/events/", nameBase: "", format: undefined };
  }

  async *#list(after: string): AsyncGenerator<ListedFile> {
    const found = [...this.names].filter((name) => name > after).sort();
    this.counts.push(found.length);
    for (const [index, path] of found.entries()) {
      if (index % 1_000 === 0) this.clock.advance(PAGE_MS);
      yield await Promise.resolve({ path, info: { path, size: 1, etag: "e", modifiedMs: 0 } });
    }
  }
}

async function walk(listings: RawListings, isWhole = false): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of listings.begin(isWhole)!) paths.push(path);
  return paths;
}

Deno.test("between two listings of a whole bucket only the end is asked for, for four times as long as the whole one took", async () => {
  const bucket = new SlowBucket();
  for (let i = 0; i < 10_000; i++) bucket.names.add(nameOf(2 * i));
  const listings = new RawListings(bucket.zone, bucket.clock);
  const poll = async () => {
    const paths = await walk(listings);
    listings.taken();
    return paths;
  };
  strictEqual((await poll()).length, 10_000);
  bucket.names.add(nameOf(1)).add(nameOf(20_001));
  const next = await poll();
  deepStrictEqual([next.length, next.at(-1)], [500, nameOf(20_001)]);
  bucket.clock.advance(4 * 10 * PAGE_MS - PAGE_MS - 1);
  strictEqual((await poll()).length, 499);
  strictEqual((await poll())[1], nameOf(1), "what came to lie further ahead is found by the next whole one");
  deepStrictEqual(bucket.counts, [10_000, 500, 499, 10_002]);
  strictEqual((await poll()).length, 499);
  bucket.clock.advance(-3_600_000);
  strictEqual((await poll()).length, 10_002, "a clock that was set back does not put it off");
});

Deno.test("a listing that is to be whole is so, however short ago the last one was", async () => {
  const bucket = new SlowBucket();
  for (let i = 0; i < 2_000; i++) bucket.names.add(nameOf(i));
  const listings = new RawListings(bucket.zone, bucket.clock);
  for (const [isWhole, count] of [[false, 2_000], [true, 2_000], [false, 499]] as const) {
    strictEqual((await walk(listings, isWhole)).length, count);
    listings.taken();
  }
});

Deno.test("a listing that was not followed to its end, or whose files were not taken, is followed by one of the whole", async () => {
  const bucket = new SlowBucket();
  for (let i = 0; i < 2_000; i++) bucket.names.add(nameOf(i));
  const listings = new RawListings(bucket.zone, bucket.clock);
  const endings: [string, () => Promise<void>][] = [
    ["not taken", async () => void await walk(listings)],
    ["left", async () => {
      for await (const _file of listings.begin()!) break;
      listings.taken();
    }],
    ["forgotten", async () => {
      await walk(listings);
      listings.forget();
      listings.taken();
    }],
  ];
  for (const [name, end] of endings) {
    await end();
    strictEqual((await walk(listings)).length, 2_000, name);
    listings.taken();
    ok((await walk(listings)).length <= 500, name);
    listings.taken();
  }
});

Deno.test("wherever files come to lie, each is told of once the whole is due, and the last ones by the next listing", async () => {
  const arrivals = fc.array(fc.record({ isLast: fc.boolean(), place: fc.nat(1_000_000) }), { maxLength: 40 });
  const turns = fc.array(fc.record({ arrivals, isTaken: fc.boolean(), pauseMs: fc.nat(3_000) }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(turns, fc.nat(3_000), async (turns, first) => {
      const bucket = new SlowBucket();
      for (let i = 0; i < first; i++) bucket.names.add(nameOf(i * 300));
      const listings = new RawListings(bucket.zone, bucket.clock);
      const known = new Set<string>();
      let last = first * 300;
      for (const { arrivals, isTaken, pauseMs } of turns) {
        const lastOnes: string[] = [];
        for (const { isLast, place } of arrivals) {
          // Writers beside each other finish in another order than they began.
          if (isLast) lastOnes.push(nameOf(last += place % 7 - 3));
          else bucket.names.add(nameOf(place));
        }
        for (const name of lastOnes) bucket.names.add(name);
        const paths = await walk(listings);
        if (isTaken) { for (const path of paths) known.add(path); }
        if (isTaken) {
          for (const name of lastOnes) ok(known.has(name) || name < nameOf(first * 300), name);
          listings.taken();
        }
        bucket.clock.advance(pauseMs);
      }
      bucket.clock.advance(600_000);
      for (const path of await walk(listings)) known.add(path);
      deepStrictEqual([...known].sort(), [...bucket.names].sort());
    }),
    { numRuns: 60 },
  );
});

Deno.test("a watching consumer of a large bucket asks for its end, and at once for the whole where a file was rewritten under it", () =>
  ConsumeWorld.use(async (world) => {
    const event = (id: string) =>
      `{"user_id":"u","event_id":"${id}","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}`;
    const clock = new ManualClock(Date.now());
    const listed: (string | undefined)[] = [];
    const rewrites = new Set<string>();
    const rewrite = (path: string) => {
      if (rewrites.delete(path)) world.put(path.slice("raw/events/".length), event("rewritten") + "\n");
    };
    const distant = storeWith(world.store, {
      localPath: () => undefined,
      list: async function* (prefix, options) {
        listed.push(options?.after);
        for await (const { path } of world.store.list(prefix, options)) {
          yield { path, info: await world.store.stat(path) };
        }
        clock.advance(1_000);
      },
      read: async (path, ...rest) => (rewrite(path), await world.store.read(path, ...rest)),
      getFile: async (path, ...rest) => (rewrite(path), await world.store.getFile(path, ...rest)),
    });
    for (let i = 0; i < 600; i++) world.put(`${1_000 + i}.ndjson`, event(`${i}`));
    const zone = { ...world.options().zone, store: distant };
    const session = await ConsumeSession.open(world.options({ clock, zone }));
    const poll = () => session.runOnce(new AbortController().signal);
    try {
      await poll();
      world.put("2000.ndjson", event("new"));
      await poll();
      deepStrictEqual(listed, [undefined, "raw/events/1100.ndjson"]);
      rewrites.add("raw/events/2001.ndjson");
      world.put("2001.ndjson", event("old"));
      await poll();
      await poll();
      deepStrictEqual(listed.map((after) => after === undefined), [true, false, false, true]);
    } finally {
      session.close();
    }
    const [row] = await world.rows(
      "SELECT count(*)::INT AS n, count(*) FILTER (event_id = 'rewritten')::INT AS rewritten FROM {{bronze.events}}",
    );
    deepStrictEqual(row, { n: 602, rewritten: 1 });
  }));
