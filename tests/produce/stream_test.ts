import { deepStrictEqual, notDeepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { seededRandom } from "../../core/base/random.ts";
import { CLEAN_CHANCES, DIRTY_CHANCES, type ProduceOptions } from "../../core/produce/options.ts";
import { fastUuid, uuidText } from "../../core/produce/uuid_text.ts";
import { zipfRanks } from "../../core/produce/zipf.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { collect, type Collected, optionsWith, START_MS, text } from "./collect.ts";

interface Event {
  user_id: string;
  event_id: string;
  event_timestamp: string;
  event_type: string;
  product_id?: string;
  properties: Record<string, string | number>;
}

/** The events of clean files, in order. */
function eventsOf({ files }: Collected): Event[] {
  return [...files.values()].flatMap((bytes) => JSON.parse(text(bytes)) as Event[]);
}

const everything: Partial<ProduceOptions> = { chances: { ...DIRTY_CHANCES, corruption: 0.5 }, evolveAfter: 3 };

for (const format of ["json", "ndjson", "parquet"] as const) {
  for (const compression of ["none", "gzip", "zstd"] as const) {
    Deno.test(`the same seed and start give the same bytes, names and truth: ${format}, ${compression}`, async () => {
      const options = optionsWith({ ...everything, format, compression });
      const first = await collect(options, { clock: new ManualClock(1), random: seededRandom(1) });
      const second = await collect(options, { clock: new ManualClock(5e12), random: seededRandom(2) });
      deepStrictEqual(second, first);
      notDeepStrictEqual((await collect({ ...options, seed: 8 })).files, first.files);
      notDeepStrictEqual((await collect({ ...options, startMs: START_MS + 1 })).files, first.files);
    });
  }
}

Deno.test("without a seed two runs differ, and their names hold the clock's time", async () => {
  const options = optionsWith({ seed: undefined, startMs: undefined });
  const run = (random: number) => collect(options, { clock: new ManualClock(START_MS), random: seededRandom(random) });
  const [first, second] = [await run(1), await run(2)];
  notDeepStrictEqual(eventsOf(first).map((event) => event.event_id), eventsOf(second).map((event) => event.event_id));
  const name = [...first.files.keys()][0]!;
  strictEqual(parseInt(name.replace("raw/events/", "").replace("-", "").slice(0, 12), 16), START_MS);
});

Deno.test("names are version 7 UUIDs that sort by time, also within a millisecond", async () => {
  const options = optionsWith({ batches: 300, batchSize: 1, startMs: undefined, seed: undefined });
  for (const clock of [new ManualClock(), new ManualClock(Date.UTC(2026, 2, 1) + 0.5)]) {
    const names = [...(await collect(options, { clock })).files.keys()];
    deepStrictEqual(names, [...names].sort());
    strictEqual(new Set(names).size, 300);
    const pattern = /^raw\/events\/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.json$/;
    ok(names.every((name) => pattern.test(name)));
  }
});

Deno.test("event ids are version 4 UUIDs and differ", () => {
  const random = seededRandom(1);
  const ids = Array.from({ length: 20_000 }, () => uuidText(fastUuid(random)));
  strictEqual(new Set(ids).size, ids.length);
  ok(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)));
  // Every hexadecimal digit turns up at every free place about equally often.
  for (let place = 0; place < 36; place++) {
    if ([8, 13, 14, 18, 19, 23].includes(place)) continue;
    const counts = new Map<string, number>();
    for (const id of ids) counts.set(id[place]!, (counts.get(id[place]!) ?? 0) + 1);
    ok([...counts.values()].every((count) => count > 1_050 && count < 1_450), `place ${place}`);
  }
});

Deno.test("ranks follow Zipf's law: rank r comes 1 / (r + 1) as often as rank 0", () => {
  for (const count of [1, 2, 10, 1000]) {
    const rank = zipfRanks(count, seededRandom(4));
    const seen = new Array<number>(count).fill(0);
    const draws = 200_000;
    for (let draw = 0; draw < draws; draw++) seen[rank()]!++;
    const harmonic = seen.reduce((sum, _, index) => sum + 1 / (index + 1), 0);
    for (const [index, times] of seen.slice(0, 10).entries()) {
      const wanted = draws / harmonic / (index + 1);
      ok(Math.abs(times - wanted) < 6 * Math.sqrt(wanted), `rank ${index} of ${count}: ${times} for ${wanted}`);
    }
  }
});

Deno.test("events are shared among users by Zipf's law, though a user comes for a whole session", async () => {
  const events = eventsOf(await collect(optionsWith({ batches: 20, batchSize: 5_000, users: 1000 })));
  const counts = new Map<string, number>();
  for (const { user_id } of events) counts.set(user_id, (counts.get(user_id) ?? 0) + 1);
  const sorted = [...counts.values()].sort((left, right) => right - left);
  const top = sorted[0]! / events.length;
  ok(top > 0.115 && top < 0.152, `the busiest user has ${top}, Zipf gives 0.134`);
  // log(count) falls with log(rank) by a slope of -1.
  const slope = Math.log(sorted[49]! / sorted[0]!) / Math.log(50);
  ok(slope < -0.85 && slope > -1.15, `slope ${slope}`);
  ok(counts.size > 950);
});

Deno.test("sessions go from view to cart to purchase, and amounts fit", async () => {
  const events = eventsOf(await collect(optionsWith({ batches: 10, batchSize: 1_000 })));
  const state = new Map<string, { viewed: boolean; cart?: Event }>();
  const kinds = new Map<string, number>();
  for (const event of events) {
    kinds.set(event.event_type, (kinds.get(event.event_type) ?? 0) + 1);
    const user = state.get(event.user_id) ?? { viewed: false };
    state.set(event.user_id, user);
    if (event.event_type === "page_view") {
      deepStrictEqual(Object.keys(event.properties), ["url", "user_agent"]);
      strictEqual(event.product_id, undefined);
      user.viewed = String(event.properties.url).includes("/products/");
      delete user.cart;
    } else if (event.event_type === "add_to_cart") {
      ok(user.viewed, "carted without a look");
      user.cart = event;
    } else {
      deepStrictEqual(Object.keys(event.properties), ["amount", "currency"]);
      strictEqual(typeof event.properties.amount, "number");
      strictEqual(event.product_id, user.cart?.product_id);
      state.delete(event.user_id);
    }
  }
  ok((kinds.get("purchase") ?? 0) > 1_000, JSON.stringify([...kinds]));
  ok((kinds.get("page_view") ?? 0) > 4_000);
});

Deno.test("users stay for a while: even a few events among many users hold purchases", async () => {
  const events = eventsOf(await collect(optionsWith({ batches: 10, batchSize: 10, users: 100_000 })));
  ok(events.some(({ event_type }) => event_type === "purchase"));
});

Deno.test("a stream starts at --start and is spaced by its pace, whatever the machine's clock says", async () => {
  const pace = { kind: "rate", eventsPerSecond: 10 } as const;
  const events = eventsOf(await collect(optionsWith({ pace }), { clock: new ManualClock(0) }));
  for (const [index, event] of events.entries()) {
    const ms = Date.parse(event.event_timestamp) - START_MS;
    ok(ms >= index * 100 && ms < (index + 1) * 100, `${index}: ${ms}`);
    ok(event.event_timestamp.endsWith("+00:00"));
  }
});

Deno.test("without --start the events of a file happened since the file before, never in the future", async () => {
  const clock = new ManualClock(START_MS);
  const options = optionsWith({ startMs: undefined, pace: { kind: "interval", intervalMs: 3_000 } });
  const events = eventsOf(await collect(options, { clock }));
  for (const [index, event] of events.entries()) {
    const file = Math.floor(index / 20);
    const ms = Date.parse(event.event_timestamp) - START_MS;
    ok(ms >= (file - 1) * 3_000 && ms <= file * 3_000, `${index}: ${ms}`);
  }
});

Deno.test("late events lie back by seconds to days, the others come in order", async () => {
  const run = await collect(optionsWith({ batchSize: 400, chances: { ...CLEAN_CHANCES, late: 0.3 } }));
  const clean = eventsOf(await collect(optionsWith({ batchSize: 400 })));
  strictEqual(clean.length, 2_000);
  const lateness = run.truth.flatMap(({ records }) => records.map(({ late_ms }) => late_ms ?? 0));
  const times = eventsOf(run).map((event, index) => Date.parse(event.event_timestamp) + lateness[index]!);
  deepStrictEqual(times, [...times].sort((left, right) => left - right));
  const late = lateness.filter((ms) => ms > 0);
  ok(late.some((ms) => ms < 600_000) && late.some((ms) => ms > 86_400_000) && Math.max(...late) <= 3 * 86_400_000);
});

Deno.test("duplicates are exact, within a file and across files, and truth says of what", async () => {
  const chances = { corruption: 0.2, invalidSchema: 0.1, extraFields: 0.1, duplicate: 0.3, late: 0.1 };
  for (const format of ["json", "ndjson"] as const) {
    const { files, truth } = await collect(optionsWith({ batches: 60, format, chances }));
    const records = new Map(
      truth.filter(({ corrupted }) => corrupted === null).map(({ file }) => {
        const lines = text(withoutBadBytes(files.get(file)!)).trimEnd().split("\n");
        return [file, lines.map((line) => line.replace(/^\[/, "").replace(/[,\]]$/, ""))];
      }),
    );
    let within = 0, across = 0;
    for (const line of truth) {
      for (const { position, duplicate_of, disposition } of line.records) {
        if (duplicate_of === undefined || disposition === "corrupted_record") continue;
        strictEqual(records.get(line.file)![position], records.get(duplicate_of.file)![duplicate_of.position]);
        if (duplicate_of.file === line.file) within++;
        else across++;
        const original = truth.find(({ file }) => file === duplicate_of.file)!.records[duplicate_of.position]!;
        deepStrictEqual([original.disposition, original.duplicate_of], [disposition, undefined]);
      }
    }
    ok(within > 50 && across > 50, `${within} within, ${across} across`);
  }
});

/** 0xFF is what `invalid_utf8` leaves in a line. */
function withoutBadBytes(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => byte === 0xff ? 0x3f : byte);
}

Deno.test("without duplicates every event id is seen once", async () => {
  const ids = eventsOf(await collect(optionsWith({ batches: 20, batchSize: 100 }))).map((event) => event.event_id);
  strictEqual(new Set(ids).size, 2_000);
});
