import { deepStrictEqual } from "node:assert/strict";
import { BATCH_KEYS_MAX, type EventKeys, joinKeys, KEY_WORDS } from "../../../core/routing/repeats/event_keys.ts";
import { HeldKeys } from "../../../core/routing/repeats/held_keys.ts";
import fc from "../../support/property.ts";

interface Event {
  key: number;
  time: number;
}

const FILES = ["b", "a", "\u{10000}", "\uffff"];
/** By the bytes of UTF-8, where UTF-16 has the last two the other way round. */
const ORDERED = ["a", "b", "\uffff", "\u{10000}"];

/** Few keys, of which some share words of their number. */
function numberOf(key: number): number[] {
  return [key & 1, key & 2, key];
}

/** Of one file, its last events first. */
function keysOf(file: string, events: readonly Event[]): EventKeys {
  const backwards = events.map((event, position) => ({ ...event, position })).reverse();
  return {
    files: [file],
    fileOf: new Uint32Array(events.length),
    positions: Float64Array.from(backwards, ({ position }) => position),
    numbers: Uint32Array.from(backwards.flatMap(({ key }) => numberOf(key))),
    times: BigInt64Array.from(backwards, ({ time }) => BigInt(time)),
  };
}

const event: fc.Arbitrary<Event> = fc.record({
  key: fc.integer({ min: 0, max: 7 }),
  time: fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constantFrom(-(2 ** 50), 2 ** 50, 2 ** 32)),
});
const batch = fc.array(fc.array(event, { maxLength: 20 }), { minLength: 1, maxLength: FILES.length });

Deno.test("of keys in memory, repeats are those by the definition, also after groups were forgotten", () => {
  fc.assert(
    fc.property(
      fc.array(batch, { maxLength: 6 }),
      fc.integer({ min: 0, max: 9 }),
      fc.nat(5),
      (batches, within, gone) => {
        const held = new HeldKeys(() => Promise.reject(new Error("nothing is to be read")), 1 << 20);
        let kept: (Event & { group: number })[] = [];
        for (const [index, files] of batches.entries()) {
          const group = index + 1;
          const expected = new Map<string, number[]>();
          for (const file of ORDERED) {
            for (const [position, { key, time }] of (files[FILES.indexOf(file)] ?? []).entries()) {
              const isRepeat = kept.some((each) => each.key === key && Math.abs(each.time - time) <= within);
              if (isRepeat) expected.set(file, [...expected.get(file) ?? [], position]);
              else kept.push({ key, time, group });
            }
          }
          const keys = joinKeys(files.map((events, file) => keysOf(FILES[file]!, events)))!;
          const times = files.flat().map(({ time }) => time);
          const span = { from: BigInt(Math.min(0, ...times) - within), to: BigInt(Math.max(0, ...times) + within) };
          const decision = held.decide(keys, span, BigInt(within));
          deepStrictEqual(new Map([...decision.repeats].sort()), new Map([...expected].sort()));
          held.add(keys, decision, group);
          if (index === gone) {
            void held.forget(new Set([1, group]));
            kept = kept.filter((each) => each.group !== 1 && each.group !== group);
          }
        }
      },
    ),
  );
});

Deno.test("a key that was kept a hundred thousand times is looked up and added to at once", () => {
  const held = new HeldKeys(() => Promise.reject(new Error("nothing is to be read")), 1 << 30);
  const count = 100_000;
  const keys = sameKeys(count);
  const span = { from: -5n, to: BigInt(count * 10) };
  const decision = held.decide(keys, span, 5n);
  deepStrictEqual(decision.repeats, new Map());
  held.add(keys, decision, 1);
  const next = { ...keys, times: keys.times.map((time) => time + 5n) };
  deepStrictEqual(held.decide(next, span, 5n).repeats.get("a")?.length, count);
});

Deno.test("keys of a batch that are too many for memory are not joined", () => {
  const half = sameKeys(BATCH_KEYS_MAX / 2);
  deepStrictEqual(joinKeys([half, half])?.times.length, BATCH_KEYS_MAX);
  deepStrictEqual(joinKeys([half, half, sameKeys(1)]), undefined);
});

/** Events with one key, ten microseconds apart. */
function sameKeys(count: number): EventKeys {
  return {
    files: ["a"],
    fileOf: new Uint32Array(count),
    positions: Float64Array.from({ length: count }, (_, row) => row),
    numbers: new Uint32Array(count * KEY_WORDS),
    times: BigInt64Array.from({ length: count }, (_, row) => BigInt(row * 10)),
  };
}
