/** Files read into rows, to compare one way with another. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock } from "../../../core/base/clock.ts";
import { Meter } from "../../../core/base/meter.ts";
import type { Contract } from "../../../core/contract/contract.ts";
import { Scratch } from "../../../core/disk/scratch.ts";
import { DuckDb, quoteText } from "../../../core/engine/duckdb.ts";
import { assignFieldIds } from "../../../core/iceberg/format/schema.ts";
import type { Field } from "../../../core/iceberg/format/type.ts";
import { deadLetterFields, eventFields } from "../../../core/lake/our_columns.ts";
import { shareMemory } from "../../../core/routing/memory_shares.ts";
import type { LocalRawFile } from "../../../core/routing/raw_file.ts";
import { readFiles } from "../../../core/routing/reader/read_files.ts";
import { ReaderPool } from "../../../core/routing/reader/reader_pool.ts";
import type { RouteOptions } from "../../../core/routing/route_options.ts";
import type { TargetTable } from "../../../core/tables/write/target_table.ts";
import fc from "../../support/property.ts";
import { contractOf } from "./test_reader.ts";

const text = { type: "string" };
export const CONTRACT = contractOf({
  required: ["id"],
  properties: {
    id: text,
    count: { type: "integer" },
    labels: { type: "object", additionalProperties: text },
    lines: {
      type: "array",
      items: { type: "object", additionalProperties: false, properties: { sku: text, price: { type: "number" } } },
    },
  },
});

/** Where a cut may do harm: escapes, characters of several bytes, brackets in texts. */
const awkward = fc.array(
  fc.constantFrom("x", "é", "€", "😀", "\\u00e9", "\\ud83d\\ude00", '\\"', "\\\\", "\\n", "]", "}", "[", "{", ",", ":"),
  { maxLength: 40 },
).map((parts) => parts.join(""));

export const awkwardRecord = fc.record({
  id: awkward,
  key: awkward,
  count: fc.integer(),
  space: fc.constantFrom("", " ", "\t"),
})
  .map(({ id, key, count, space }) => {
    return `{"id":${space}"${id}",${space}"labels":{"${key}":"${id}"}${space},"lines":[{"sku":"${key}"},{"price":${count}.5e1}]}`;
  });

export type Rows = Record<string, readonly string[]>;

export interface Tools {
  pool: ReaderPool;
  database: DuckDb;
  folder: string;
}

export const WHOLE = shareMemory("1GB", 2).limits;
let readings = 0;

export function targetOf(named: Field[]): TargetTable {
  const { fields } = assignFieldIds(named, 1);
  return {
    schema: { schemaId: 0, fields },
    written: fields,
    spec: { specId: 0, fields: [] },
    properties: {},
    dataFolder: "data",
  };
}

/** The rows of both tables as text, and the counts of each file. */
export async function read(
  { pool, database, folder }: Tools,
  files: readonly LocalRawFile[],
  how: Pick<RouteOptions, "limits" | "judgesAll" | "onEmpty" | "recordsAt" | "pathColumns">,
): Promise<Rows> {
  const scratch = Scratch.create(`${folder}/reading-${readings++}`);
  const tablesFor = (contract: Contract) => ({
    events: targetOf(eventFields(contract, { rescued: false })),
    deadLetters: targetOf(deadLetterFields(contract)),
  });
  const { events, deadLetters, tallies } = await readFiles(files, [], {
    ...how,
    connect: () => database.connect(),
    meter: new Meter(systemClock),
    readers: pool,
    scratch,
    contract: CONTRACT,
    onExtraFields: "dead-letter",
    room: { taken: new Set(), columns: 100 },
    batchId: 1n,
    ingestedAtMicros: 0n,
    tablesFor,
  });
  const connection = await database.connect();
  const rowsOf = async (paths: readonly string[]) => {
    if (paths.length === 0) return [];
    // A map's entries have no order.
    const columns = "* REPLACE (list_sort(map_entries(labels)) AS labels)";
    const table = `(SELECT ${columns} FROM read_parquet([${paths.map(quoteText)}]))`;
    const rows = await connection.rows(`SELECT to_json(t) AS row FROM ${table} t`);
    return rows.map(({ row }) => String(row)).sort();
  };
  const result = {
    events: await rowsOf(events.written.map(({ path }) => path)),
    deadLetters: await rowsOf(deadLetters.written.map(({ path }) => path)),
    tallies: [...tallies.values()].map((tally) => JSON.stringify(tally)).sort(),
  };
  connection.close();
  scratch.remove();
  return result;
}

/** A row has the text of a whole file: of those that only one has, the beginnings are enough. */
export function same(cut: Rows, other: Rows, how: string): void {
  for (const [name, rows] of Object.entries(cut)) {
    const lone = (from: readonly string[], without: readonly string[]) =>
      from.filter((row) => !without.includes(row)).map((row) => row.slice(0, 250));
    const others = other[name]!;
    deepStrictEqual(lone(rows, others), lone(others, rows), `${name}, ${how}`);
    strictEqual(rows.length, others.length, `${name}, ${how}`);
  }
}
