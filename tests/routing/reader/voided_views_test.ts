/** Memory of the reader that grows at every call: views into it from before must not be used. */
import { deepStrictEqual, ok } from "node:assert/strict";
import { seededRandom } from "../../../core/base/random.ts";
import { DuckDb, quoteText } from "../../../core/engine/duckdb.ts";
import { assignFieldIds } from "../../../core/iceberg/format/schema.ts";
import type { Field } from "../../../core/iceberg/format/type.ts";
import { deadLetterFields, eventFields } from "../../../core/lake/our_columns.ts";
import { shareMemory } from "../../../core/routing/memory_shares.ts";
import { EventReader } from "../../../core/routing/reader/event_reader.ts";
import type { ReaderCalls } from "../../../core/routing/reader/reader_calls.ts";
import { compiledReader, HASH_KEY_BYTES, type ReaderInstance } from "../../../core/routing/reader/reader_instance.ts";
import type { ReadResult, ReadUnit } from "../../../core/routing/reader/reading.ts";
import type { TargetTable } from "../../../core/tables/write/target_table.ts";
import { anyRecord } from "../../contract/arbitrary_record.ts";
import fc from "../../support/property.ts";
import { contractOf } from "./test_reader.ts";

const CONTRACT = contractOf({
  required: ["id", "day"],
  properties: {
    id: { type: "string", format: "uuid" },
    day: { type: "string", format: "date" },
    kind: { type: "string", enum: ["open", "close"] },
    name: { type: "string", pattern: "^[a-z]+" },
    price: { type: "number", minimum: 0 },
    count: { type: "integer" },
    at: { type: "string", format: "date-time" },
    lines: {
      type: "array",
      items: { type: "object", additionalProperties: false, properties: { sku: { type: "string" } } },
    },
    labels: { type: "object", additionalProperties: { type: "string" } },
  },
});

/** They only read, one value each: a view may be held over many of them. */
const CALLS_WITHOUT_GROWTH: readonly string[] = [
  "columnLevel",
  "columnText",
  "columnValues",
  "partitionRows",
] satisfies (keyof ReaderCalls)[];

/** Lets every other call void the views, as growth does; returns how many there have been. */
function voidViews(reader: ReaderInstance): () => number {
  const { calls } = reader;
  let count = 0;
  const voiding = Object.fromEntries(
    Object.entries(calls).map(([name, call]) => {
      if (typeof call !== "function" || CALLS_WITHOUT_GROWTH.includes(name)) return [name, call];
      return [name, (...parts: unknown[]) => {
        const answer = call(...parts);
        calls.memory.grow(0);
        count++;
        return answer;
      }];
    }),
  );
  (reader as { calls: ReaderCalls }).calls = voiding as unknown as ReaderCalls;
  return () => count;
}

function targetOf(named: Field[], partitionedBy: readonly string[]): TargetTable {
  const { fields } = assignFieldIds(named, 1);
  const spec = partitionedBy.map((name, index) => ({
    sourceId: fields.find((field) => field.name === name)!.id,
    fieldId: 1000 + index,
    name: `${name}_part`,
    transform: { name: "identity" } as const,
  }));
  return {
    schema: { schemaId: 0, fields },
    written: fields,
    spec: { specId: 0, fields: spec },
    properties: { "write.parquet.bloom-filter-enabled.column.id": "true" },
    dataFolder: "data",
  };
}

const key = (value: number) => value.toString(16).padStart(12, "0");

function filesOf(seed: number): { name: string; how: ReadUnit["how"]; text: string }[] {
  const records = fc.sample(anyRecord(CONTRACT, "wild"), { numRuns: 200, seed });
  const plain = Array.from({ length: 100 }, (_, i) => {
    const extra = i % 3 === 0 ? `,"extra_${i}":${i}` : "";
    return `{"id":"00000000-0000-4000-8000-${key(i)}","day":"2026-03-0${i % 9 + 1}","name":"n${i}","price":${
      i - 9
    }${extra}}`;
  });
  const odd = ["12", "null", "{}", `{"id":"x\\ud800","day":"2026-03-01"}`, `{"id":1,"id":2,"d\\u0061y":3}`];
  const lines = [...plain, ...records, ...odd, "{", "\u0000"].map((line) => line.replaceAll(/[\r\n]/g, " "));
  const array = `[${[...records, ...plain, ...odd].join(",\n")}]`;
  return [
    { name: "array", how: "json", text: array },
    { name: "exact", how: "exact-json", text: array },
    { name: "lines", how: "lines", text: lines.join("\n") },
    { name: "one after another", how: "json", text: plain.join("\n") + records.join("") },
    { name: "exactly one after another", how: "exact-json", text: plain.join("\n") + records.join("") },
    { name: "values", how: "values", text: plain.join("") },
    { name: "elements", how: "elements", text: plain.join() },
    { name: "cut short", how: "json", text: array.slice(0, -9) },
  ];
}

async function readAll(reader: EventReader, folder: string, units: readonly ReadUnit[]): Promise<ReadResult> {
  return await reader.read({
    contract: CONTRACT.text,
    onExtraFields: "dead-letter",
    events: targetOf(eventFields(CONTRACT, { rescued: false }), ["day", "id", "name", "price"]),
    deadLetters: targetOf(deadLetterFields(CONTRACT), ["count", "at"]),
    ingestedAtMicros: 0n,
    batchId: 1n,
    folder,
    limits: shareMemory("1GB", 1).limits,
    units,
    next: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
    held: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  }, () => {});
}

Deno.test("nothing that was read in the reader's memory is lost where a call makes it grow", async () => {
  const seed = 7;
  const folder = await Deno.makeTempDir({ prefix: "streamlab-views-" });
  const database = await DuckDb.open({ threads: 1 });
  try {
    const units = filesOf(seed).map(({ name, how, text }, number): ReadUnit => {
      const path = `${folder}/${name}`;
      Deno.writeTextFileSync(path, text);
      return { number, name, path, offset: 0, size: Deno.statSync(path).size, how, position: 0 };
    });
    const connection = await database.connect();
    const rowsOf = async (files: ReadResult["events"]) => {
      const rows = await connection.rows(
        `SELECT to_json(t) AS row FROM read_parquet([${files.map(({ path }) => quoteText(path))}]) t`,
      );
      return rows.map(({ row }) => String(row)).sort();
    };
    const hashKey = seededRandom(seed).bytes(HASH_KEY_BYTES);
    const readBy = async (isVoid: boolean) => {
      const reader = new EventReader({ number: isVoid ? 1 : 0, module: compiledReader(), hashKey });
      // The columns are made before; a contract's are known as they are.
      await readAll(reader, folder, []);
      const count = isVoid ? voidViews(reader.reader) : () => 0;
      const { events, deadLetters, tallies } = await readAll(reader, folder, units);
      ok(!isVoid || count() > 1_000, `${count()} calls`);
      return { tallies, events: await rowsOf(events), letters: await rowsOf(deadLetters) };
    };
    const plain = await readBy(false);
    ok(plain.events.length > 100 && plain.letters.length > 100);
    deepStrictEqual(await readBy(true), plain);
    connection.close();
  } finally {
    database.close();
    await Deno.remove(folder, { recursive: true });
  }
});
