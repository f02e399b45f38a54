import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { DuckDb } from "../../core/engine/duckdb.ts";
import { openHttpfs } from "../../core/engine/httpfs.ts";
import { findHttpfs } from "../support/httpfs.ts";
import { inFolder } from "../support/own_folder.ts";
import { withRedirect } from "../support/redirecting_server.ts";

const httpfs = await findHttpfs();
const access = { region: "us-east-1", forcePathStyle: true, accessKeyId: "id", secretAccessKey: "the-secret" };

async function withDatabase(action: (database: DuckDb) => Promise<void>): Promise<void> {
  const database = await DuckDb.open({ threads: 1 });
  try {
    await action(database);
  } finally {
    database.close();
  }
}

Deno.test("no signature follows a redirect that DuckDB's extension obeys, and a session token is not given to it", {
  ignore: httpfs === undefined,
}, () =>
  withRedirect(307, ({ url, strayed, asked }) =>
    withDatabase(async (database) => {
      const connection = await database.connect();
      const withToken = { ...access, endpoint: url, sessionToken: "the-token" };
      strictEqual(await openHttpfs(database, withToken, httpfs), false);
      strictEqual(await openHttpfs(database, { ...access, endpoint: url }, httpfs), true);
      await rejects(connection.rows("SELECT * FROM read_parquet('s3://bucket/x.parquet')"));
      ok(asked.length > 0);
      const sent = strayed.flatMap(({ headers }) => [...headers]).map(([name, value]) => `${name}: ${value}`);
      deepStrictEqual(sent.filter((line) => /authorization|signature|security-token|the-secret/i.test(line)), []);
      connection.close();
    })));

Deno.test("DuckDB's extension is loaded only from where nobody else can change it", {
  ignore: httpfs === undefined || Deno.build.os === "windows",
}, () =>
  inFolder((folder) =>
    withDatabase(async (database) => {
      const shared = `${folder}/shared`;
      await Deno.mkdir(shared);
      const copy = `${shared}/httpfs.duckdb_extension`;
      await Deno.copyFile(httpfs!, copy);
      await Deno.chmod(shared, 0o777);
      await rejects(openHttpfs(database, access, copy), /Cannot load .*: others can write to ".*shared"$/);
      await Deno.chmod(shared, 0o755);
      await Deno.chmod(copy, 0o666);
      await rejects(openHttpfs(database, access, copy), /others can write to ".*httpfs.duckdb_extension"$/);
      await Deno.chmod(copy, 0o644);
      strictEqual(await openHttpfs(database, access, copy), true);
    })
  ));
