import { ok, throws } from "node:assert/strict";
import { seededRandom } from "../../core/base/random.ts";
import { type MemorySample, memorySlope } from "./memory_slope.ts";

const random = seededRandom(3);

/** A program that takes 150 MB until it is warm, whose collector lets memory swing by 40 MB. */
function samples(mbPerThousand: number, batches: number): MemorySample[] {
  return Array.from({ length: batches / 10 }, (_, index) => {
    const batch = 10 * (index + 1);
    const warm = 150 * Math.min(1, batch / 200);
    return { batch, megabytes: 130 + warm + mbPerThousand * batch / 1_000 + 40 * random.next() };
  });
}

Deno.test("memory that swings but does not grow has no slope, whatever it took to be warm", () => {
  const slope = memorySlope(samples(0, 2_000), 200);
  ok(Math.abs(slope) < 10, `${slope}`);
});

Deno.test("a leak shows by what a thousand batches leave, in the swings of the collector", () => {
  for (const leak of [60, 263]) {
    const slope = memorySlope(samples(leak, 2_000), 200);
    ok(Math.abs(slope - leak) < 10, `${slope} of ${leak}`);
  }
});

Deno.test("too few samples are no proof that memory does not grow", () => {
  throws(() => memorySlope(samples(0, 200), 200), /make no line/);
});
