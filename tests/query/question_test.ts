import { deepStrictEqual, rejects } from "node:assert/strict";
import { isKind, StreamlabError } from "../../core/base/errors.ts";
import { type Connection, DuckDb } from "../../core/engine/duckdb.ts";
import { parseQuestion } from "../../core/query/question.ts";

async function withConnection(action: (connection: Connection) => Promise<void>): Promise<void> {
  const database = await DuckDb.open({ threads: 1 });
  try {
    await action(await database.connect());
  } finally {
    database.close();
  }
}

const questions: [string, string[]][] = [
  ["select 1", []],
  ["SELECT 1;", []],
  ["  -- a comment\n select 1 /* ; */ ;;", []],
  ["(select 1)", []],
  ["values (1), (2)", []],
  ["from bronze.events", ["bronze.events"]],
  ["table bronze.events", ["bronze.events"]],
  ['select * from bronze."events$snapshots"', ["bronze.events$snapshots"]],
  ["select * from Bronze.Events a join bronze.events b using (x)", ["bronze.events"]],
  ["with a as (select * from x.y) select * from a, z.w", ["x.y", "z.w"]],
  ["with recursive t as (select 1 as n union all select n + 1 from t where n < 9) select * from t", []],
  ["select (select max(n) from x.y), exists (select 1 from z.w)", ["x.y", "z.w"]],
  ["select * from x.y union all select * from z.w", ["x.y", "z.w"]],
  ["describe x.y", ["x.y"]],
  ["describe select * from x.y", ["x.y"]],
  ["show x.y", ["x.y"]],
  ["summarize x.y", ["x.y"]],
  ["explain select * from x.y", ["x.y"]],
  ["explain analyze select * from x.y", ["x.y"]],
  ["explain (format json) select * from x.y", ["x.y"]],
  ["pivot x.y on a in (1, 2) using sum(b)", ["x.y"]],
  ["select * from range(3), unnest([1]), generate_series(1, 2), json_each('{}')", []],
  ["select * from histogram(x.y, n), histogram_values(z.w, n, bin_count := 3)", ["x.y", "z.w"]],
  ["with a as (select 1 as n) select * from histogram(a, n)", []],
  ["select row_number() over (), list_sum([1]), unnest([1]), now(), 'a' like 'b', -x, x[1] from x.y", ["x.y"]],
  ["select 'copy a to b; drop table c'", []],
  ["select count(*) from x.y using sample 10", ["x.y"]],
  ["select * from (from x.y) where a in (from z.w select b)", ["x.y", "z.w"]],
];

for (const [sql, tables] of questions) {
  Deno.test(`a question, and what it reads: ${sql}`, () =>
    withConnection(async (connection) => {
      const question = await parseQuestion(connection, sql);
      const found = question.tables.map(({ namespace, name }) => `${namespace}.${name}`.toLowerCase()).sort();
      deepStrictEqual(found, tables);
    }));
}

/**
 * From every side: other statements, several, ones behind EXPLAIN, files as tables, functions that
 * read, write or tell.
 */
const refused = [
  "",
  "  ",
  "-- nothing",
  ";",
  "select 1; select 2",
  "select 1; drop table x",
  "select 1;\u0000drop table x",
  "select 1\u0000; drop table x",
  "copy (select 1) to '/tmp/x'",
  "copy x from '/tmp/x'",
  "explain copy (select 1) to '/tmp/x'",
  "explain analyze copy (select 1) to '/tmp/x'",
  "EXPLAIN (ANALYZE) COPY (select 1) to '/tmp/x'",
  "explain (analyze, format json) insert into x values (1)",
  "explain /* select 1 */ analyze -- select 1\n copy (select 1) to '/tmp/x'",
  "explain explain analyze copy (select 1) to '/tmp/x'",
  "explain analyze create table x as select 1",
  "explain analyze delete from x.y",
  "explain pragma database_list",
  "insert into x.y values (1)",
  "with a as (select 1) insert into x.y select * from a",
  "with a as (select 1) delete from x.y using a",
  "with a as (insert into x.y values (1) returning *) select * from a",
  "update x.y set a = 1",
  "delete from x.y",
  "merge into x.y using z.w on (a = b) when matched then delete",
  "truncate x.y",
  "create table a as select 1",
  "create view a as select 1",
  "create or replace macro f() as 1",
  "create secret (type s3)",
  "drop view x.y",
  "alter table x.y add column a int",
  "attach '/tmp/x.db'",
  "detach x",
  "use x",
  "set threads = 1",
  "set variable a = 1",
  "reset threads",
  "pragma database_list",
  "pragma enable_profiling",
  "call pragma_version()",
  "install httpfs",
  "load httpfs",
  "update extensions",
  "export database '/tmp/x'",
  "import database '/tmp/x'",
  "checkpoint",
  "force checkpoint",
  "vacuum",
  "analyze",
  "begin",
  "commit",
  "rollback",
  "prepare a as select 1",
  "execute a",
  "deallocate a",
  "pivot x.y on a using sum(b)",
  "select * from 'x.csv'",
  'select * from "x.parquet"',
  "from '/etc/passwd'",
  "from 's3://bucket/x.parquet'",
  "from 'https://example.com/x.csv'",
  "from '*.parquet'",
  'with "x.parquet" as (select 1) select * from "x.parquet"',
  "select * from x",
  "select * from sqlite_master",
  "select * from duckdb_secrets()",
  "select * from duckdb_settings()",
  "select * from duckdb_logs()",
  "select * from read_csv('/etc/passwd')",
  "select * from read_csv_auto('/etc/passwd')",
  "select * from READ_TEXT('/etc/passwd')",
  "select * from read_blob('/etc/passwd')",
  "select * from read_json('/etc/passwd')",
  "select * from read_parquet('x')",
  "select * from parquet_scan('x')",
  "select * from parquet_metadata('x')",
  "select * from read_duckdb('x')",
  "select * from sniff_csv('/etc/passwd')",
  "select * from glob('/*')",
  "select * from system.main.read_text('/etc/passwd')",
  "select * from query('select 1')",
  "select * from query_table('x.csv')",
  "select * from json_execute_serialized_sql('{}')",
  "select * from seq_scan('x')",
  "select * from arrow_scan(1, 2, 3)",
  "select * from pragma_table_info('x')",
  "select * from checkpoint()",
  "select * from enable_logging()",
  "select * from truncate_duckdb_logs()",
  "select (select content from read_text('/etc/passwd'))",
  "select * from x.y where a in (select content from read_text('/etc/passwd'))",
  "select * from x.y, lateral (select * from read_text(y.a))",
  "with a as (select * from read_text('/etc/passwd')) select 1",
  "select list_transform([1], lambda x: (select content from read_text('/etc/passwd')))",
  "select 1 order by (select content from read_text('/etc/passwd'))",
  "select 1 limit (select size from read_text('/etc/passwd'))",
  "describe select * from read_text('/etc/passwd')",
  "describe 'x.csv'",
  "summarize 'x.csv'",
  "summarize select * from read_text('/etc/passwd')",
  "show 'x.csv'",
  "explain select * from read_text('/etc/passwd')",
  "explain analyze select * from 'x.csv'",
  "select getenv('HOME')",
  "select write_log('x')",
  "select json_serialize_plan('select a from read_csv(''/etc/passwd'')')",
  "select JSON_Serialize_Plan('select 1', optimize := true)",
  "select system.main.json_serialize_plan('select 1')",
  "select struct_extract({'a': 1}, json_serialize_plan('select 1')::varchar) from x.y",
  "select [json_serialize_plan(a) for a in ['select 1']]",
  "select * from x.y order by json_serialize_plan('select 1')",
  "select lag(json_serialize_plan('select 1')) over () from x.y",
  "select a.json_serialize_plan() from x.y",
  "select * from range(length(json_serialize_plan('select 1')::varchar))",
  "pivot x.y on a in (1, 2) using sum(json_serialize_plan('select 1'))",
  "select * from sql_auto_complete('from ''/etc/')",
  "select * from histogram('x.csv', n)",
  'select * from histogram("x.csv", n)',
  "select * from histogram('pg_catalog.pg_settings', name)",
  "select * from histogram(x, n)",
  "select * from histogram(memory.x.y, n)",
  "select * from histogram_values('x' || '.csv', n)",
  "select * from histogram((select 'x.csv'), n)",
  "select sleep_ms(1)",
  "select pg_sleep(1)",
  "select __internal_decompress_string(1)",
  "select no_such_function(1)",
  "select * from no_such_function(1)",
  "select current_setting('temp_directory')",
  "select CURRENT_SETTING('temp_directory')",
  "select system.main.current_setting('temp_directory')",
  "select * from other.bronze.events",
  "select * from y at (version => 1)",
  "select into",
  "select * into a from x.y",
  "selec 1",
];

for (const sql of refused) {
  Deno.test(`no question: ${JSON.stringify(sql)}`, () =>
    withConnection(async (connection) => {
      await rejects(
        () => parseQuestion(connection, sql),
        (error) => isKind(error, "usage") && /^Cannot run this SQL: /.test(error.message),
      );
    }));
}

Deno.test("a syntax error says where", () =>
  withConnection(async (connection) => {
    await rejects(() => parseQuestion(connection, "select a\nfrom from x"), /line 2, column 6, near from/);
  }));

Deno.test("a function that is refused or unknown is named, with the reason or the one that may be meant", () =>
  withConnection(async (connection) => {
    const words: [string, RegExp][] = [
      ["select json_serialize_plan('select 1')", /json_serialize_plan is not available here: it plans or runs SQL/],
      ["select * from read_text('x')", /read_text is not available after FROM: it reads files.*Only the tables/s],
      ["select lenght('a')", /the function lenght does not exist.*Did you mean "length"\?/s],
      ["select * from nothing_like_it(1)", /the function nothing_like_it does not exist after FROM/],
    ];
    for (const [sql, pattern] of words) {
      await rejects(() => parseQuestion(connection, sql), (error: StreamlabError) => {
        return pattern.test(`${error.message}\n${error.hint}`);
      }, sql);
    }
  }));
