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

Deno.test("no call is made in place after one that was slow, until answers are quick again", async () => {
  const { asked, ask } = fileSystem();
  await ask(0);
  await ask(50);
  deepStrictEqual(asked, { inPlace: 1, handedOver: 1 });
  for (let i = 0; i < 9; i++) await ask(50);
  deepStrictEqual(asked, { inPlace: 1, handedOver: 10 });
  await ask(0);
  await ask(0);
  deepStrictEqual(asked, { inPlace: 2, handedOver: 11 });
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
