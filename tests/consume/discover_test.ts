import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { seededRandom } from "../../core/base/random.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { systemClock } from "../../core/base/clock.ts";
import { discoverFiles, type RawListing } from "../../core/consume/discover.ts";
import { OwnFiles } from "../../core/consume/own_files.ts";
import { type RawZone } from "../../core/lake/raw_zone.ts";
import type { EventFile } from "../../core/lake/event_file.ts";
import type { KnownFiles } from "../../core/consume/known_files.ts";
import { RawListings } from "../../core/consume/raw_listings.ts";
import type { ListedFile, ListOptions, Store } from "../../core/storage/store.ts";

const nameOf = (number: number) => `raw/events/${String(number).padStart(7, "0")}.json`;

/** A bucket of so many objects; notes how far its listing was read. */
function zoneOf(count: number): { zone: RawZone; listed: () => number } {
  let listed = 0;
  async function* list(): AsyncGenerator<ListedFile> {
    for (; listed < count; listed++) {
      const path = nameOf(listed);
      yield { path, info: { path, size: 1, etag: "e", modifiedMs: 0 } };
    }
  }
  const store = { list, localPath: () => undefined } as unknown as Store;
  return { zone: { store, prefix: "raw/events/", nameBase: "", format: undefined }, listed: () => listed };
}

const ownOf = (zone: RawZone) => new OwnFiles(zone, zone.store);
const beginListing = (zone: RawZone): RawListing | undefined => new RawListings(zone, systemClock).begin();

/**
 * A ledger that has all names but every thousandth; notes how many files it is asked about at once.
 */
function knownNames(): { known: KnownFiles; portions: number[] } {
  const portions: number[] = [];
  const isFresh = ({ name }: EventFile) => Number(name.slice(-12, -5)) % 1_000 === 0;
  const known = {
    unknownNames: () => Promise.resolve(new Set()),
    classify: (files: readonly EventFile[]) => {
      portions.push(files.length);
      return Promise.resolve({ fresh: files.filter(isFresh), changed: [] });
    },
  } as unknown as KnownFiles;
  return { known, portions };
}

Deno.test("a bucket of any number of objects is compared with the ledger portion by portion, and what is new is told meanwhile", async () => {
  const count = 300_000;
  const { zone } = zoneOf(count);
  const { known, portions } = knownNames();
  const told: number[] = [];
  const onFresh = (files: readonly EventFile[]) => void told.push(files.length);
  const options = { changedAsNew: false, checksKnown: true, listing: beginListing(zone), onFresh, own: ownOf(zone) };
  const { fresh } = await discoverFiles(zone, known, options);
  deepStrictEqual(fresh.map(({ name }) => name), Array.from({ length: 300 }, (_, index) => nameOf(index * 1_000)));
  strictEqual(portions.reduce((sum, portion) => sum + portion), count);
  ok(Math.max(...portions) <= 65_536 && portions[0]! <= 1_000, portions.join());
  deepStrictEqual([told[0], told.at(-1)], [1, 300]);
});

Deno.test("a listing that nobody takes up yet stops for a while, and loses nothing", async () => {
  const { zone, listed } = zoneOf(50_000);
  const listing = beginListing(zone);
  for (let turn = 0; turn < 200_000; turn++) await Promise.resolve();
  ok(listed() <= 20_000, String(listed()));
  const { known } = knownNames();
  const { fresh } = await discoverFiles(zone, known, {
    changedAsNew: false,
    checksKnown: true,
    listing,
    own: ownOf(zone),
  });
  strictEqual(fresh.length, 50);
});

Deno.test("an object whose key is no path is told once, and stops nothing, wherever it stands in the listing", async () => {
  const wrong = (path: string) => ({ path, why: "its key is no path", isFolder: false }) as const;
  async function* list(_prefix: string, { onPassedOver }: ListOptions = {}): AsyncGenerator<ListedFile> {
    onPassedOver?.(wrong("raw/events//0.json"));
    for (const path of [nameOf(0), nameOf(1_000)]) yield { path, info: { path, size: 1, etag: "e", modifiedMs: 0 } };
    onPassedOver?.(wrong("raw/events/z//1.json"));
    onPassedOver?.(wrong("raw/events/z//1.txt"));
  }
  const zone = { ...zoneOf(0).zone, store: { list, localPath: () => undefined } as unknown as Store };
  const options = { changedAsNew: false, checksKnown: true, listing: beginListing(zone), own: ownOf(zone) };
  const { fresh, unreadable } = await discoverFiles(zone, knownNames().known, options);
  deepStrictEqual(fresh.map(({ name }) => name), [nameOf(0), nameOf(1_000)]);
  deepStrictEqual(
    unreadable,
    ["raw/events//0.json", "raw/events/z//1.json"].map((name) => ({
      name,
      reason: "its key is no path",
    })),
  );
});

Deno.test("in a bucket the lake's own files are known by their keys", () => {
  const bucket = (root: string) => ({ root, localPath: () => undefined }) as unknown as Store;
  const zone = (root: string, prefix = ""): RawZone => ({
    store: bucket(root),
    prefix,
    nameBase: "",
    format: undefined,
  });
  const own = new OwnFiles(zone("s3://b"), bucket("s3://b/lake"));
  const held = ["lake/warehouse/t/ev/data/1.parquet", "lake/checkpoints/t.ev/1.plan.json"];
  const free = ["lake/raw/events/1.json", "lake2/warehouse/1.json", "warehouse/1.json", "lake/warehouse-old/1.json"];
  deepStrictEqual([...held, ...free].filter((path) => own.holds(path)), held);
  own.checkZone();
  throws(
    () => new OwnFiles(zone("s3://b/lake", "checkpoints/"), bucket("s3://b/lake")).checkZone(),
    /its own files there/,
  );
  const elsewhere = new OwnFiles(zone("s3://b"), openLocalStore("/b", { random: seededRandom(1) }));
  deepStrictEqual(held.filter((path) => elsewhere.holds(path)), []);
});
