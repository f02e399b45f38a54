import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { parseContract } from "../../core/contract/json_schema.ts";
import { DuckDb, quoteText } from "../../core/engine/duckdb.ts";
import { audit } from "../maintain/audited.ts";
import { ConsumeWorld } from "./consume_world.ts";

const contract = parseContract(JSON.stringify({
  type: "object",
  required: ["id", "dt"],
  properties: {
    id: { type: "integer" },
    dt: { type: "string", format: "date" },
    hour: { type: "integer" },
  },
}));

const optionsOf = (world: ConsumeWorld, recordsAt?: string) => {
  return { contract, zone: { ...world.options().zone, pathColumns: ["dt", "hour"], recordsAt } };
};

const rowsOf = (world: ConsumeWorld) =>
  world.rows(`SELECT regexp_extract(_source_file, '[^/]*$') AS file, _source_position::int AS at, id::int AS id,
      dt::text AS dt, hour::int AS hour FROM {{bronze.events}} ORDER BY ALL`);

async function writeParquet(path: string): Promise<void> {
  const database = await DuckDb.open({ threads: 1 });
  const connection = await database.connect();
  await connection.run(`COPY (SELECT 7 AS id) TO ${quoteText(path)} (FORMAT parquet)`);
  connection.close();
  database.close();
}

Deno.test("folders of the path become columns of every record, in any kind of file", () =>
  ConsumeWorld.use(async (world) => {
    const folder = "dt=2026-03-01/hour=03";
    world.put(`${folder}/array.json`, '[{"id":1},{"id":2}]');
    world.put(`${folder}/lines.ndjson`, '\uFEFF{"id":3}\n\n{ "id":4 }\n');
    world.put(`${folder}/packed.json.gz`, gzipSync('{"id":5}{"id":6}'));
    await writeParquet(world.rawPath(`${folder}/rows.parquet`));
    world.put("dt=2026-03-02/no-hour.json", '[{"id":8}]');
    await world.consume(optionsOf(world));
    const at = { dt: "2026-03-01", hour: 3 };
    deepStrictEqual(await rowsOf(world), [
      { file: "array.json", at: 0, id: 1, ...at },
      { file: "array.json", at: 1, id: 2, ...at },
      { file: "lines.ndjson", at: 0, id: 3, ...at },
      { file: "lines.ndjson", at: 1, id: 4, ...at },
      { file: "no-hour.json", at: 0, id: 8, dt: "2026-03-02", hour: null },
      { file: "packed.json.gz", at: 0, id: 5, ...at },
      { file: "packed.json.gz", at: 1, id: 6, ...at },
      { file: "rows.parquet", at: 0, id: 7, ...at },
    ]);
  }));

Deno.test("a folder's value that is not of its type, none, and a field that the record has too, are letters", () =>
  ConsumeWorld.use(async (world) => {
    world.put("dt=tomorrow/a.json", '[{"id":1}]');
    world.put("hour=1/b.json", '[{"id":1}]');
    world.put("dt=2026-03-01/c.ndjson", '{"id":1,"dt":"2026-03-02"}\n7\n{"id":2\n{"id":3}\n{}\n');
    await world.consume(optionsOf(world));
    deepStrictEqual(
      await world.rows(`SELECT regexp_extract(_source_file, '[^/]*$') || ' ' || _source_position || ' ' ||
          _dead_letter_reason || ': ' || _dead_letter_detail AS why, _raw_record AS raw
        FROM {{dead_letters.events}} ORDER BY ALL`),
      [
        {
          why: 'a.json 0 invalid_schema: /dt: expected date (YYYY-MM-DD), found string "tomorrow"',
          raw: '{"dt":"tomorrow","id":1}',
        },
        {
          why: "b.json 0 invalid_schema: /dt: expected date (YYYY-MM-DD), found no such field",
          raw: '{"hour":1,"id":1}',
        },
        {
          why: "c.ndjson 0 invalid_schema: /dt: expected a key once in its object, found it twice",
          raw: '{"dt":"2026-03-01","id":1,"dt":"2026-03-02"}',
        },
        { why: "c.ndjson 1 invalid_schema: the record: expected object, found number 7", raw: "7" },
        { why: "c.ndjson 2 corrupted_record: character 8: expected ',' or '}', found the end", raw: '{"id":2' },
        {
          why: "c.ndjson 4 invalid_schema: /id: expected integer of 64 bits, found no such field",
          raw: '{"dt":"2026-03-01" }',
        },
      ],
    );
    deepStrictEqual((await rowsOf(world)).map(({ at }) => at), [3]);
  }));

Deno.test("records of envelopes get them, too, and other fields are for the files from then on", () =>
  ConsumeWorld.use(async (world) => {
    world.put("dt=2026-03-01/a.json", '{"Records":[{"id":1},{"id":2}]}');
    await world.consume(optionsOf(world, "/Records"));
    deepStrictEqual((await rowsOf(world)).map(({ id, dt }) => [id, dt]), [[1, "2026-03-01"], [2, "2026-03-01"]]);
    const { zone } = optionsOf(world, "/Records");
    world.put("dt=2026-03-02/hour=4/b.json", '{"Records":[{"id":3}]}');
    await world.consume({ contract, zone: { ...zone, pathColumns: ["dt"] } });
    deepStrictEqual((await rowsOf(world)).map(({ id, hour }) => [id, hour]), [[1, null], [2, null], [3, null]]);
    strictEqual((await audit(world)).status, 0);
  }));
