import { deepStrictEqual, rejects } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { seededRandom } from "../../core/base/random.ts";
import { type RawSample, sampleRecords } from "../../core/consume/raw_sample.ts";
import { storeWith } from "../support/store_with.ts";
import { ConsumeWorld } from "./consume_world.ts";

/** Of files of one record each, of which the store gives none that have that name. */
async function sampled(names: readonly string[], denied: RegExp): Promise<RawSample> {
  let sample: RawSample | undefined;
  await ConsumeWorld.use(async (world) => {
    for (const name of names) world.put(name, JSON.stringify([{ name }]));
    const { zone } = world.options();
    const { store } = zone;
    const readRange = async (path: string, offset: number, length: number) => {
      if (denied.test(path)) throw new StreamlabError("unavailable", `Cannot read ${path}: permission denied`);
      return await store.readRange(path, offset, length);
    };
    const zoned = { ...zone, store: storeWith(store, { readRange }) };
    const signal = new AbortController().signal;
    const random = seededRandom(1), temporaryFolder = world.folder;
    sample = await sampleRecords({ zone: zoned, signal, clock: systemClock, random, temporaryFolder });
  });
  return sample!;
}

Deno.test("a sample goes on past files that the store does not give", async () => {
  const { records, sampled: looked, unread } = await sampled(["a.json", "b.json", "c.json"], /b\.json/);
  deepStrictEqual(records, ['{"name":"a.json"}', '{"name":"c.json"}']);
  deepStrictEqual([looked, unread], [3, 1]);
});

Deno.test("where no file can be read, the sample says why, and not every file is tried", async () => {
  await rejects(sampled(["a.json"], /a\.json/), /a\.json: permission denied/);
  const names = Array.from({ length: 20 }, (_each, number) => `f${10 + number}.json`);
  await rejects(sampled(names, /f/), /f12\.json: permission denied/);
});
