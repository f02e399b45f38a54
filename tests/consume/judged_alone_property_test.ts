/** The reader against the judge alone: whatever lands, the tables are the same. */
import { deepStrictEqual, ok } from "node:assert/strict";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import type { OnExtraFields } from "../../core/contract/contract.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import type { Compression } from "../../core/disk/decompress.ts";
import type { EventFileFormat } from "../../core/produce/options.ts";
import { anyContract, conditionedContract } from "../contract/arbitrary_contract.ts";
import { anyRecord } from "../contract/arbitrary_record.ts";
import { collect, optionsWith } from "../produce/collect.ts";
import fc from "../support/property.ts";
import { say } from "../support/say.ts";
import { isThorough } from "../support/thorough.ts";
import { ConsumeWorld } from "./consume_world.ts";

type Files = ReadonlyMap<string, string | Uint8Array>;

/** A value as text that tells -0 from 0; a map's entries have no order. */
function textOf(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value !== "object" || value === null) {
    return typeof value === "string" ? JSON.stringify(value) : `${value}`;
  }
  if (Array.isArray(value)) return `[${value.map(textOf)}]`;
  const { entries } = value as { entries?: unknown };
  if (Array.isArray(entries)) return `{${entries.map(textOf).sort()}}`;
  return `{${Object.entries(value).map(([name, each]) => `${name}: ${textOf(each)}`)}}`;
}

/** All rows of the tables, and what the ledger says of each file. */
async function tablesOf(files: Files, changes: Partial<ConsumeSessionOptions>): Promise<Record<string, string[]>> {
  const tables: Record<string, string[]> = {};
  await ConsumeWorld.use(async (world) => {
    for (const [name, content] of files) world.put(name, content);
    await world.consume(changes);
    for (const name of ["bronze.events", "dead_letters.events"]) {
      const rows = await world.rows(`SELECT * EXCLUDE (_ingested_at) FROM {{${name}}}`);
      tables[name] = rows.map(textOf).sort();
    }
    const ledger = await world.rows(
      "SELECT source_file, status, records, events, dead_letters FROM {{ingest.files}}",
    );
    tables.ledger = ledger.map(textOf).sort();
  });
  return tables;
}

/** The rows that another table does not have, or not as often; some of them. */
function without(rows: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const row of others) left.set(row, (left.get(row) ?? 0) + 1);
  const lone = rows.filter((row) => {
    const count = left.get(row) ?? 0;
    left.set(row, count - 1);
    return count <= 0;
  });
  return lone.slice(0, 5);
}

async function compare(files: Files, changes: Partial<ConsumeSessionOptions>): Promise<Record<string, string[]>> {
  const read = await tablesOf(files, changes);
  const judged = await tablesOf(files, { ...changes, judgesAll: true });
  for (const [name, rows] of Object.entries(read)) {
    deepStrictEqual(without(rows, judged[name]!), without(judged[name]!, rows), name);
  }
  return read;
}

const KINDS: [EventFileFormat, Compression][] = [["json", "none"], ["json", "zstd"], ["ndjson", "none"], [
  "ndjson",
  "gzip",
]];
const OFTEN = { corruption: 0.2, invalidSchema: 0.2, extraFields: 0.2, duplicate: 0.1, late: 0.1 };

for (const onExtraFields of ["dead-letter", "rescue", "add"] as const satisfies readonly OnExtraFields[]) {
  Deno.test(`dirty files give the same tables read as judged, with extra fields: ${onExtraFields}`, async () => {
    const files = new Map<string, Uint8Array>();
    for (const [index, [format, compression]] of KINDS.entries()) {
      const startMs = Date.UTC(2026, 2, 1 + index);
      const made = await collect(
        optionsWith({ format, compression, batches: 8, batchSize: 100, startMs, chances: OFTEN }),
      );
      for (const [path, bytes] of made.files) files.set(path.replace("raw/events/", ""), bytes);
    }
    const tables = await compare(files, { onExtraFields });
    ok(tables["bronze.events"]!.length > 1_000 && tables["dead_letters.events"]!.length > 300);
  });
}

Deno.test("wrong types that are rescued give the same tables read as judged, in files of every kind", async () => {
  const contract = parseContract(JSON.stringify({
    type: "object",
    required: ["id"],
    properties: {
      id: { type: "integer" },
      count: { type: "integer", maximum: 5 },
      device: { type: "object", properties: { os: { type: "string" }, ok: { type: "boolean" } } },
      items: { type: "array", items: { type: "number" } },
    },
  }));
  const records = fc.sample(anyRecord(contract, "wild"), { seed: 3, numRuns: 300 })
    .map((text) => text.replaceAll(/[\r\n]/g, " "));
  const wrong = Array.from({ length: 60 }, (_, id) =>
    JSON.stringify(
      [{ id, count: "x" }, { id, device: { os: id, ok: true } }, { id, items: [id, null], more: id }][id % 3],
    ));
  const files = new Map([["lines.ndjson", [...records, ...wrong].join("\n")], ["array.json", `[${wrong}]`], [
    "values.json",
    wrong.join(" "),
  ]]);
  for (const onExtraFields of ["dead-letter", "add"] as const) {
    const tables = await compare(files, { contract, onExtraFields, onWrongType: "rescue", partitionBy: [] });
    const rescued = tables["bronze.events"]!.filter((row) => row.includes('_rescued: "'));
    ok(rescued.length >= (onExtraFields === "add" ? 180 : 120), `${rescued.length} records were kept`);
  }
});

const RUNS = isThorough ? 150 : 8;
const RECORDS = 60;

Deno.test("any records of any contract give the same tables read as judged", async () => {
  let records = 0;
  const lake = fc.oneof(anyContract, conditionedContract).chain((contract) =>
    fc.record({
      contract: fc.constant(contract),
      records: fc.array(anyRecord(contract, "wild"), { minLength: RECORDS, maxLength: RECORDS, size: "max" }),
      onExtraFields: fc.constantFrom("dead-letter" as const, "rescue" as const, "add" as const),
      onWrongType: fc.constantFrom("dead-letter" as const, "rescue" as const),
    })
  );
  await fc.assert(
    fc.asyncProperty(lake, async ({ contract, records: texts, onExtraFields, onWrongType }) => {
      const lines = texts.map((text) => text.replaceAll(/[\r\n]/g, " "));
      const files = new Map<string, string>([
        ["lines.ndjson", lines.join("\n")],
        [
          "array.json",
          `[${texts.join(",")}]`,
        ],
        ["values.json", `{}${texts.join("")}`],
        ["lines.json", `{}\n${lines.join("\n")}\n${texts.join("\n")}`],
      ]);
      for (const [index, text] of texts.entries()) {
        if (index % 4 === 0) files.set(`single-${index}.json`, `[${text}]`);
      }
      await compare(files, { contract, onExtraFields, onWrongType, partitionBy: [] });
      records += texts.length;
    }),
    // A smaller example would take as many lakes again.
    { numRuns: RUNS, endOnFailure: true },
  );
  say(`read and judged: ${records} records of ${RUNS} contracts`);
});

/** A column of each form that only the judge reads, a renamed one, and one that is plain. */
const FORMS = {
  type: "object",
  required: ["id"],
  properties: {
    id: { type: "integer" },
    seconds: { type: "integer", format: "epoch-seconds" },
    millis: { type: "number", format: "epoch-millis" },
    local: { type: "string", format: "date-time-local" },
    lenient: { type: "string", format: "date-time-lenient" },
    any: {},
    even: { type: "integer", multipleOf: 2 },
    both: { type: "string", allOf: [{ pattern: "a" }, { pattern: "b" }] },
    set: { type: "array", items: { type: "integer" }, uniqueItems: true },
    one: { oneOf: [{ type: "string", minLength: 1 }, { type: "integer" }] },
    written: { type: "integer", "x-coerce": true },
    _named: { type: "string", "x-column": "named" },
    either: {
      type: "object",
      anyOf: [{ properties: { x: { type: "integer" } } }, { properties: { y: { type: "string" } } }],
    },
    tree: { $ref: "#/$defs/tree" },
    rows: { type: "array", items: { type: "object", properties: { v: { type: "number", multipleOf: 0.5 } } } },
  },
  $defs: {
    tree: { type: "object", properties: { below: { type: "array", items: { $ref: "#/$defs/tree" } } } },
  },
};

/** Records with one of the columns, or `id` alone: of more at once few would be valid. */
function ordinaryWith(name: string): string[] {
  const { id, ...others } = FORMS.properties;
  const properties = { id, ...(name === "id" ? {} : { [name]: others[name as keyof typeof others] }) };
  const contract = parseContract(JSON.stringify({ ...FORMS, properties }));
  return fc.sample(anyRecord(contract, "ordinary"), { seed: 1, numRuns: 20 });
}

const WHOLES = { "by themselves": {}, "in a record with conditions": { minProperties: 2 } };

for (const [title, whole] of Object.entries(WHOLES)) {
  for (const onExtraFields of ["dead-letter", "rescue"] as const) {
    Deno.test(`the forms of contracts give the same tables read as judged, ${title}: ${onExtraFields}`, async () => {
      const contract = parseContract(JSON.stringify({ ...FORMS, ...whole }));
      const records = Object.keys(FORMS.properties).flatMap(ordinaryWith)
        .map((text, index) => index % 5 === 0 ? text.replace("{", '{"extra":[1],') : text);
      const odd = fc.sample(anyRecord(contract, "wild"), { seed: 2, numRuns: 250 })
        .map((text) => text.replaceAll(/[\r\n]/g, " "));
      const files = new Map([["lines.ndjson", [...records, ...odd].join("\n")], ["array.json", `[${records}]`], [
        "values.json",
        records.join(""),
      ]]);
      const tables = await compare(files, { contract, onExtraFields, partitionBy: [] });
      ok(tables["bronze.events"]!.length > 200 && tables["dead_letters.events"]!.length > 250);
    });
  }
}
