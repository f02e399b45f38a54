import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { isKind, StreamlabError } from "../../core/base/errors.ts";
import { DuckDb, quoteText } from "../../core/engine/duckdb.ts";
import { RemoteFiles } from "../../core/tables/read/remote_files.ts";
import { Scratch } from "../../core/disk/scratch.ts";
import { findTables } from "../../core/query/lake_tables.ts";
import { parseQuestion, type Question } from "../../core/query/question.ts";
import { QuestionTables } from "../../core/query/table_binding.ts";
import { planSql } from "../../core/query/plan/plan_filter.ts";
import { closeOff } from "../../core/query/sql_session.ts";
import type { Field, Type } from "../../core/iceberg/format/type.ts";
import { QueryWorld } from "../support/query_world.ts";

const field = (name: string, type: Type): Field => ({ id: 0, name, required: false, type });
const text: Type = { type: "string" };
const map: Type = { type: "map", keyId: 0, key: text, valueId: 0, valueRequired: false, value: text };

const eventFields = [
  field("user_id", text),
  field("ts", { type: "timestamptz" }),
  field("n", { type: "int" }),
  field("properties", map),
];

/** Three days of 24 events in bronze.events, a file a day. */
async function withEvents(action: (world: QueryWorld) => Promise<void>): Promise<void> {
  await QueryWorld.use(async (world) => {
    const table = await world.lake.create("bronze.events", eventFields, [{ column: "ts", transform: { name: "day" } }]);
    await world.lake.append(
      table,
      `SELECT 'u' || i AS user_id, TIMESTAMPTZ '2026-03-01 00:00:00+00' + INTERVAL (i) HOUR AS ts, i::INT AS n,
        MAP {'a': i::VARCHAR} AS properties FROM range(72) t(i)`,
    );
    await action(world);
  });
}

const isError = (kind: string, pattern: RegExp) => (error: unknown) => {
  ok(error instanceof StreamlabError, String(error));
  strictEqual(error.kind, kind);
  ok(pattern.test(`${error.message} | ${error.hint}`), `${error.message} | ${error.hint}`);
  return true;
};

Deno.test("a question without tables needs no lake", () =>
  QueryWorld.use(async ({ session }) => {
    await session.ask("select 1", {}, ({ columns }) => Promise.resolve(strictEqual(columns.length, 1)));
  }));

Deno.test("rows come back with their values, whatever the case of the table's name", () =>
  withEvents(async (world) => {
    deepStrictEqual(await world.ask("select user_id, ts, n, properties from BRONZE.Events where n = 25"), [
      '{"user_id":"u25","ts":"2026-03-02T01:00:00Z","n":25,"properties":{"a":"25"}}',
    ]);
  }));

Deno.test("an empty table has its columns and no rows", () =>
  QueryWorld.use(async (world) => {
    await world.lake.create("a.b", eventFields);
    deepStrictEqual(await world.ask("select * from a.b"), []);
    deepStrictEqual((await world.columns("select * from a.b")).map(({ type }) => type.sql), [
      "VARCHAR",
      "TIMESTAMP WITH TIME ZONE",
      "INTEGER",
      "MAP(VARCHAR, VARCHAR)",
    ]);
  }));

Deno.test("every type reads back as it was written", () =>
  QueryWorld.use(async (world) => {
    const types: [string, Type, string, string][] = [
      ["bo", { type: "boolean" }, "true", "true"],
      ["i", { type: "int" }, "-2147483648", "-2147483648"],
      ["l", { type: "long" }, "9223372036854775807", "9223372036854775807"],
      ["f", { type: "float" }, "0.1", "0.1"],
      ["d", { type: "double" }, "1e300", "1e+300"],
      [
        "de",
        { type: "decimal", precision: 38, scale: 9 },
        "12345678901234567890.123456789",
        "12345678901234567890.123456789",
      ],
      ["da", { type: "date" }, "DATE '0001-01-01'", '"0001-01-01"'],
      ["ti", { type: "time" }, "TIME '23:59:59.999999'", '"23:59:59.999999"'],
      ["ts", { type: "timestamp" }, "TIMESTAMP '1969-12-31 23:59:59.999999'", '"1969-12-31T23:59:59.999999"'],
      ["tz", { type: "timestamptz" }, "TIMESTAMPTZ '2026-03-01 12:00:00+02'", '"2026-03-01T10:00:00Z"'],
      ["s", text, "'ü😀\"'", '"ü😀\\""'],
      ["u", { type: "uuid" }, "'1cc9f319-60ad-468b-a86b-69a1b3a53aba'::UUID", '"1cc9f319-60ad-468b-a86b-69a1b3a53aba"'],
      ["bi", { type: "binary" }, "'\\xFF\\x00'::BLOB", '"/wA="'],
      [
        "li",
        { type: "list", elementId: 0, elementRequired: false, element: { type: "long" } },
        "[1, NULL]",
        "[1,null]",
      ],
      ["ma", map, "MAP {'k': 'v'}", '{"k":"v"}'],
      [
        "st",
        { type: "struct", fields: [field("x", { type: "int" }), field("y y", text)] },
        "{x: 1, 'y y': 'z'}",
        '{"x":1,"y y":"z"}',
      ],
    ];
    const table = await world.lake.create("a.b", types.map(([name, type]) => field(name, type)));
    await world.lake.append(table, `SELECT ${types.map(([name, , sql]) => `${sql} AS ${name}`).join(", ")}`);
    for (const [name, , , json] of types) {
      deepStrictEqual(await world.ask(`select ${name} from a.b`), [`{"${name}":${json}}`]);
    }
  }));

Deno.test("only the files that a question can need are opened, through joins, CTEs and subqueries", () =>
  withEvents(async (world) => {
    const days = ["ts_day=2026-03-01", "ts_day=2026-03-02", "ts_day=2026-03-03"];
    const cases: [string, number[]][] = [
      ["select * from bronze.events", [0, 1, 2]],
      ["select 1 from bronze.events where ts >= '2026-03-02' and ts < '2026-03-03'", [1]],
      ["select 1 from bronze.events where ts between '2026-03-01 23:00' and '2026-03-02'", [0, 1]],
      ["select 1 from bronze.events where ts::date = '2026-03-03'", [2]],
      ["select 1 from bronze.events where date_trunc('day', ts) = '2026-03-03'", [2]],
      ["select 1 from bronze.events where n > 50", [2]],
      ["select 1 from bronze.events where n in (1, 30)", [0, 1]],
      ["select 1 from bronze.events where n is null", []],
      ["select 1 from bronze.events where user_id = 'u9'", [0]],
      ["select 1 from bronze.events where user_id like 'u40%'", [0, 1]],
      ["select 1 from bronze.events where n = 3 or n = 60", [0, 2]],
      ["select 1 from bronze.events where not (n < 48)", [2]],
      ["select 1 from bronze.events where ts > now() + interval 100 year", []],
      ["with x as (select ts as t, n from bronze.events) select * from x where t < '2026-03-02'", [0]],
      ["with x as (select ts::date as day, n from bronze.events) select * from x where day = '2026-03-02'", [1]],
      ["select * from (select * from bronze.events order by n) where n < 5", [0]],
      ["select * from (select * from bronze.events limit 100) where n < 5", [0, 1, 2]],
      ["select count(*) from bronze.events group by n having n = 71", [2]],
      [
        "select 1 from bronze.events e join bronze.events f using (n) where e.ts < '2026-03-02' and f.ts < '2026-03-02'",
        [0],
      ],
      ["select 1 from bronze.events e join bronze.events f on e.n = f.n + 24 where e.n < 3 and f.n > 70", [0, 2]],
      ["select 1 from bronze.events e left join (values (1)) v(n) on v.n = e.n where e.n < 3", [0]],
      [
        "select 1 from (values (1)) v(n) where exists (select 1 from bronze.events e where e.n = v.n and e.ts < '2026-03-02')",
        [0],
      ],
      ["select 1 from bronze.events where n < 3 union all select 2 from bronze.events where n > 70", [0, 2]],
      ["explain select 1 from bronze.events where n < 3", [0]],
    ];
    for (const [sql, open] of cases) deepStrictEqual((await world.scan(sql)).open, open.map((day) => days[day]), sql);
  }));

Deno.test("a skipped file is listed with its reason", () =>
  withEvents(async (world) => {
    const lines = await world.ask("select 1 from bronze.events where n > 50 and ts < '2026-03-03'", {
      explainScan: true,
    });
    const reasons = lines.map((line) => JSON.parse(line)).map(({ partition, reason }) => `${partition} ${reason}`);
    deepStrictEqual(reasons.sort(), [
      "ts_day=2026-03-01 column bounds",
      "ts_day=2026-03-02 column bounds",
      "ts_day=2026-03-03 partition",
    ]);
  }));

Deno.test("now() is the same instant to the planner and to the query", () =>
  withEvents(async (world) => {
    const [line] = await world.ask(
      "select count(*) as n from bronze.events where ts <= now() - (now() - timestamptz '2026-03-02 05:00:00+00')",
    );
    strictEqual(line, '{"n":30}');
  }));

Deno.test("the past is asked by time and by snapshot", () =>
  QueryWorld.use(async (world) => {
    const table = await world.lake.create("a.b", [field("n", { type: "int" })]);
    const first = await world.lake.append(table, "SELECT 1 AS n");
    const second = await world.lake.append(first, "SELECT 2 AS n");
    const [before, after] = second.metadata.snapshots;
    const count = (options: object) => world.ask("select count(*) as n from a.b", options);
    deepStrictEqual(await count({}), ['{"n":2}']);
    deepStrictEqual(await count({ snapshotId: before!.snapshotId }), ['{"n":1}']);
    deepStrictEqual(await count({ snapshotId: after!.snapshotId }), ['{"n":2}']);
    deepStrictEqual(await count({ asOfMs: after!.timestampMs }), ['{"n":2}']);
    await rejects(() => count({ snapshotId: 1n }), isError("not-found", /a\.b has no snapshot 1 /));
    await rejects(() => count({ asOfMs: 0 }), isError("not-found", /no snapshot at 1970.*log begins at/));
  }));

Deno.test("metadata tables stand beside a table", () =>
  withEvents(async (world) => {
    const one = async (sql: string) => (await world.ask(sql))[0];
    strictEqual(await one('select operation as o from bronze."events$snapshots"'), '{"o":"append"}');
    strictEqual(await one('select count(*) as n from bronze."EVENTS$History"'), '{"n":1}');
    strictEqual(await one('select name, type from bronze."events$refs"'), '{"name":"main","type":"BRANCH"}');
    strictEqual(await one('select added_data_files_count as n from bronze."events$manifests"'), '{"n":3}');
    strictEqual(await one('select sum(record_count) as n from bronze."events$files"'), '{"n":72}');
    strictEqual(await one('select max(partition.ts_day) as d from bronze."events$partitions"'), '{"d":"2026-03-03"}');
    strictEqual(
      await one('select sum(data_file.record_count) as n from bronze."events$entries" where status = 1'),
      '{"n":72}',
    );
    strictEqual(await one('select count(*) as n from bronze."events$metadata_log"'), '{"n":2}');
    strictEqual(
      await one("select upper_bounds['n'] as n from bronze.\"events$files\" order by 1 desc limit 1"),
      '{"n":"71"}',
    );
  }));

Deno.test("tables are listed and described", () =>
  withEvents(async (world) => {
    await world.lake.create("dead_letters.events", eventFields);
    deepStrictEqual(await world.ask("show tables"), [
      '{"namespace":"bronze","name":"events"}',
      '{"namespace":"dead_letters","name":"events"}',
    ]);
    strictEqual((await world.ask("describe bronze.events")).length, 4);
    strictEqual((await world.ask("select 1 from information_schema.columns")).length, 8);
  }));

Deno.test("what does not fit the tables is refused in a sentence", () =>
  withEvents(async (world) => {
    const refused: [string, string, RegExp][] = [
      ["select * from bronze.event", "not-found", /There is no table bronze\.event \| There are bronze\.events/],
      ["select usr from bronze.events", "usage", /^Cannot run this SQL: .*"usr" .*Candidate bindings/],
      ["select nosuch(n) from bronze.events", "usage", /nosuch does not exist/],
      ["select n from bronze.events where user_id::int = 3", "usage", /Could not convert string 'u/],
      ["select * from events", "usage", /bronze\.events/],
    ];
    for (const [sql, kind, pattern] of refused) await rejects(() => world.ask(sql), isError(kind, pattern), sql);
  }));

Deno.test("a missing data file is named", () =>
  withEvents(async (world) => {
    const [line] = await world.ask('select file_path as path from bronze."events$files" limit 1');
    const path = JSON.parse(line!).path.slice("file://".length);
    await Deno.remove(path);
    await rejects(
      () => world.ask("select * from bronze.events"),
      isError("not-found", new RegExp(`Cannot read "${path}": there is no such file`)),
    );
  }));

Deno.test("a question that is stopped says so", () =>
  QueryWorld.use(async (world) => {
    const stop = new AbortController();
    const asking = world.session.ask("select * from range(1000000000000)", {
      signal: stop.signal,
    }, async ({ chunks }) => {
      stop.abort();
      for await (const _rows of chunks);
    });
    await rejects(() => asking, isError("interrupted", /Stopped/));
  }));

Deno.test("a question about a table is stopped while it is answered, and not afterwards", () =>
  withEvents(async (world) => {
    const stop = new AbortController();
    const sql = "select * from bronze.events, range(1000000000)";
    const asking = world.session.ask(sql, { signal: stop.signal }, async ({ chunks }) => {
      stop.abort();
      for await (const _rows of chunks);
    });
    await rejects(() => asking, isError("interrupted", /Stopped/));
    const late = new AbortController();
    deepStrictEqual(await world.ask("select count(*) as n from bronze.events", { signal: late.signal }), ['{"n":72}']);
    late.abort();
  }));

Deno.test("neither an answer nor an error nor a plan shows a file that is not the lake's", () =>
  withEvents(async (world) => {
    const path = `${world.lake.folder}/secret.csv`;
    await Deno.writeTextFile(path, "a\nthe-text-of-the-file\n");
    const reading = `select zzz from read_csv('${path}', columns = {'a': 'integer'})`;
    const planned = `json_serialize_plan(${quoteText(reading)})::varchar`;
    const attacks = [
      reading,
      `from '${path}'`,
      `from "${path}"`,
      `select struct_extract({'a': 1}, ${planned}) from bronze.events`,
      `select * from bronze.events where user_id = ${planned}`,
      `select json_serialize_plan(${quoteText(reading)}, optimize := true) from bronze.events`,
      `select * from histogram('${path}', a)`,
      `select * from histogram("${path}", a)`,
      `select * from bronze.events, histogram_values('${path}', a)`,
      `select * from json_execute_serialized_sql(json_serialize_sql(${quoteText(reading)}))`,
      `explain analyze ${reading}`,
      `explain analyze copy (select 1) to '${path}'`,
      `select (select max(content) from read_text('${path}'))`,
    ];
    for (const sql of attacks) {
      for (const explainScan of [false, true]) {
        await rejects(() => world.ask(sql, { explainScan }), (error) => {
          ok(isKind(error, "usage"), String(error));
          return !`${error.message} ${error.hint}`.includes("the-text");
        }, sql);
      }
    }
    // Past the judge of questions, the planner reaches nothing either.
    const database = await DuckDb.open({ threads: 1 });
    try {
      const connection = await database.connect();
      match(await planSql(connection, reading), /zzz/);
      await closeOff(connection, []);
      for (const sql of [reading, `select ${planned}`, `from '${path}'`]) {
        const plan = await planSql(connection, sql);
        match(plan, /file system operations are disabled|does not exist/, sql);
        ok(!plan.includes("the-text"), plan);
      }
    } finally {
      database.close();
    }
  }));

Deno.test("a histogram is of a table of the lake, by name", () =>
  withEvents(async (world) => {
    const [line] = await world.ask("select count(*) as bins, sum(count) as n from histogram(bronze.events, n)");
    strictEqual(JSON.parse(line!).n, 72);
  }));

Deno.test("a plan that needs other files than the one before is made anew, where all of them may be opened", () =>
  withEvents(async ({ lake }) => {
    const scratch = Scratch.create(await Deno.makeTempDir({ dir: lake.folder }));
    // As if now() had passed the bound of a file between two starts.
    const selects = ["n < 3", "n > 70", "n > 70 and true"].map((where) => `select n from bronze.events where ${where}`);
    const database = await DuckDb.open({ threads: 1 });
    let question: Question;
    try {
      question = await parseQuestion(await database.connect(), selects[0]!);
    } finally {
      database.close();
    }
    const tables = new QuestionTables(question, {
      tables: await findTables(lake.catalog, question.tables, {}),
      history: [],
      listed: [],
      files: new RemoteFiles(scratch, false),
      isUtc: true,
      explainScan: false,
    });
    const starts: [number, boolean][] = [];
    for (const select of selects) {
      question.select = select;
      const database = await DuckDb.open({ threads: 1 });
      try {
        const connection = await database.connect();
        const paths = await tables.locate(database);
        await closeOff(connection, paths);
        starts.push([paths.length, await tables.bind(connection) !== undefined]);
      } finally {
        database.close();
      }
    }
    deepStrictEqual(starts, [[0, false], [1, false], [2, true]]);
  }));

Deno.test("DuckDB itself opens nothing but the question's files, and nothing can be set", async () => {
  const folder = await Deno.makeTempDir();
  const database = await DuckDb.open({ threads: 1 });
  try {
    const connection = await database.connect();
    for (const name of ["mine", "other"]) await connection.run(`COPY (SELECT 1 AS a) TO '${folder}/${name}.parquet'`);
    await closeOff(connection, [`${folder}/mine.parquet`]);
    deepStrictEqual(await connection.rows(`SELECT * FROM read_parquet('${folder}/mine.parquet')`), [{ a: 1 }]);
    const statements = [
      `SELECT * FROM '${folder}/other.parquet'`,
      `SELECT * FROM read_text('${folder}/other.parquet')`,
      `SELECT * FROM glob('${folder}/*')`,
      `COPY (SELECT 1) TO '${folder}/new.csv'`,
      `ATTACH '${folder}/new.db'`,
      `EXPORT DATABASE '${folder}/new'`,
      "SET enable_external_access = true",
      "SET allowed_paths = ['/etc/passwd']",
      "RESET lock_configuration",
      "SET threads = 8",
      "INSTALL httpfs",
      "LOAD httpfs",
      "SELECT * FROM read_text('https://example.com/')",
    ];
    for (const sql of statements) await rejects(() => connection.run(sql), sql);
  } finally {
    database.close();
    await Deno.remove(folder, { recursive: true });
  }
});
