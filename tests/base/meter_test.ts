import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { Meter } from "../../core/base/meter.ts";
import { ManualClock } from "../support/manual_clock.ts";

Deno.test("a meter adds up counts, and the time of each step, failed work included", async () => {
  const clock = new ManualClock();
  const meter = new Meter(clock);
  meter.count("files");
  meter.count("files", 2);
  meter.count("bytes", 500);
  await meter.time("read", () => clock.sleep(1_500));
  await meter.time("read", () => clock.sleep(250));
  await rejects(meter.time("write", () => clock.sleep(10).then(() => Promise.reject(new Error("full")))));
  const { counts, seconds, step } = meter.read();
  deepStrictEqual(counts, { files: 3, bytes: 500 });
  deepStrictEqual(seconds, { read: 1.75, write: 0.01 });
  strictEqual(step, undefined);
});

Deno.test("steps may overlap, and the one that was begun last is shown", async () => {
  const meter = new Meter(new ManualClock());
  const [outer, inner] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const timing = [meter.time("outer", () => outer.promise), meter.time("inner", () => inner.promise)];
  strictEqual(meter.read().step, "inner");
  inner.resolve();
  await timing[1];
  strictEqual(meter.read().step, "outer");
  outer.resolve();
  await timing[0];
  strictEqual(meter.read().step, undefined);
});

Deno.test("a reader is called at each change, and a reset begins anew", async () => {
  const clock = new ManualClock();
  const meter = new Meter(clock);
  const seen: unknown[] = [];
  meter.watch((changed) => seen.push(changed.read().counts.files ?? changed.read().step));
  meter.count("files");
  await meter.time("plan", () => Promise.resolve());
  await clock.sleep(7);
  meter.reset();
  await meter.time("route", () => Promise.resolve());
  deepStrictEqual(seen, [1, 1, "route"]);
  deepStrictEqual(meter.read(), { sinceMs: clock.nowMs(), counts: {}, seconds: { route: 0 }, step: undefined });
});
