import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { mapParallel } from "../../../core/base/parallel.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { CachedStore } from "../../../core/storage/cache/cached_store.ts";
import { ObjectCache } from "../../../core/storage/cache/object_cache.ts";
import { ManualClock } from "../../support/manual_clock.ts";
import { SimulatedDisk } from "../../support/simulated_disk.ts";
import { bytes, text } from "../conformance_case.ts";

async function inFolder(action: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-cache-" });
  try {
    await action(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const makeCache = (folder: string, bytesMax: number, clock: ManualClock, seed = 1) =>
  new ObjectCache({ folder: `${folder}/objects`, bytesMax, clock, random: seededRandom(seed) });

Deno.test("a cache stays within its bytes and keeps what was used last", () =>
  inFolder(async (folder) => {
    const clock = new ManualClock();
    const cache = makeCache(folder, 10_000, clock);
    for (let i = 0; i < 50; i++) {
      await clock.sleep(10_000);
      await cache.add(`x${i}`, new Uint8Array(1_000).fill(i));
      await cache.read("x0");
    }
    const sizes = [...Deno.readDirSync(`${folder}/objects`)].map(({ name }) =>
      Deno.statSync(`${folder}/objects/${name}`).size
    );
    ok(sizes.reduce((sum, size) => sum + size, 0) <= 11_000, String(sizes.length));
    strictEqual((await cache.read("x0"))?.length, 1_000);
    strictEqual((await cache.read("x49"))?.[0], 49);
    strictEqual(await cache.read("x1"), undefined);
  }));

Deno.test("several users of one folder see whole entries or none", () =>
  inFolder(async (folder) => {
    const clock = new ManualClock();
    const caches = [1, 2, 3].map((seed) => makeCache(folder, 60_000, clock, seed));
    const content = (i: number) => new Uint8Array(5_000 + i).fill(i);
    await mapParallel(Array.from({ length: 300 }, (_, i) => i), 12, async (step) => {
      const cache = caches[step % 3]!, i = step % 20;
      const found = await cache.read(`x${i}`);
      if (found !== undefined) deepStrictEqual(found, content(i));
      else await cache.add(`x${i}`, content(i));
      const copy = `${folder}/copy-${step}`;
      if (await cache.copyTo(`x${i}`, copy)) deepStrictEqual(await Deno.readFile(copy), content(i));
    });
    deepStrictEqual([...Deno.readDirSync(`${folder}/objects`)].filter(({ name }) => name.startsWith("tmp-")), []);
  }));

Deno.test("a cache whose folder cannot be made has nothing, and nobody minds", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/objects`, "");
    const cache = makeCache(folder, 1_000, new ManualClock());
    await cache.add("x", bytes("content"));
    strictEqual(await cache.read("x"), undefined);
    strictEqual(await cache.copyTo("x", `${folder}/copy`), false);
  }));

Deno.test("a cached store asks once for what never changes, and again for what does", () =>
  inFolder(async (folder) => {
    const store = new SimulatedDisk().connect();
    const cached = new CachedStore(store, makeCache(folder, 1e6, new ManualClock()), "here");
    await store.write("t/metadata/a-m0.avro", bytes("manifest"));
    await store.write("t/metadata/version-hint.text", bytes("1"));
    for (let i = 0; i < 2; i++) strictEqual(text(await cached.read("t/metadata/a-m0.avro")), "manifest");
    await store.deletePaths(["t/metadata/a-m0.avro"]);
    strictEqual(text(await cached.read("t/metadata/a-m0.avro")), "manifest");
    await cached.getFile("t/metadata/a-m0.avro", `${folder}/copy`);
    strictEqual(await Deno.readTextFile(`${folder}/copy`), "manifest");
    strictEqual(text(await cached.read("t/metadata/version-hint.text")), "1");
    await store.write("t/metadata/version-hint.text", bytes("2"));
    strictEqual(text(await cached.read("t/metadata/version-hint.text")), "2");
    const elsewhere = new CachedStore(store, makeCache(folder, 1e6, new ManualClock()), "there");
    strictEqual(await elsewhere.read("t/metadata/a-m0.avro").then(text, () => "none"), "none");
  }));
