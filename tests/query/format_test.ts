import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { tableFromIPC } from "apache-arrow";
import fc from "../support/property.ts";
import { DuckDb } from "../../core/engine/duckdb.ts";
import { type RowStream, streamRows } from "../../core/engine/duckdb_stream.ts";
import { formatArrow } from "../../core/query/format/format_arrow.ts";
import { formatLine } from "../../core/query/format/format_line.ts";
import { formatTable } from "../../core/query/format/format_table.ts";
import { formatCsv, formatJson, formatMarkdown, formatNdjson } from "../../core/query/format/format_text.ts";
import { textOf } from "../../core/query/format/value_text.ts";
import { visibleText } from "../../core/base/visible_text.ts";
import { cutToWidth, textWidth } from "../../core/query/format/text_width.ts";

async function withRows<T>(sql: string, use: (rows: RowStream) => Promise<T>): Promise<T> {
  const database = await DuckDb.open({ threads: 1 });
  try {
    return await use(await streamRows(await database.connect(), sql));
  } finally {
    database.close();
  }
}

const textAs = (format: (rows: RowStream) => AsyncIterable<string>) => (sql: string) =>
  withRows(sql, async (rows) => {
    let text = "";
    for await (const piece of format(rows)) text += piece;
    return text;
  });

const json = textAs(formatJson),
  ndjson = textAs(formatNdjson),
  csv = textAs(formatCsv),
  markdown = textAs(formatMarkdown);
const table = textAs(formatTable),
  narrow = textAs((rows) => formatTable(rows, { columns: 30, wayToAll: "ask for lines" }));

const jsonValues: [string, string][] = [
  ["9223372036854775807", "9223372036854775807"],
  ["170141183460469231731687303715884105727::HUGEINT", "170141183460469231731687303715884105727"],
  ["0.1::DECIMAL(38,20)", "0.10000000000000000000"],
  ["-0.5::DECIMAL(4,2)", "-0.50"],
  ["0.1::FLOAT", "0.1"],
  ["16777216::FLOAT", "16777216.0"],
  ["1e300::DOUBLE", "1e+300"],
  ["'NaN'::DOUBLE", '"NaN"'],
  ["'-inf'::FLOAT", '"-Infinity"'],
  ["-0.0::DOUBLE", "-0.0"],
  ["true", "true"],
  ["NULL", "null"],
  ["'a\"\\' || chr(10) || '😀'", '"a\\"\\\\\\n😀"'],
  ["DATE '2026-03-01'", '"2026-03-01"'],
  ["TIMESTAMPTZ '2026-03-01 12:00:00.5+02'", '"2026-03-01T10:00:00.5Z"'],
  ["TIMESTAMP '0044-03-15 (BC) 12:00:00'", '"0044-03-15 (BC)T12:00:00"'],
  ["'infinity'::TIMESTAMPTZ", '"infinity"'],
  ["TIME '12:00:00'", '"12:00:00"'],
  ["INTERVAL 1 DAY", '"1 day"'],
  ["'\\x00\\xFF'::BLOB", '"AP8="'],
  ["'1cc9f319-60ad-468b-a86b-69a1b3a53aba'::UUID", '"1cc9f319-60ad-468b-a86b-69a1b3a53aba"'],
  ["[1, NULL, 3]", "[1,null,3]"],
  ["[1, 2]::INT[2]", "[1,2]"],
  ["{a: 1, 'b c': [{d: 'x'}]}", '{"a":1,"b c":[{"d":"x"}]}'],
  ["MAP {'k': 1, 'l': NULL}", '{"k":1,"l":null}'],
  ["MAP {1: 'a'}", '[[1,"a"]]'],
  ["'{\"a\":\n 1.50}'::JSON", '{"a":  1.50}'],
  ["'b'::ENUM('a', 'b')", '"b"'],
];

for (const [sql, expected] of jsonValues) {
  Deno.test(`as JSON, ${sql} is ${expected}`, async () => {
    const text = await ndjson(`SELECT ${sql} AS v`);
    strictEqual(text, `{"v":${expected}}\n`);
    JSON.parse(text);
  });
}

Deno.test("json is one array, whatever the number of rows", async () => {
  strictEqual(await json("SELECT 1 AS a WHERE false"), "[]\n");
  strictEqual(await json("SELECT * FROM range(2) t(a)"), '[{"a":0},\n{"a":1}]\n');
  strictEqual(JSON.parse(await json("SELECT * FROM range(5000) t(a)")).length, 5000);
  strictEqual(await ndjson("SELECT 1 AS a, 2 AS a"), '{"a":1,"a:1":2}\n');
});

Deno.test("CSV quotes what needs it, and tells null from the empty text", async () => {
  strictEqual(
    await csv(`SELECT 'a,b' AS "x,y", '' AS e, NULL AS n, 'q"' AS q, chr(10) AS l, 'plain' AS p`),
    '"x,y",e,n,q,l,p\n"a,b","",,"q""","\n",plain\n',
  );
});

Deno.test("lists, structs and maps are JSON in a table, CSV and Markdown, as they are elsewhere", async () => {
  const sql = `SELECT ['a, b', 'c', '', NULL] AS l, {'a': 'x'', ''b'': 5}', 'b': 2} AS s, MAP {'k': [1.5]} AS m`;
  const values = ['["a, b","c","",null]', `{"a":"x', 'b': 5}","b":2}`, '{"k":[1.5]}'];
  strictEqual(await csv(sql), `l,s,m\n${values.map((each) => `"${each.replaceAll('"', '""')}"`).join(",")}\n`);
  strictEqual(await markdown(sql), `| l | s | m |\n| --- | --- | --- |\n| ${values.join(" | ")} |\n`);
});

Deno.test("Markdown keeps a value in its cell", async () => {
  strictEqual(
    await markdown("SELECT 'a|b' AS t, 1 AS n, 'x' || chr(10) || 'y' AS l"),
    "| t | n | l |\n| --- | ---: | --- |\n| a\\|b | 1 | x<br>y |\n",
  );
});

Deno.test("a table lines up, numbers to the right, null shown, rows counted", async () => {
  strictEqual(
    await table("SELECT * FROM (VALUES ('purchase', 839), (NULL, 5)) t(event_type, n)"),
    "event_type    n\n──────────  ───\npurchase    839\nNULL          5\n(2 rows)\n",
  );
  strictEqual(
    await table("SELECT '你好' AS a, chr(27) || '[2J' AS b"),
    "a     b\n────  ─────────\n你好  \\u001b[2J\n(1 row)\n",
  );
  strictEqual((await table("SELECT * FROM range(5000)")).split("\n").length, 5004);
});

Deno.test("on a terminal whole columns are shown as long as they fit, and the others are named", async () => {
  const wide = "SELECT repeat('a', 20) AS first, repeat('b', 15) AS second, 3 AS third, repeat('d', 9) AS fourth";
  strictEqual(
    await narrow(wide),
    `first                 third\n${"─".repeat(20)}  ─────\n${"a".repeat(20)}      3\n(1 row)\n` +
      "2 of 4 columns left out (second, fourth); ask for lines\n",
  );
  strictEqual((await table(wide)).split("\n")[2], `${"a".repeat(20)}  ${"b".repeat(15)}      3  ${"d".repeat(9)}`);
  const names = Array.from({ length: 40 }, (_, index) => `${index} AS column_${index}`).join(", ");
  const [last] = (await textAs((rows) => formatTable(rows, { columns: 80, wayToAll: "ask for lines" }))(
    `SELECT ${names}`,
  )).trimEnd().split("\n").slice(-1);
  match(last!, /^32 of 40 columns left out \(column_8, .*…\); ask for lines$/);
  ok(textWidth(last!) <= 80);
});

Deno.test("a column that is wider than all is cut, and takes the room that is left", async () => {
  const text = await narrow("SELECT 1 AS id, repeat('x', 50) AS long, 'short' AS s");
  strictEqual(text.split("\n")[2], " 1  short");
  const cut = await narrow("SELECT repeat('x', 50) AS long, 1 AS id");
  strictEqual(cut.split("\n")[2], `${"x".repeat(29)}…`);
  const shared = await textAs((rows) => formatTable(rows, { columns: 60, wayToAll: "" }))(
    "SELECT repeat('x', 90) AS long, 1 AS id",
  );
  strictEqual(shared.split("\n")[2], `${"x".repeat(55)}…   1`);
});

Deno.test("a row too wide to read side by side has a line for each value, whole", async () => {
  strictEqual(
    await textAs(formatLine)("SELECT repeat('x', 90) AS text, NULL AS none, 1 AS 一 FROM range(2)"),
    `${`text = ${"x".repeat(90)}\nnone = NULL\n  一 = 1\n\n`.repeat(2)}(2 rows)\n`,
  );
});

Deno.test("text is measured in columns and cut at letters", () => {
  strictEqual(textWidth("abc"), 3);
  strictEqual(textWidth("你好"), 4);
  strictEqual(textWidth("👩‍👩‍👧e\u0301"), 3);
  strictEqual(cutToWidth("你好吗", 5), "你好…");
  strictEqual(cutToWidth("你好吗", 4), "你…");
  strictEqual(visibleText("a\u0000\u202eb"), "a\\u0000\\u202eb");
});

Deno.test("values read as DuckDB prints them", async () => {
  const expressions = [
    "1.5::DOUBLE",
    "1e15::DOUBLE",
    "1e16::DOUBLE",
    "1.25e-7::DOUBLE",
    "0.0001::DOUBLE",
    "1e308::DOUBLE",
    "0::DOUBLE",
    "100::DOUBLE",
    "3.4e38::FLOAT",
    "0.1::FLOAT",
    "'nan'::DOUBLE",
    "TIMESTAMPTZ '2026-03-01 00:00:00.120000+00'",
    "TIMESTAMP '0001-01-01 00:00:00'",
    "TIMESTAMP '290000-12-31 23:59:59.999999'",
    "'\\xAA'::BLOB",
    "INTERVAL '1 month 2 days 03:04:05'",
    "1.50::DECIMAL(5,2)",
  ];
  for (const sql of expressions) {
    await withRows(`SELECT ${sql} AS v, (${sql})::VARCHAR AS t`, async ({ columns, chunks }) => {
      for await (const [row] of chunks) strictEqual(textOf(columns[0]!.type, row![0]!), row![1], sql);
    });
  }
});

Deno.test("Arrow holds every value exactly", async () => {
  const bytes = await withRows(
    `SELECT i, i::DECIMAL(20,2) / 4 AS d, TIMESTAMPTZ '2026-03-01 00:00:00.123456+00' AS t, 'x' || i AS s, [i, NULL] AS l,
      {a: i} AS st, MAP {'k': i} AS m, i % 2 = 0 AS b, CASE WHEN i > 0 THEN i END AS n FROM range(20000) r(i)`,
    async (rows) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of formatArrow(rows)) pieces.push(piece.slice());
      return new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
    },
  );
  const arrow = tableFromIPC(bytes);
  strictEqual(arrow.numRows, 20_000);
  strictEqual(arrow.getChild("i")!.get(19_999), 19_999n);
  strictEqual(arrow.getChild("t")!.data[0]!.values[0], 1772323200123456n);
  strictEqual(arrow.getChild("s")!.get(7), "x7");
  deepStrictEqual(arrow.getChild("l")!.get(7)!.toArray().length, 2);
  strictEqual(arrow.getChild("st")!.get(7)!.a, 7n);
  strictEqual(arrow.getChild("m")!.get(7)!.k, 7n);
  strictEqual(arrow.getChild("n")!.nullCount, 1);
  strictEqual(arrow.getChild("b")!.get(7), false);
});

Deno.test("an empty answer is a table with columns in every format", async () => {
  const empty = "SELECT 1 AS a, 'x' AS b WHERE false";
  strictEqual(await csv(empty), "a,b\n");
  strictEqual(await ndjson(empty), "");
  strictEqual(await table(empty), "a  b\n─  ─\n(0 rows)\n");
  const fields = await withRows(empty, async (rows) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of formatArrow(rows)) pieces.push(piece.slice());
    return tableFromIPC(pieces).schema.fields.map(({ name }) => name);
  });
  deepStrictEqual(fields, ["a", "b"]);
});

Deno.test("an instant is shown in a time zone as DuckDB shows it there", async () => {
  const zones = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati", "America/St_Johns", "UTC"];
  const [start, end] = [Date.UTC(1980, 0), Date.UTC(2035, 0)];
  const check = async (timeZone: string, ms: number) => {
    const database = await DuckDb.open({ threads: 1 });
    try {
      const connection = await database.connect();
      await connection.run(`SET TimeZone = '${timeZone}'`);
      const rows = await streamRows(
        connection,
        `SELECT t, t::VARCHAR FROM (SELECT make_timestamptz(${ms * 1_000}) AS t)`,
      );
      let text = "";
      for await (const piece of formatCsv({ ...rows, timeZone })) text += piece;
      const [ours, theirs] = text.split("\n")[1]!.split(",");
      strictEqual(ours, theirs, `${timeZone} ${ms}`);
    } finally {
      database.close();
    }
  };
  // Around the clocks' changes, and anywhere.
  for (const ms of [Date.UTC(2026, 2, 29, 1) - 1, Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 9, 25, 1)]) {
    await check("Europe/Berlin", ms);
  }
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...zones), fc.integer({ min: start, max: end }), check),
    { numRuns: 25 },
  );
});
