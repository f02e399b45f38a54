import { strictEqual } from "node:assert/strict";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import type { Contract } from "../../core/contract/contract.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import fc from "../support/property.ts";
import { isThorough } from "../support/thorough.ts";
import { audit } from "./audited.ts";
import { tamper } from "./tampered.ts";

/** What a run may be asked for, of all that changes what becomes of a record. */
interface Round {
  /** Fields of the contract besides `id`; what is wide stays so. */
  fields: ("seen" | "note" | "n" | "x")[];
  widens: boolean;
  minimum: number;
  onExtraFields: "dead-letter" | "rescue" | "add";
  onWrongType: "dead-letter" | "rescue";
  format: "json" | "ndjson" | undefined;
  onEmpty: "dead-letter" | "ignore";
  files: string[];
}

const value = fc.constantFrom<unknown>("2026-03-01T12:00:00Z", "", "7", 1, 0.1, -3, 3e9, 1e300, true, null, { a: [1] });
const record = fc.record({
  id: fc.constantFrom<unknown>("a", "b", 1),
  seen: value,
  note: value,
  n: value,
  x: value,
  N: value,
}, {
  requiredKeys: [],
});
const file = fc.oneof(
  { weight: 3, arbitrary: fc.array(record, { minLength: 1, maxLength: 6 }).map((records) => JSON.stringify(records)) },
  {
    weight: 3,
    arbitrary: fc.array(record, { minLength: 1, maxLength: 6 }).map((records) =>
      records.map((each) => JSON.stringify(each)).join("\n")
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom("", "[]", "{", "[1,{}]") },
);

const round: fc.Arbitrary<Round> = fc.record({
  fields: fc.subarray(["seen", "note", "n", "x"] as const).map((fields) => [...fields]),
  widens: fc.boolean(),
  minimum: fc.integer({ min: -4, max: 1 }),
  onExtraFields: fc.constantFrom("dead-letter", "rescue", "add"),
  onWrongType: fc.constantFrom("dead-letter", "rescue"),
  format: fc.constantFrom(undefined, undefined, "json", "ndjson"),
  onEmpty: fc.constantFrom("dead-letter", "ignore"),
  files: fc.array(file, { minLength: 1, maxLength: 3 }),
});

function contractOf(fields: Round["fields"], isWide: boolean, minimum: number): Contract {
  const all = {
    seen: { type: "string", format: "date-time" },
    note: { type: "string" },
    n: { type: "integer", ...(isWide ? {} : { format: "int32" }), minimum },
    x: { type: "number", ...(isWide ? {} : { format: "float" }) },
  };
  const properties = Object.fromEntries(fields.map((name) => [name, all[name]]));
  return parseContract(
    JSON.stringify({ type: "object", properties: { id: { type: "string" }, ...properties }, required: ["id"] }),
  );
}

/** The first contract has all columns, so that later ones with some of them fit the tables. */
function optionsOf(world: ConsumeWorld, rounds: readonly Round[], at: number): Partial<ConsumeSessionOptions> {
  const { fields, minimum, format, onEmpty, onExtraFields, onWrongType } = rounds[at]!;
  const isWide = rounds.slice(0, at + 1).some(({ widens }, index) => widens && index > 0);
  return {
    contract: contractOf(at === 0 ? ["seen", "note", "n", "x"] : fields, isWide, minimum),
    onExtraFields,
    onWrongType,
    zone: { store: world.store, prefix: "raw/events/", nameBase: "", format, onEmpty },
    maxFilesPerBatch: 2,
    threads: 1,
  };
}

Deno.test("whatever changes between batches, the audit of them all is clean, and finds a row that was altered", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 2, maxLength: 4 }), (rounds) =>
      ConsumeWorld.use(async (world) => {
        for (const [at, { files }] of rounds.entries()) {
          files.forEach((text, index) => world.put(`${at}-${index}.${index % 2 ? "json" : "ndjson"}`, text));
          await world.consume(optionsOf(world, rounds, at));
        }
        const clean = await audit(world);
        strictEqual(clean.status, 0, clean.text);
        strictEqual(clean.text.includes("would go to the other table"), false, clean.text);
        const [events] = await world.rows("SELECT count(*)::INT AS n FROM {{bronze.events}}");
        if (events!.n === 0) return;
        await tamper(world, "bronze.events", "true", "SELECT * REPLACE (id || '!' AS id) FROM {file}");
        const altered = await audit(world);
        strictEqual(altered.status, 1, altered.text);
      })),
    { numRuns: isThorough ? 60 : 5 },
  );
});
