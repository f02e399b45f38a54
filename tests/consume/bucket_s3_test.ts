import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { isKind, messageOf } from "../../core/base/errors.ts";
import { mapParallel } from "../../core/base/parallel.ts";
import { seededRandom } from "../../core/base/random.ts";
import type { RawZone } from "../../core/lake/raw_zone.ts";
import { ConsumeSession } from "../../core/consume/consume_session.ts";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { removeLeftovers } from "../../core/maintain/removal/leftovers.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import type { Store } from "../../core/storage/store.ts";
import { type DecideFault, proxyFaultsBySeed } from "../support/fault_proxy.ts";
import { unnamedFiles } from "../support/unnamed_files.ts";
import { s3Test } from "../support/s3_servers.ts";
import { storeWith } from "../support/store_with.ts";
import { type S3World, startS3World } from "../storage/s3/s3_world.ts";
import { ConsumeWorld } from "./consume_world.ts";

let s3: S3World;
Deno.test.beforeAll(async () => {
  s3 = (await startS3World())!;
});
Deno.test.afterAll(() => s3?.stop());

const TABLES = ["bronze.events", "dead_letters.events", "ingest.files"];
/** Events of each file; every file has one more record, which is none. */
const EVENTS = 5;

const zoneOf = (store: Store): RawZone => ({ store, prefix: "raw/events/", nameBase: "", format: undefined });

function fileText(name: string): string {
  const events = Array.from({ length: EVENTS }, (_, i) => ({
    user_id: "u",
    event_id: `${name}-${i}`,
    event_type: "view",
    event_timestamp: "2026-03-01T00:00:00Z",
  }));
  return JSON.stringify([...events, { user_id: 7 }]);
}

async function putFiles(store: Store, names: readonly string[], padding = 0): Promise<void> {
  const encoder = new TextEncoder();
  await mapParallel(names, 16, (name) => {
    return store.write(`raw/events/${name}.json`, encoder.encode(fileText(name) + " ".repeat(padding)));
  });
}

const namesFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => `f${String(first + i).padStart(5, "0")}`);

/** The proxy's behaviour for as long as `action` takes. */
async function through<T>(decide: DecideFault, action: () => Promise<T>): Promise<T> {
  s3.proxy.decide = decide;
  try {
    return await action();
  } finally {
    s3.proxy.decide = undefined;
  }
}

interface Counts {
  events: number;
  letters: number;
  files: number;
}

/** What the tables say by themselves, in numbers of their snapshots. */
async function countsOf(store: Store): Promise<Counts> {
  const catalog = new FileCatalog({ store, clock: systemClock, random: seededRandom(9) });
  const [events, letters, files] = await Promise.all(TABLES.map(async (name) => {
    const { metadata } = (await catalog.loadTable(parseIdentifier(name)))!;
    const current = metadata.snapshots.find(({ snapshotId }) => snapshotId === metadata.currentSnapshotId);
    return Number(current?.summary?.["total-records"] ?? 0);
  }));
  return { events: events!, letters: letters!, files: files! };
}

s3Test(
  "what landed in a bucket is ingested once, each object by one request, many at a time",
  () =>
    ConsumeWorld.use(async (world) => {
      const store = await s3.open();
      await putFiles(store, namesFrom(0, 300));
      const sent = s3.proxy.requests.length;
      // No answer before a hundred have asked: fewer at once would all be too late.
      let asking = 0;
      const hundred = Promise.withResolvers<void>();
      const gathering: DecideFault = async ({ target }) => {
        if (!target.includes("/raw/events/f")) return undefined;
        if (++asking === 100) hundred.resolve();
        await hundred.promise;
        return undefined;
      };
      await through(gathering, () => world.consume({ sink: store, zone: zoneOf(store) }));
      const raw = s3.proxy.requests.slice(sent).filter(({ target }) => target.includes("/raw/events/f"));
      strictEqual(raw.length, 300);
      deepStrictEqual(await countsOf(store), { events: 300 * EVENTS, letters: 300, files: 300 });
      await world.consume({ sink: store, zone: zoneOf(store) });
      strictEqual(world.batches.length, 1);
    }),
);

s3Test(
  "while the tables of a first run are made its objects come already, and none twice",
  () =>
    ConsumeWorld.use(async (world) => {
      const store = await s3.open();
      await putFiles(store, namesFrom(0, 40));
      const sent = s3.proxy.requests.length;
      const delayed: DecideFault = () => ({ do: "delay", ms: 30 });
      await through(delayed, () => world.consume({ sink: store, zone: zoneOf(store), maxFilesPerBatch: 30 }));
      const targets = s3.proxy.requests.slice(sent).map(({ target }) => target);
      const made = targets.findIndex((target) => target.includes("/ingest/files/metadata/v1.metadata.json"));
      const early = targets.slice(0, made).filter((target) => target.includes("/raw/events/f")).length;
      const all = targets.filter((target) => target.includes("/raw/events/f")).length;
      ok(early > 0, `${early} came early`);
      strictEqual(all, 40);
      deepStrictEqual(await countsOf(store), { events: 40 * EVENTS, letters: 40, files: 40 });
    }),
);

s3Test(
  "a warm commit takes at most six requests one after another for each table",
  () =>
    ConsumeWorld.use(async (world) => {
      const store = await s3.open();
      const session = await ConsumeSession.open(world.options({ sink: store, zone: zoneOf(store) }));
      try {
        for (let turn = 0; turn < 3; turn++) {
          await putFiles(store, namesFrom(turn, 1));
          const sent = s3.proxy.requests.length;
          await session.runOnce(new AbortController().signal);
          const requests = s3.proxy.requests.slice(sent).map(({ method, target }) => `${method} ${target}`);
          if (turn === 0) continue;
          const routed = requests.findIndex((text) => text.startsWith("PUT") && text.includes(".routed.json"));
          for (const folder of ["bronze/events", "dead_letters/events", "ingest/files"]) {
            const own = requests.slice(routed + 1).filter((text) => decodeURIComponent(text).includes(folder));
            // Manifest and manifest list are written at the same time.
            const oneAfterAnother = own.length - own.filter((text) => /PUT .*-m\d+\.avro/.test(text)).length;
            ok(own.length > 0 && oneAfterAnother <= 6 + (folder === "ingest/files" ? 2 : 0), own.join("\n"));
          }
        }
      } finally {
        session.close();
      }
    }),
);

s3Test(
  "while a batch is worked on, the objects of the next one come already",
  () =>
    ConsumeWorld.use(async (world) => {
      const store = await s3.open();
      await putFiles(store, namesFrom(0, 40));
      const order: string[] = [];
      const watching: DecideFault = ({ method, target }) => {
        if (method === "GET" && target.includes("/raw/events/f")) order.push("object");
        if (method === "PUT" && target.includes(".routed.json")) order.push("routed");
        return undefined;
      };
      await through(watching, () => world.consume({ sink: store, zone: zoneOf(store), maxFilesPerBatch: 20 }));
      deepStrictEqual(world.batches.map(({ files }) => files), [20, 20]);
      strictEqual(order.filter((step) => step === "object").length, 40);
      ok(order.indexOf("routed") > 20, order.join(" "));
      deepStrictEqual(await countsOf(store), { events: 40 * EVENTS, letters: 40, files: 40 });
    }),
);

for (const [size, padding] of [["small", 0], ["large", 300_000]] as const) {
  s3Test(
    `a ${size} object that is replaced or deleted between plan and read is reported, never half-read`,
    () =>
      ConsumeWorld.use(async (world) => {
        const store = await s3.open();
        const other = await s3.open({ bucket: store.root.split("/")[2]! });
        await putFiles(store, namesFrom(0, 4), padding);
        let meddled: Promise<unknown> | undefined;
        const meddle = () =>
          meddled ??= Promise.all([
            other.write("raw/events/f00001.json", new TextEncoder().encode(fileText("new"))),
            other.deletePaths(["raw/events/f00002.json"]),
          ]);
        const meddling = storeWith(store, {
          read: async (...args) => (await meddle(), await store.read(...args)),
          getFile: async (...args) => (await meddle(), await store.getFile(...args)),
        });
        const options = { sink: store, zone: { ...zoneOf(store), store: meddling } };
        await world.consume(options);
        const [first] = world.batches;
        deepStrictEqual([first!.files, first!.changed, first!.vanished], [2, 1, 1]);
        // The new content counts as a file that nobody has taken yet.
        await world.consume(options);
        deepStrictEqual(await countsOf(store), { events: 3 * EVENTS, letters: 3, files: 5 });
      }),
  );
}

s3Test(
  "through a network that fails one request in ten, every event is taken once",
  () =>
    ConsumeWorld.use(async (world) => {
      for (const seed of [1, 2, 3]) {
        const store = await s3.open();
        await putFiles(store, namesFrom(0, 30));
        await through(proxyFaultsBySeed(seed, 0.1), async () => {
          for (let run = 0; run < 10; run++) {
            try {
              await world.consume({ sink: store, zone: zoneOf(store), maxFilesPerBatch: 12 });
              return;
            } catch (error) {
              ok(isKind(error, "unavailable"), `seed ${seed}: ${messageOf(error)}`);
              ok(/s3:\/\/[\w-]+\/|commit/.test(error.message), error.message);
            }
          }
        });
        await world.consume({ sink: store, zone: zoneOf(store) });
        deepStrictEqual(await countsOf(store), { events: 30 * EVENTS, letters: 30, files: 30 }, `seed ${seed}`);
      }
    }),
);

s3Test(
  "a consumer that dies at any request leaves nothing that one more run and upkeep do not put right",
  () =>
    ConsumeWorld.use(async (world) => {
      for (let point = 0, step = 4, isOver = false; !isOver; point += step) {
        const store = await s3.open({ limits: { transient: { attemptsMax: 1, delayMsMin: 1, delayMsMax: 1 } } });
        await putFiles(store, namesFrom(0, 3));
        let seen = 0;
        const dying: DecideFault = () =>
          seen++ < point ? undefined : { do: "cut", when: seen === point + 1 && point % 8 === 4 ? "after" : "before" };
        isOver = await through(dying, () =>
          world.consume({ sink: store, zone: zoneOf(store), maxFilesPerBatch: 2 })
            .then(() => true, () => false));
        await world.consume({ sink: store, zone: zoneOf(store) });
        deepStrictEqual(await countsOf(store), { events: 3 * EVENTS, letters: 3, files: 3 }, `cut at ${point}`);
        const random = seededRandom(point);
        const catalog = new FileCatalog({ store, clock: systemClock, random });
        const around = { store, catalog, random, clock: systemClock };
        for (const name of TABLES) {
          const table = (await catalog.loadTable(parseIdentifier(name)))!;
          await removeOrphans(around, table, { olderThanMs: 0, dryRun: false });
        }
        await removeLeftovers(around, { olderThanMs: 0, dryRun: false });
        deepStrictEqual(await unnamedFiles(store), [], `cut at ${point}`);
      }
    }),
);
