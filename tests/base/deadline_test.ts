import { rejects, strictEqual } from "node:assert/strict";
import type { Clock } from "../../core/base/clock.ts";
import { DeadlineError, withDeadline } from "../../core/base/deadline.ts";

/** A clock whose sleepers are woken by hand, or by their signal. */
function handClock(): { clock: Clock; wake: () => void } {
  const sleepers: (() => void)[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    sleep: (_ms, signal) =>
      new Promise((resolve) => {
        sleepers.push(resolve);
        signal?.addEventListener("abort", () => resolve());
      }),
  };
  return { clock, wake: () => sleepers.splice(0).forEach((wake) => wake()) };
}

Deno.test("what ends in time is returned, and its signal stays as it is", async () => {
  const { clock, wake } = handClock();
  let seen: AbortSignal | undefined;
  const result = await withDeadline(clock, 1000, (signal) => {
    seen = signal;
    return Promise.resolve(7);
  });
  wake();
  await Promise.resolve();
  strictEqual(result, 7);
  strictEqual(seen?.aborted, false);
});

Deno.test("what is to stop ends with the reason for it, whether it listens or not", async () => {
  const { clock } = handClock();
  const stop = new AbortController();
  let seen: AbortSignal | undefined;
  const late = withDeadline(clock, 1000, (signal) => {
    seen = signal;
    return new Promise<never>(() => {});
  }, stop.signal);
  stop.abort(new Error("enough"));
  await rejects(late, /^Error: enough$/);
  strictEqual(seen?.aborted, true);
  await rejects(withDeadline(clock, 1000, () => Promise.resolve(7), stop.signal), /^Error: enough$/);
});

Deno.test("what takes too long is aborted, whether it listens or not", async () => {
  const { clock, wake } = handClock();
  let seen: AbortSignal | undefined;
  const late = withDeadline(clock, 1000, (signal) => {
    seen = signal;
    return new Promise<never>(() => {});
  });
  wake();
  await rejects(late, DeadlineError);
  strictEqual(seen?.aborted, true);
});

Deno.test("an error of the action itself comes through", async () => {
  await rejects(withDeadline(handClock().clock, 1000, () => Promise.reject(new RangeError("own"))), RangeError);
});
