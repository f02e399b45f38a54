import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { maintain } from "../../commands/maintain/maintain.ts";
import { runProgram } from "../../commands/line/program.ts";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { ConsumeSession, type ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import type { PartitionColumnChoice } from "../../core/iceberg/action/create_table.ts";
import fc from "../support/property.ts";
import { isThorough } from "../support/thorough.ts";
import { testWorld } from "../support/test_world.ts";
import { ConsumeWorld } from "./consume_world.ts";

const CONTRACT = parseContract(JSON.stringify({
  type: "object",
  properties: {
    id: { type: "string" },
    shop: { type: ["integer", "null"] },
    day: { type: "string", format: "date" },
    at: { type: ["string", "null"], format: "date-time" },
  },
  required: ["id"],
}));
const MINUTE_MICROS = 60_000_000;

interface Event {
  id: string;
  shop: number | null;
  /** Minutes since some day. */
  minute: number | null;
}

const event: fc.Arbitrary<Event> = fc.record({
  // As one text, "a1" with "1" and "a" with "11" are alike.
  id: fc.constantFrom("a", "a1", "b:1", ""),
  shop: fc.constantFrom(1, 11, null),
  minute: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 8 }),
});

/** Files that come together. */
const rounds = fc.array(fc.array(fc.array(event, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 3,
});

let runs = 0;

async function maintained(world: ConsumeWorld, ...args: string[]): Promise<{ status: number; text: string }> {
  // Two runs of the same random numbers give their files the same names.
  const random = seededRandom(1_000 + runs++);
  const program = { ...testWorld({ commands: [maintain] }), clock: systemClock, random };
  const status = await runProgram(["maintain", ...args, "--source", world.folder], program);
  return { status, text: program.stdoutText() + program.stderrText() };
}

/** Takes what is there, in one life or each time in a new one. */
class ConsumerOfRounds implements Disposable {
  #session: ConsumeSession | undefined;
  readonly #world: ConsumeWorld;
  readonly #options: Partial<ConsumeSessionOptions>;
  readonly #lives: boolean;

  constructor(world: ConsumeWorld, options: Partial<ConsumeSessionOptions>, lives: boolean) {
    this.#world = world;
    this.#options = options;
    this.#lives = lives;
  }

  async take(): Promise<void> {
    this.#session ??= await ConsumeSession.open(this.#world.options(this.#options));
    await this.#session.runOnce(new AbortController().signal);
    if (!this.#lives) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#session?.close();
    this.#session = undefined;
  }
}

/** By the definition: an event is a repeat if an earlier one that was kept is the same and near. */
function keptOf(events: readonly (Event & { place: string })[], within: number): string[] {
  const kept: (Event & { place: string })[] = [];
  for (const each of events) {
    const isRepeat = kept.some(({ id, shop, minute }) =>
      id === each.id && shop !== null && shop === each.shop && minute !== null && each.minute !== null &&
      Math.abs(minute - each.minute) <= within
    );
    if (!isRepeat) kept.push(each);
  }
  return kept.map(({ place }) => place).sort();
}

Deno.test("an event is dropped exactly if an earlier kept one has its key and is near, across batches, starts and compaction", async () => {
  const lake = fc.record({
    rounds,
    within: fc.integer({ min: 0, max: 15 }),
    filesPerBatch: fc.integer({ min: 1, max: 3 }),
    compacts: fc.boolean(),
    // Else each round is taken by a consumer that starts anew.
    lives: fc.boolean(),
    // A date in the key leaves all of them to DuckDB.
    more: fc.constantFrom([], ["day"]),
    partitionBy: fc.constantFrom<PartitionColumnChoice[]>([], [{ column: "at", transform: { name: "hour" } }]),
  });
  await fc.assert(
    fc.asyncProperty(
      lake,
      ({ rounds, within, filesPerBatch, compacts, lives, more, partitionBy }) =>
        ConsumeWorld.use(async (world) => {
          const dedupe = { by: ["id", "shop", ...more], at: "at", withinMicros: String(within * MINUTE_MICROS) };
          const options = { contract: CONTRACT, dedupe, maxFilesPerBatch: filesPerBatch, partitionBy };
          using consumer = new ConsumerOfRounds(world, options, lives);
          const given: (Event & { place: string })[] = [];
          let named = 0;
          for (const [round, files] of rounds.entries()) {
            for (const events of files) {
              const name = `${String(named++).padStart(3, "0")}.ndjson`;
              world.put(
                name,
                events.map(({ id, shop, minute }) => {
                  const at = minute === null ? null : new Date(Date.UTC(2026, 2, 1, 0, minute)).toISOString();
                  return `${JSON.stringify({ id, shop, at, day: "2026-03-01" })}\n`;
                }).join(""),
              );
              given.push(...events.map((event, position) => ({ ...event, place: `raw/events/${name} ${position}` })));
            }
            if (round > 0 && compacts) await maintained(world, "--compact");
            await consumer.take();
          }
          const rows = await world.rows(
            "SELECT _source_file || ' ' || _source_position AS place FROM {{bronze.events}}",
          );
          const kept = keptOf(given, within);
          deepStrictEqual(rows.map(({ place }) => place as string).sort(), kept);
          const [sums] = await world.rows(
            "SELECT sum(records)::INT AS records, sum(events)::INT AS events, sum(duplicates)::INT AS duplicates FROM {{ingest.files}}",
          );
          const counts = { records: given.length, events: kept.length, duplicates: given.length - kept.length };
          deepStrictEqual({ ...sums }, counts);
          const audit = await maintained(world, "--audit");
          strictEqual(audit.status, 0, audit.text);
        }),
    ),
    { numRuns: isThorough ? 60 : 6 },
  );
});
