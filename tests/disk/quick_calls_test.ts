import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { QuickCalls } from "../../core/disk/quick_calls.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** A file system whose answers take `answerMs`, and how it was asked. */
function fileSystem() {
  const clock = new ManualClock();
  const calls = new QuickCalls(clock);
  const asked = { inPlace: 0, handedOver: 0 };
  const ask = (answerMs: number) =>
    calls.run(
      () => (clock.advance(answerMs), ++asked.inPlace),
      () => Promise.resolve((clock.advance(answerMs), ++asked.handedOver)),
    );
  return { calls, asked, ask };
}

Deno.test("calls are made in place as soon as an answer was quick, but for one now and then", async () => {
  const { asked, ask } = fileSystem();
  for (let i = 0; i < 1_000; i++) await ask(0);
  deepStrictEqual(asked, { inPlace: 996, handedOver: 4 });
});

Deno.test("after a slow answer in place calls are handed over, and one is tried in place now and then", async () => {
  const { asked, ask } = fileSystem();
  await ask(0);
  await ask(50);
  deepStrictEqual(asked, { inPlace: 1, handedOver: 1 });
  for (let i = 0; i < 128; i++) await ask(50);
  deepStrictEqual(asked, { inPlace: 1, handedOver: 129 });
  for (let i = 0; i < 129; i++) await ask(50);
  deepStrictEqual(asked, { inPlace: 2, handedOver: 257 });
  for (let i = 0; i < 10; i++) await ask(0);
  deepStrictEqual(asked, { inPlace: 12, handedOver: 257 });
});

Deno.test("a call that was handed over may take long, if this thread is busy: that says nothing of the disk", async () => {
  const { asked, ask } = fileSystem();
  await ask(50);
  await ask(0);
  deepStrictEqual(asked, { inPlace: 1, handedOver: 1 });
});

Deno.test("where the call in place fails the other one is asked, and its word counts", async () => {
  const { calls, ask } = fileSystem();
  await ask(0);
  const fails = () => {
    throw new Error("in place");
  };
  strictEqual(await calls.run(fails, () => Promise.resolve("there")), "there");
  await rejects(calls.run(fails, () => Promise.reject(new Error("handed over"))), { message: "handed over" });
});
