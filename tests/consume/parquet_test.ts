import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { parseContract } from "../../core/contract/json_schema.ts";
import { quoteText } from "../../core/engine/duckdb.ts";
import { ConsumeWorld } from "./consume_world.ts";

const event =
  "'u' AS user_id, 'e' AS event_id, 't' AS event_type, TIMESTAMPTZ '2026-03-01 12:00:00.123456+02' AS event_timestamp";

/** Writes the rows of a query as a raw file. */
async function putRows(world: ConsumeWorld, name: string, query: string, options = ""): Promise<void> {
  await world.rows(`COPY (${query}) TO ${quoteText(world.rawPath(`${name}.parquet`))} (FORMAT parquet${options})`);
}

async function letters(world: ConsumeWorld): Promise<Record<string, unknown>> {
  const rows = await world.rows(
    "SELECT _source_file AS file, _dead_letter_reason || ' ' || _dead_letter_detail AS why FROM {{dead_letters.events}}",
  );
  return Object.fromEntries(rows.map(({ file, why }) => [(file as string).replace(/^.*\/|\.parquet$/g, ""), why]));
}

Deno.test("values of Parquet become text without a digit lost, in maps and nested", () =>
  ConsumeWorld.use(async (world) => {
    const values: [string, string][] = [
      ["1.50::DECIMAL(9,2)", "1.50"],
      ["12345678901234567890123456789.000000001::DECIMAL(38,9)", "12345678901234567890123456789.000000001"],
      ["9007199254740993::BIGINT", "9007199254740993"],
      ["18446744073709551615::UBIGINT", "18446744073709551615"],
      ["0.1::DOUBLE", "0.1"],
      ["-0.0::DOUBLE", "-0.0"],
      ["true", "true"],
      ["'ü\"\\' || chr(0) || chr(10)", 'ü"\\\0\n'],
      ["DATE '2024-02-29'", "2024-02-29"],
      ["TIMESTAMPTZ '1969-12-31 23:59:59.999999+00'", "1969-12-31T23:59:59.999999Z"],
      ["'1cc9f319-60ad-468b-a86b-69a1b3a53aba'::UUID", "1cc9f319-60ad-468b-a86b-69a1b3a53aba"],
    ];
    for (const [index, [sql]] of values.entries()) {
      await putRows(world, `${index}`, `SELECT ${event}, MAP {'k"': ${sql}} AS properties`);
    }
    await world.consume();
    deepStrictEqual(await letters(world), {});
    const rows = await world.rows(
      "SELECT properties['k\"'] AS text FROM {{bronze.events}} ORDER BY regexp_extract(_source_file, '\\d+')::INT",
    );
    deepStrictEqual(rows.map(({ text }) => text), values.map(([, text]) => text));
  }));

Deno.test("structs, lists and every type of a contract are read from Parquet", () =>
  ConsumeWorld.use(async (world) => {
    const contract = parseContract(`{"type":"object","properties":{
      "d":{"type":"number","multipleOf":1e-9,"minimum":-1e28,"maximum":1e28},
      "s":{"type":"object","properties":{"at":{"type":"string","format":"date-time"},"x":{"type":["number","null"]}}},
      "l":{"type":"array","items":{"type":"object","properties":{"n":{"type":"integer"}}}},
      "e":{"type":"array","items":{"type":"string"}}}}`);
    await putRows(
      world,
      "a",
      `SELECT -1234567890123456789012345678.000000001::DECIMAL(38,9) AS d,
        {'at': TIMESTAMPTZ '2026-03-01 00:00:00+00', 'x': NULL::DOUBLE} AS s, [{'n': 1}, {'n': NULL}] AS l, []::VARCHAR[] AS e
       UNION ALL SELECT NULL, NULL, NULL, NULL`,
    );
    await world.consume({ contract });
    deepStrictEqual(await letters(world), {});
    const rows = await world.rows(
      "SELECT d::VARCHAR AS d, s::VARCHAR AS s, l::VARCHAR AS l, e::VARCHAR AS e FROM {{bronze.events}} ORDER BY d",
    );
    deepStrictEqual(rows, [
      {
        d: "-1234567890123456789012345678.000000001",
        s: "{'at': '2026-03-01 00:00:00+00', 'x': NULL}",
        l: "[{'n': 1}, {'n': NULL}]",
        e: "[]",
      },
      { d: null, s: null, l: null, e: null },
    ]);
  }));

Deno.test("a list's structs are read right beside columns that are named as the SQL names its elements", () =>
  ConsumeWorld.use(async (world) => {
    const struct = `{"type":"object","properties":{"n":{"type":"integer"}}}`;
    const contract = parseContract(`{"type":"object","properties":{"l":{"type":"array","items":${struct}},
      "v0":${struct},"read_parquet":${struct},"n":{"type":"integer"}}}`);
    await putRows(world, "a", "SELECT [{'n': 1}] AS l, {'n': 2} AS v0, {'n': 3} AS read_parquet, 4 AS n");
    await world.consume({ contract });
    deepStrictEqual(
      await world.rows(
        "SELECT l[1].n::INT AS l, v0.n::INT AS v, read_parquet.n::INT AS r, n::INT AS n FROM {{bronze.events}}",
      ),
      [
        { l: 1, v: 2, r: 3, n: 4 },
      ],
    );
  }));

Deno.test("what does not fit the contract is said of a row of Parquet as of any record", () =>
  ConsumeWorld.use(async (world) => {
    await putRows(world, "nan", `SELECT ${event}, 'nan'::DOUBLE AS product_id`);
    await putRows(world, "extra", `SELECT ${event}, 1 AS file_row_number, 2 AS filename`);
    await putRows(
      world,
      "local",
      `SELECT * REPLACE (TIMESTAMP '2026-03-01 12:00:00' AS event_timestamp) FROM (SELECT ${event})`,
    );
    await putRows(world, "null", `SELECT * REPLACE (NULL::VARCHAR AS user_id) FROM (SELECT ${event})`);
    await putRows(world, "none", `SELECT ${event} WHERE false`);
    const inNumber = parseContract('{"type":"object","properties":{"product_id":{"type":"number"}}}');
    await world.consume();
    const found = await letters(world);
    const instant = "date-time with an offset (RFC 3339): the offset is missing, " +
      "which date-time-lenient with --assume-offset takes";
    deepStrictEqual(found, {
      extra: "extra_fields expected only fields that the contract names, found /file_row_number, /filename",
      local:
        `invalid_schema /event_timestamp: expected ${instant}, found string "2026-03-01T12:00:00.000000"; the Parquet column has no time zone`,
      null: "invalid_schema /user_id: expected string, found null",
    });
    const [none] = await world.rows(
      "SELECT status, records, dead_letters AS letters FROM {{ingest.files}} WHERE source_file LIKE '%none.parquet'",
    );
    deepStrictEqual(none, { status: "ingested", records: 0n, letters: 0n }, "a valid file without rows is only empty");
    await putRows(world, "number", "SELECT 'inf'::DOUBLE AS product_id");
    await world.consume({ contract: inNumber, target: { namespace: ["other"], name: "numbers" } });
    const [letter] = await world.rows(
      "SELECT _dead_letter_detail AS why FROM {{dead_letters.other_numbers}} WHERE _source_file LIKE '%number.parquet'",
    );
    strictEqual(letter!.why, '/product_id: expected number in the range of a double, found string "inf"');
  }));

Deno.test("positions are those of the rows, through row groups, beside a column named file_row_number too", () =>
  ConsumeWorld.use(async (world) => {
    const contract = parseContract(
      '{"type":"object","properties":{"n":{"type":"integer"},"file_row_number":{"type":"integer"}},"required":["n"]}',
    );
    await putRows(world, "a", "SELECT i AS n FROM range(20000) t(i)", ", ROW_GROUP_SIZE 2048");
    await putRows(world, "b", "SELECT i AS n, -i AS file_row_number FROM range(20000) t(i)", ", ROW_GROUP_SIZE 2048");
    await world.consume({ contract });
    const [row] = await world.rows(
      "SELECT count(*)::INT AS n, count(*) FILTER (n <> _source_position)::INT AS wrong FROM {{bronze.events}}",
    );
    deepStrictEqual(row, { n: 40_000, wrong: 0 });
  }));

Deno.test("bytes without a mark are UTF-8, or their row is a dead letter that says where they are not", () =>
  ConsumeWorld.use(async (world) => {
    const text = { type: "string" };
    const contract = parseContract(JSON.stringify({
      type: "object",
      properties: {
        a: text,
        l: { type: "array", items: text },
        m: { type: "object", additionalProperties: text },
        s: { type: "object", properties: { a: text } },
      },
    }));
    const bytes = (hex: string) => `from_hex('${hex}')`;
    const good = ["café", "日本", "back\\slash", '"\u0001\0', ""];
    const rows = good.map((each) => {
      const value = bytes(new TextEncoder().encode(each).toHex());
      return `SELECT ${value} AS a, [${value}] AS l, MAP {${value}: ${value}} AS m, {'a': ${value}} AS s`;
    });
    await putRows(world, "good", rows.join(" UNION ALL "));
    const odd = ["ff", "61c3", "eda080", "f4908080"].map(bytes);
    const plain = "'x'::BLOB";
    const columns = (index: number, value: string) =>
      [value, `[${value}]`, `MAP {${value}: ${plain}}`, `{'a': ${value}}`].map((each, i) =>
        `${i === index ? each : [plain, `[${plain}]`, `MAP {${plain}: ${plain}}`, `{'a': ${plain}}`][i]} AS ${
          ["a", "l", "m", "s"][i]
        }`
      ).join(", ");
    await putRows(
      world,
      "odd",
      odd.flatMap((value) => [0, 1, 2, 3].map((index) => `SELECT ${columns(index, value)}`)).join(" UNION ALL "),
    );
    await world.consume({ contract });
    const events = await world.rows(
      "SELECT a, l[1] AS l, map_keys(m)[1] AS k, m[a] AS m, s.a AS s FROM {{bronze.events}}",
    );
    deepStrictEqual(
      events.map((row) => [...new Set(Object.values(row))]).toSorted(),
      good.map((each) => [each]).toSorted(),
    );
    const found = await world.rows(
      "SELECT _dead_letter_detail AS why, _raw_record AS raw FROM {{dead_letters.events}} ORDER BY _source_position",
    );
    strictEqual(found.length, 16);
    for (const [index, { why, raw }] of found.entries()) {
      match(
        why as string,
        /^\/[alms].*Unicode text.*; \\udc80 to \\udcff stand for bytes 80 to ff that are not UTF-8$/,
      );
      strictEqual(
        (raw as string).includes(["\\udcFF", "a\\udcC3", "\\udcED\\udcA0\\udc80", "\\udcF4"][index >> 2]!),
        true,
      );
    }
  }));
