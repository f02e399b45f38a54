import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type Random, seededRandom } from "../../core/base/random.ts";
import { arrayWays, breakLine, compressedWays, lineWays } from "../../core/produce/corruption.ts";
import { compress } from "../../core/produce/compression.ts";
import { ByteText } from "../../core/produce/byte_text.ts";
import { membersOf, objectText, type ShopEvent } from "../../core/produce/event.ts";
import { addEvent } from "../../core/produce/event_bytes.ts";
import { addExtraField, extraFieldWays } from "../../core/produce/extra_field.ts";
import { breakRecord, invalidWays } from "../../core/produce/invalid_record.ts";
import { makePools } from "../../core/produce/pools.ts";
import { Shoppers } from "../../core/produce/shoppers.ts";
import { judgeFile, judgeRecord } from "./oracle.ts";
import { START_MS } from "./collect.ts";

const encode = (text: string) => new TextEncoder().encode(text);

async function someEvents(count: number): Promise<ShopEvent[]> {
  const random = seededRandom(3);
  const shoppers = new Shoppers(20, await makePools(random), random);
  return Array.from({ length: count }, (_, index) => shoppers.next((START_MS + index) * 1000, false));
}

/** As a file holds it. */
function eventJson(event: ShopEvent): string {
  const text = new ByteText();
  addEvent(text, event);
  return new TextDecoder().decode(text.bytes());
}

const events = await someEvents(300);
const array = encode(`[${events.slice(0, 10).map(eventJson).join(",\n")}]`);

Deno.test("an unbroken event is an event, and its bytes are its members as text", () => {
  for (const event of events) {
    strictEqual(judgeRecord(eventJson(event)), "event");
    for (const whole of [event, { ...event, country: "NO" }]) {
      strictEqual(objectText(membersOf(whole)), eventJson(whole));
    }
  }
});

for (const [way, breaker] of Object.entries(invalidWays)) {
  Deno.test(`${way} makes a record invalid_schema`, () => {
    const random = seededRandom(5);
    for (const event of events) {
      const { json } = breaker(event, random);
      strictEqual(judgeRecord(json), "invalid_schema", json);
    }
  });
}

for (const [way, extra] of Object.entries(extraFieldWays)) {
  Deno.test(`${way} makes a record extra_fields`, () => {
    const random = seededRandom(5);
    for (const event of events) {
      const [name, value] = extra(event, random);
      const json = objectText([...membersOf(event), [name, value]]);
      strictEqual(judgeRecord(json), "extra_fields", json);
    }
  });
}

Deno.test("every way to break or extend a record is used", () => {
  const random = seededRandom(5);
  const broken = new Set(events.map((event) => breakRecord(event, random).way));
  const extended = new Set(events.map((event) => addExtraField(event, random).way));
  deepStrictEqual(broken, new Set(Object.keys(invalidWays)));
  deepStrictEqual(extended, new Set(Object.keys(extraFieldWays)));
});

Deno.test("a page view with an unknown key lacks an optional one, so that counting keys finds nothing", () => {
  const pageView = events.find(({ type }) => type === "page_view")!;
  const { json } = addExtraField(pageView, seededRandom(1));
  strictEqual(Object.keys(JSON.parse(json)).length, 6);
  strictEqual(judgeRecord(json), "extra_fields");
});

/** Always the least, or the greatest, that chance can give. */
const extremes: Random[] = [0, 1 - 2 ** -53].map((share) => ({
  next: () => share,
  bytes: (length) => new Uint8Array(length).fill(share * 256),
}));

for (const [way, breaker] of Object.entries(arrayWays)) {
  Deno.test(`${way} corrupts a JSON array, whatever chance does`, () => {
    const random = seededRandom(5);
    const draws = [...extremes, ...new Array<Random>(200).fill(random)];
    for (const draw of draws) strictEqual(judgeFile("x.json", breaker(array, draw)), "corrupted_batch");
  });
}

Deno.test("a JSON array cut at any byte is corrupted", () => {
  for (let length = 0; length < array.length; length++) {
    strictEqual(judgeFile("x.json", array.subarray(0, length)), "corrupted_batch");
  }
});

for (const [way, breaker] of Object.entries(compressedWays)) {
  for (const [compression, suffix] of [["gzip", ".gz"], ["zstd", ".zst"]] as const) {
    Deno.test(`${way} makes a ${compression} file unreadable`, () => {
      const random = seededRandom(5);
      const bytes = compress(array, compression);
      notStrictEqual(judgeFile(`x.json${suffix}`, bytes), "corrupted_batch");
      for (const draw of [...extremes, ...new Array<Random>(50).fill(random)]) {
        const broken = breaker(bytes, draw, compression);
        strictEqual(judgeFile(`x.ndjson${suffix}`, broken), "corrupted_batch");
      }
    });
  }
}

Deno.test("a broken line is no JSON, stays on its line, and leaves its neighbours alone", () => {
  const random = seededRandom(5);
  const ways = new Set<string>();
  const good = encode(`${eventJson(events[0]!)}\n`);
  for (const event of events) {
    const { way, bytes } = breakLine(eventJson(event), random);
    ways.add(way);
    const file = new Uint8Array([...good, ...bytes, 10, ...good]);
    deepStrictEqual(judgeFile("x.ndjson", file), ["event", "corrupted_record", "event"], way);
  }
  deepStrictEqual(ways, new Set(Object.keys(lineWays)));
  const broken = extremes.flatMap((draw) =>
    Object.values(lineWays).map((breaker) => breaker(eventJson(events[0]!), draw))
  );
  for (const bytes of broken) deepStrictEqual(judgeFile("x.ndjson", bytes), ["corrupted_record"]);
});

Deno.test("compressed bytes do not tell when they were made", () => {
  deepStrictEqual([...compress(array, "gzip").subarray(4, 8)], [0, 0, 0, 0]);
  ok(compress(array, "zstd").length < array.length);
});
