import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import { systemClock } from "../../core/base/clock.ts";
import { quoteText } from "../../core/engine/duckdb.ts";
import { formatNdjson } from "../../core/query/format/format_text.ts";
import { Session } from "../../core/query/sql_session.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";

interface Place {
  world: IcebergWorld;
  /** The folder that may be read. */
  root: string;
  /** A folder beside it, with secret.csv. */
  outside: string;
  ask(sql: string): Promise<string[]>;
}

/** A lake with a.t, and a folder of files and links, within and out of it. */
async function withFiles(action: (place: Place) => Promise<void>): Promise<void> {
  await IcebergWorld.use(async (world) => {
    const table = await world.create("a.t", [{ id: 0, name: "id", required: false, type: { type: "int" } }]);
    await world.append(table, "SELECT 2 AS id");
    const [root, outside] = [`${world.folder}/files`, `${world.folder}/outside`];
    await Deno.mkdir(`${root}/more/day=1`, { recursive: true });
    await Deno.mkdir(outside);
    const write = (path: string, text: string) => Deno.writeTextFile(path, text);
    await write(`${root}/a.csv`, "id,name\n1,one\n2,two\n");
    await write(`${root}/it's [1]*.csv`, "id,name\n3,three\n");
    await write(`${root}/more/b.ndjson`, '{"id":4}\n{"id":5}\n');
    await write(`${root}/more/.hidden.csv`, "id,name\n9,hidden\n");
    await write(`${outside}/secret.csv`, "id,name\n7,the-secret\n");
    await world.connection.run(`COPY (SELECT 6 AS id) TO ${quoteText(`${root}/more/day=1/c.parquet`)}`);
    await Deno.symlink("a.csv", `${root}/within.csv`);
    await Deno.symlink(`${outside}/secret.csv`, `${root}/more/out.tsv`);
    await Deno.symlink(outside, `${root}/way`);
    const session = new Session({
      openCatalog: () => Promise.resolve(world.catalog),
      clock: systemClock,
      random: world.random,
      temporaryFolder: world.folder,
      threads: 1,
      fileRoot: root,
    });
    const ask = (sql: string) =>
      session.ask(sql, {}, async (rows) => {
        let text = "";
        for await (const piece of formatNdjson(rows)) text += piece;
        return text === "" ? [] : text.trimEnd().split("\n");
      });
    await action({ world, root, outside, ask });
  });
}

Deno.test("files below the folder are read by path, list and pattern, beside the tables of the lake", () =>
  withFiles(async ({ root, ask }) => {
    const cases: [sql: string, ids: number[]][] = [
      ["select id from read_csv('a.csv') order by id", [1, 2]],
      [`select id from read_csv(${quoteText(`${root}/more/../a.csv`)}, header => true) order by id`, [1, 2]],
      ["select id from read_csv('within.csv') order by id", [1, 2]],
      ["select id from read_csv('it''s [1]*.csv')", [3]],
      ["select id from read_csv('*.csv') order by id", [1, 2, 3]],
      ["select id from read_csv(['a.csv', 'it*.csv']) order by id", [1, 2, 3]],
      ["select id from read_json('more/?.ndjson') order by id", [4, 5]],
      ["select id + day as id from read_parquet('**/[a-c].parquet')", [7]],
      ["select a.id from 'a.csv' join a.t using (id)", [2]],
      [`select 'ü' as ü, c.id from "more/day=1/c.parquet", 'a.csv' x where x.id = 1`, [6]],
      ["select count(*)::int as id from (from 'a.csv' where name = 'read_csv(''x'')' or id = 1)", [1]],
    ];
    for (const [sql, ids] of cases) {
      deepStrictEqual((await ask(sql)).map((line) => JSON.parse(line).id), ids, sql);
    }
    // A pattern does not mean hidden files.
    await rejects(() => ask("from read_csv('more/*.csv')"), /no file below .*files matches it/);
  }));

Deno.test("no way leads out of the folder, nor to other ways of reading", () =>
  withFiles(async ({ outside, ask }) => {
    const secret = quoteText(`${outside}/secret.csv`);
    const attacks = [
      `from ${secret}`,
      "from '../outside/secret.csv'",
      "from 'more/out.tsv'",
      "from 'way/secret.csv'",
      "from read_csv('more/*')",
      "from read_csv('../outside/*.csv')",
      "from read_csv('way/*.csv')",
      `from read_csv(['a.csv', ${secret}])`,
      "from read_csv('a.csv' || '')",
      "from read_csv(e'a.csv')",
      `from read_csv((select ${secret}))`,
      "from read_csv(getenv('HOME'))",
      "from read_csv(header => true)",
      "from read_json('/proc/self/environ')",
      "from read_csv('/dev/stdin')",
      "from read_csv('more')",
      "from read_csv('https://example.com/a.csv')",
      `from read_csv(${quoteText(`file://${outside}/secret.csv`)})`,
      `from read_text('a.csv')`,
      `from read_blob('a.csv')`,
      `from glob('*')`,
      `from sniff_csv(${secret})`,
      `from parquet_metadata('more/day=1/c.parquet')`,
      "copy (select 1) to 'a.csv'",
      "explain analyze copy (select 1) to 'a.csv'",
      "from histogram('a.csv', id)",
      `select struct_extract({'a': 1}, json_serialize_plan(${
        quoteText(`select zzz from read_csv(${secret})`)
      })::varchar)`,
      `select read_csv('a.csv')`,
    ];
    for (const sql of attacks) {
      await rejects(() => ask(sql), (error) => {
        ok(error instanceof StreamlabError, String(error));
        ok(!`${error.message} ${error.hint}`.includes("the-secret"), error.message);
        return ["usage", "not-found"].includes(error.kind);
      }, sql);
    }
    await rejects(() => ask(`from ${secret}`), /it leads out of .*files/);
    await rejects(() => ask("from 'none.csv'"), /Cannot read "none\.csv": there is no such file below/);
    // What is outside is not even told to be there or not.
    await rejects(() => ask("from '../outside/none.csv'"), /it leads out of/);
  }));

Deno.test("without the folder no file is read, and a folder has to be there", () =>
  withFiles(async ({ world, root }) => {
    const session = (fileRoot: string | undefined) =>
      new Session({
        openCatalog: () => Promise.resolve(world.catalog),
        clock: systemClock,
        random: world.random,
        temporaryFolder: world.folder,
        fileRoot,
      });
    const ask = (fileRoot: string | undefined, sql: string) => session(fileRoot).ask(sql, {}, () => Promise.resolve());
    for (const sql of [`from '${root}/a.csv'`, `from read_csv('${root}/a.csv')`]) {
      await rejects(() => ask(undefined, sql), (error) => {
        ok(error instanceof StreamlabError);
        match(String(error.hint), /--file-root/);
        return error.kind === "usage";
      });
    }
    await rejects(() => ask(`${root}/none`, "select 1"), /Cannot read files below .*none: there is no such folder/);
    await rejects(() => ask(`${root}/a.csv`, "select 1"), /it is no folder/);
  }));
