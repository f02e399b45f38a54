import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { runProgram } from "../../commands/line/program.ts";
import { maintain } from "../../commands/maintain/maintain.ts";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import type { PartitionColumnChoice } from "../../core/iceberg/action/create_table.ts";
import type { UpsertRule } from "../../core/lake/upsert_rule.ts";
import fc from "../support/property.ts";
import { isThorough } from "../support/thorough.ts";
import { testWorld } from "../support/test_world.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { ask, beside } from "./other_program.ts";

const CONTRACT = parseContract(JSON.stringify({
  type: "object",
  properties: {
    id: { type: ["string", "null"] },
    shop: { type: "integer" },
    op: { type: "string" },
    at: { type: ["string", "null"], format: "date-time" },
  },
  required: ["shop", "op"],
}));
const RULE: UpsertRule = { by: ["id", "shop"], newest: "at", deleteWhen: { column: "op", is: "d" } };

interface Change {
  id: string | null;
  shop: number;
  op: string;
  /** Minutes since some day. */
  minute: number | null;
}

const change: fc.Arbitrary<Change> = fc.record({
  // As one text, "a1" with "1" and "a" with "11" are alike.
  id: fc.constantFrom("a", "a1", "b", null),
  shop: fc.constantFrom(1, 11),
  op: fc.constantFrom("c", "u", "u", "d"),
  minute: fc.option(fc.integer({ min: 0, max: 200 }), { freq: 8 }),
});

/** Files that come together. */
const files = fc.array(fc.array(change, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 3 });

type Placed = Change & { file: string; position: number };

let runs = 0;

async function maintained(world: ConsumeWorld, ...args: string[]): Promise<void> {
  // Two runs of the same random numbers give their files the same names.
  const random = seededRandom(1_000 + runs++);
  const program = { ...testWorld({ commands: [maintain] }), clock: systemClock, random };
  const status = await runProgram(["maintain", ...args, "--source", world.folder], program);
  strictEqual(status, 0, program.stdoutText() + program.stderrText());
}

/** By the definition: the greatest by time, then by file and position, in whose order they came. */
function newestOf(changes: readonly Placed[]): string[] {
  const newest = new Map<string, Placed>();
  for (const each of changes) {
    const key = JSON.stringify(each.id === null ? [each.file, each.position] : [each.id, each.shop]);
    const before = newest.get(key);
    if (before === undefined || (each.minute ?? -1) >= (before.minute ?? -1)) newest.set(key, each);
  }
  return [...newest.values()].filter(({ op }) => op !== "d").map(({ file, position }) => `${file} ${position}`).sort();
}

/** What happens between the record of a batch and its commit. */
const between = fc.constantFrom("nothing", "compaction", "crash", "crash and compaction");

Deno.test("the newest record of each key is the row, across batches, starts, crashes and compaction", async () => {
  const lake = fc.record({
    rounds: fc.array(fc.record({ files, between }), { minLength: 1, maxLength: 4 }),
    filesPerBatch: fc.integer({ min: 1, max: 3 }),
    partitionBy: fc.constantFrom<PartitionColumnChoice[]>(
      [],
      [{ column: "at", transform: { name: "hour" } }],
      [{ column: "op", transform: { name: "identity" } }],
    ),
  });
  await fc.assert(
    fc.asyncProperty(lake, ({ rounds, filesPerBatch, partitionBy }) =>
      ConsumeWorld.use(async (world) => {
        const options = { contract: CONTRACT, upsert: RULE, maxFilesPerBatch: filesPerBatch, partitionBy };
        const given: Placed[] = [];
        let named = 0;
        for (const [round, { files, between }] of rounds.entries()) {
          for (const changes of files) {
            const file = `${String(named++).padStart(3, "0")}.ndjson`;
            world.put(file, changes.map((each) => `${JSON.stringify(recordOf(each))}\n`).join(""));
            given.push(...changes.map((each, position) => ({ ...each, file: `raw/events/${file}`, position })));
          }
          const compacts = between.includes("compaction") && round > 0;
          const act = async () => {
            if (between.includes("crash")) throw new Error("crashed");
            if (compacts) await maintained(world, "--compact");
          };
          const failure = await world.consume({ ...options, ...beside(world, act) }).then(() => undefined, String);
          if (failure !== undefined && !failure.includes("crashed")) throw new Error(failure);
          if (compacts) await maintained(world, "--compact");
          await world.consume(options);
        }
        const rows = await ask(world, "SELECT _source_file || ' ' || _source_position AS place FROM bronze.events");
        const places = (rows as { place: string }[]).map(({ place }) => place).sort();
        deepStrictEqual(places, newestOf(given));
        await maintained(world, "--audit");
      })),
    { numRuns: isThorough ? 60 : 5 },
  );
});

function recordOf({ id, shop, op, minute }: Change): object {
  return { id, shop, op, at: minute === null ? null : new Date(Date.UTC(2026, 2, 1, 0, minute)).toISOString() };
}
