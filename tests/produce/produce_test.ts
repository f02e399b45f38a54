import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { isKind } from "../../core/base/errors.ts";
import { Pacer } from "../../core/produce/pacer.ts";
import type { Pace } from "../../core/produce/options.ts";
import { produce } from "../../core/produce/produce.ts";
import { seededRandom } from "../../core/base/random.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { collect, optionsWith, START_MS, text } from "./collect.ts";

/** Starts of `files` files that each take `workMs`, since the first. */
async function starts(pace: Pace, batchSize: number, files: number, workMs: (file: number) => number) {
  const clock = new ManualClock();
  const beganMs = clock.nowMs();
  const pacer = new Pacer(pace, batchSize, clock);
  const times: number[] = [];
  for (let file = 0; file < files; file++) {
    await pacer.turn(undefined);
    times.push(clock.nowMs() - beganMs);
    clock.advance(workMs(file));
  }
  return times;
}

Deno.test("an interval runs from start to start, the work within it", async () => {
  const pace: Pace = { kind: "interval", intervalMs: 3_000 };
  deepStrictEqual(await starts(pace, 10, 4, () => 500), [0, 3_000, 6_000, 9_000]);
});

Deno.test("work longer than the interval goes on at once, and missed turns are not made up for", async () => {
  const pace: Pace = { kind: "interval", intervalMs: 1_000 };
  deepStrictEqual(await starts(pace, 10, 5, (file) => file === 1 ? 10_000 : 0), [0, 1_000, 11_000, 12_000, 13_000]);
});

Deno.test("a rate is kept on average over a short stall", async () => {
  const pace: Pace = { kind: "rate", eventsPerSecond: 100 };
  const times = await starts(pace, 10, 11, (file) => file === 2 ? 350 : 1);
  strictEqual(times.at(-1), 1_000);
});

Deno.test("a rate makes up for no more than a second", async () => {
  const pace: Pace = { kind: "rate", eventsPerSecond: 10 };
  const times = await starts(pace, 10, 6, (file) => file === 0 ? 60_000 : 0);
  deepStrictEqual(times, [0, 60_000, 60_000, 61_000, 62_000, 63_000]);
});

Deno.test("an interval of 0 never sleeps", async () => {
  const clock = new ManualClock();
  await collect(optionsWith(), { clock });
  deepStrictEqual(clock.sleeps, []);
});

Deno.test("once stopped, the file under way is finished, with its truth, and no other begun", async () => {
  const stop = new AbortController();
  const written: string[] = [], truth: string[] = [];
  const isComplete = await produce(optionsWith({ batches: undefined }), {
    clock: new ManualClock(),
    random: seededRandom(1),
    signal: stop.signal,
    truth: { append: (line) => Promise.resolve(void truth.push(Array.from(line, text).join(""))) },
    sink: {
      name: "memory",
      has: () => Promise.resolve(false),
      create(path) {
        if (written.push(path) === 3) stop.abort();
        return Promise.resolve(written.length < 10);
      },
    },
  });
  strictEqual(isComplete, false);
  deepStrictEqual(truth.map((line) => (JSON.parse(line) as { file: string }).file), written);
  // The fourth was being made while the third was written.
  strictEqual(written.length, 4);
});

Deno.test("a stop during the pause ends it", async () => {
  const stop = new AbortController();
  const clock = new ManualClock();
  const sleep = clock.sleep.bind(clock);
  clock.sleep = (ms, signal) => {
    stop.abort();
    return sleep(ms, signal);
  };
  const options = optionsWith({ batches: undefined, pace: { kind: "interval", intervalMs: 3_000 } });
  strictEqual((await collect(options, { clock, signal: stop.signal })).files.size, 1);
  deepStrictEqual(clock.sleeps, []);
});

Deno.test("truth is told before its file appears, so a crash leaves no file without it", async () => {
  const order: string[] = [];
  await produce(optionsWith({ batches: 2 }), {
    clock: new ManualClock(),
    random: seededRandom(1),
    truth: { append: () => Promise.resolve(void order.push("truth")) },
    sink: {
      name: "memory",
      has: () => Promise.resolve(false),
      create: () => Promise.resolve(order.push("file") > 0),
    },
  });
  deepStrictEqual(order, ["truth", "file", "truth", "file"]);
});

Deno.test("a file is made while the one before is written, and written after it", async () => {
  const clock = new ManualClock();
  const nextIsBegun = Promise.withResolvers<void>();
  let made = 0;
  clock.nowMs = () => {
    if (++made === 3) nextIsBegun.resolve(); // the first reading is the beginning of all
    return START_MS + made;
  };
  const steps: string[] = [];
  await produce(optionsWith({ batches: 2, startMs: undefined }), {
    clock,
    random: seededRandom(1),
    sink: {
      name: "memory",
      has: () => Promise.resolve(false),
      async create() {
        steps.push("begun");
        await nextIsBegun.promise;
        steps.push("written");
        return true;
      },
    },
  });
  deepStrictEqual(steps, ["begun", "written", "begun", "written"]);
});

Deno.test("a sink that takes several files at once gets them so, told in order, and none overwrites another", async () => {
  const parallelMax = 4, begun: string[] = [], reported: string[] = [];
  const release = Promise.withResolvers<void>();
  const written = new Map<string, Uint8Array>();
  await produce(optionsWith({ batches: 6 }), {
    clock: new ManualClock(),
    random: seededRandom(1),
    sink: {
      name: "memory",
      parallelMax,
      has: () => Promise.resolve(false),
      async create(path, bytes) {
        begun.push(path);
        if (begun.length === parallelMax - 1) release.resolve();
        await release.promise;
        // The first to come is the last to be done.
        for (let turn = begun.length === parallelMax - 1 ? 0 : 50; turn > 0; turn--) await Promise.resolve();
        written.set(path, bytes.slice());
        return true;
      },
    },
    onFile: ({ file }) => Promise.resolve(void reported.push(file)),
  });
  const { files } = await collect(optionsWith({ batches: 6 }));
  deepStrictEqual(reported, [...files.keys()]);
  for (const [path, bytes] of files) deepStrictEqual(written.get(path), bytes);
});

Deno.test("a name that is taken is a conflict, and truth says nothing of it", async () => {
  const { files } = await collect(optionsWith());
  const taken = [...files.keys()][0]!;
  const truth: string[] = [];
  const run = (sink: { has: boolean; create: boolean }) =>
    produce(optionsWith(), {
      clock: new ManualClock(),
      random: seededRandom(1),
      truth: { append: (line) => Promise.resolve(void truth.push(...Array.from(line, text))) },
      sink: { name: "/lake", has: () => Promise.resolve(sink.has), create: () => Promise.resolve(sink.create) },
    });
  const isConflict = (error: unknown) => isKind(error, "conflict") && error.message.includes(`${taken} to /lake`);
  await rejects(run({ has: true, create: true }), isConflict);
  deepStrictEqual(truth, []);
  // Somebody else made it in between.
  await rejects(run({ has: false, create: false }), isConflict);
});

Deno.test("a file larger than the first buffer is whole", async () => {
  const { files, truth } = await collect(optionsWith({ batches: 1, batchSize: 12_000 }));
  const [bytes] = [...files.values()];
  ok(bytes!.length > 3e6);
  strictEqual((JSON.parse(new TextDecoder().decode(bytes)) as unknown[]).length, 12_000);
  strictEqual(truth[0]!.records.length, 12_000);
});
