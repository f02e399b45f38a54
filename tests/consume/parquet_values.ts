import { deepStrictEqual } from "node:assert/strict";
import { parseContract } from "../../core/contract/json_schema.ts";
import { quoteName } from "../../core/engine/duckdb.ts";
import type { ConsumeWorld } from "./consume_world.ts";
import type { ParquetTable } from "./parquet_tables.ts";

export interface Compared {
  events: number;
  deadLetters: number;
  values: number;
}

/**
 * Ingests the Parquet file `raw/events/<name>/a.parquet` beside the same rows as JSON, and compares
 * what became of each row.
 */
export async function compareWithJson(world: ConsumeWorld, name: string, table: ParquetTable): Promise<Compared> {
  world.put(`${name}/b.ndjson`, table.lines.join("\n") + "\n");
  const contract = parseContract(table.contract);
  await world.consume({
    contract,
    zone: { store: world.store, prefix: `raw/events/${name}/`, nameBase: "", format: undefined },
    target: { namespace: ["values"], name },
  });
  const columns = contract.fields.map((field) => `CAST(${quoteName(field.name)} AS VARCHAR)`);
  // What was found is told in the words of the file.
  const why = "regexp_extract(_dead_letter_reason || ' ' || _dead_letter_detail, '^(.*?)(, found .*)?$', 1)";
  const rows = await world.rows(
    `SELECT _source_file LIKE '%.parquet' AS is_parquet, _source_position::INT AS position, NULL AS why,
  [${columns}]::JSON::VARCHAR AS row
FROM {{values.${name}}} UNION ALL BY NAME
SELECT _source_file LIKE '%.parquet' AS is_parquet, _source_position::INT AS position, ${why} AS why,
  [${columns}]::JSON::VARCHAR AS row
FROM {{dead_letters.values_${name}}} ORDER BY position`,
  );
  const of = (isParquet: boolean) =>
    rows.filter((row) => row.is_parquet === isParquet).map(({ position, why, row }) => ({ position, why, row }));
  const parquet = of(true), json = of(false);
  const types = table.columns.map((column) => `${column.name} ${column.type}`).join(", ");
  deepStrictEqual(parquet.length, table.lines.length, `${types}: ${parquet[0]?.why}`);
  for (const [index, expected] of json.entries()) {
    deepStrictEqual(parquet[index], expected, `${table.lines[index]}\nof ${types}\nby ${table.contract}`);
  }
  const deadLetters = parquet.filter((row) => row.why !== null).length;
  return {
    events: parquet.length - deadLetters,
    deadLetters,
    values: parquet.length * contract.fields.length,
  };
}
