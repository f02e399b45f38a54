import { ok, strictEqual } from "node:assert/strict";
import { inTurns } from "../../core/base/event_loop.ts";
import { keepHeapSmall } from "../../core/serve/heap_care.ts";
import { SteppedClock } from "../support/manual_clock.ts";

const LOOK_MS = 1_000;
const LOOKS_A_MINUTE = 60_000 / LOOK_MS;
/** Objects that take some 40 MB. */
const OBJECTS = 400_000;

const ANSWER_BYTES_MIN = 60e6;

function usedBytes(): number {
  return Deno.memoryUsage().heapUsed;
}

function someObjects(): object[] {
  return Array.from({ length: OBJECTS }, (_, i) => ({ i, list: [i] }));
}

/** A function that waits may hold what it has used. */
function leaveBehind(): WeakRef<object> {
  return new WeakRef(someObjects());
}

Deno.test("what a server has left behind is collected at the next look, and what it needs stays", async () => {
  const clock = new SteppedClock(), over = new AbortController();
  const caring = keepHeapSmall(clock, over.signal);
  const kept = someObjects().slice(0, 1);
  const left = leaveBehind(), needed = new WeakRef(kept[0]!);
  await clock.sleeper(LOOK_MS);
  // Until the turn is over in which somebody had it, nothing is left behind.
  await inTurns(1, 1, () => clock.advance(LOOK_MS));
  await clock.sleeper(LOOK_MS);
  ok(left.deref() === undefined);
  ok(needed.deref() === kept[0]);
  over.abort();
  await caring;
  strictEqual(kept.length, 1);
});

Deno.test("what was needed for a moment is collected within a minute, however much that was", async () => {
  const clock = new SteppedClock(), over = new AbortController();
  const caring = keepHeapSmall(clock, over.signal);
  const look = async () => {
    await clock.sleeper(LOOK_MS);
    await inTurns(1, 1, () => clock.advance(LOOK_MS));
    await clock.sleeper(LOOK_MS);
  };
  await look();
  const before = usedBytes();
  let answer: object[] | undefined = [1, 2, 3].flatMap(someObjects);
  await look();
  ok(usedBytes() - before > ANSWER_BYTES_MIN && answer.length > 0);
  answer = undefined;
  for (let looks = 0; looks <= LOOKS_A_MINUTE; looks++) await look();
  ok(usedBytes() - before < ANSWER_BYTES_MIN / 2, `${usedBytes() - before} bytes more than before`);
  over.abort();
  await caring;
});
