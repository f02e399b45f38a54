import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { denoFolder } from "../e2e/s3_lake.ts";
import { ask, inFolder, streamlab, succeed } from "../e2e/program.ts";
import { canRunMinio, type Minio, startMinio } from "../support/minio.ts";
import { findPython } from "../support/python.ts";
import { restCatalogTest, withRestCatalog } from "../support/rest_catalog_server.ts";

const fixture = new URL("../e2e/fixtures/original_producer/", import.meta.url).pathname;
const tables = ["bronze.events", "dead_letters.events", "ingest.files"];

/** Where a catalog keeps its tables, and what commands and PyIceberg must be told to get there. */
interface Place {
  /** Of the catalog's server. */
  settings: Record<string, string>;
  env: Record<string, string>;
  python: Record<string, string>;
}

const localPlace: Place = { settings: {}, env: {}, python: {} };

/** A bucket, whose key the catalog gives to whoever loads a table; its address it does not. */
async function bucketOf(minio: Minio): Promise<Place> {
  const { accessKeyId, secretAccessKey } = minio.settings.credentials!;
  const settings = {
    CATALOG_WAREHOUSE: `s3://${await minio.makeBucket()}/warehouse`,
    CATALOG_IO__IMPL: "org.apache.iceberg.aws.s3.S3FileIO",
    CATALOG_S3_ENDPOINT: minio.endpoint,
    CATALOG_S3_PATH__STYLE__ACCESS: "true",
    CATALOG_CLIENT_REGION: "us-east-1",
    CATALOG_S3_ACCESS__KEY__ID: accessKeyId,
    CATALOG_S3_SECRET__ACCESS__KEY: secretAccessKey,
    CATALOG_INCLUDE__CREDENTIALS: "true",
  };
  // A key that opens nothing: the catalog's must win.
  const env = { AWS_ENDPOINT_URL: minio.endpoint, AWS_ACCESS_KEY_ID: "nobody", AWS_SECRET_ACCESS_KEY: "nothing" };
  return { settings, env, python: { "s3.endpoint": minio.endpoint, "s3.region": "us-east-1" } };
}

/**
 * A lake in a folder and a catalog with a warehouse of its own, which every command finds by its
 * variable.
 */
class CatalogLake {
  readonly folder: string;
  readonly uri: string;
  readonly #place: Place;

  private constructor(folder: string, uri: string, place: Place) {
    this.folder = folder;
    this.uri = uri;
    this.#place = place;
  }

  static use(action: (lake: CatalogLake) => Promise<void>, place = localPlace): Promise<void> {
    return inFolder(async (folder) => {
      await Deno.mkdir(`${folder}/warehouse`);
      await Deno.mkdir(`${folder}/lake/raw/events`, { recursive: true });
      const run = (uri: string) => action(new CatalogLake(folder, uri, place));
      await withRestCatalog(`${folder}/warehouse`, run, place.settings);
    });
  }

  run(...args: string[]): Promise<string> {
    const env = { XDG_CACHE_HOME: `${this.folder}/cache`, DENO_DIR: denoFolder, STREAMLAB_CATALOG: this.uri };
    return succeed(this.folder, args, { env: { ...env, ...this.#place.env } });
  }

  async query(sql: string): Promise<Record<string, unknown>[]> {
    return JSON.parse(await this.run("query", "--format", "json", sql)) as Record<string, unknown>[];
  }

  /** Every row of a table as text, in order. */
  async rows(table: string): Promise<unknown[]> {
    return (await this.query(`select to_json(t)::varchar as j from ${table} t order by j`)).map(({ j }) => j);
  }

  async land(from: number, to: number): Promise<void> {
    const names = Array.from(Deno.readDirSync(`${fixture}events`), ({ name }) => name).sort().slice(from, to);
    for (const name of names) await Deno.copyFile(`${fixture}events/${name}`, `${this.folder}/lake/raw/events/${name}`);
  }

  async assertPyIcebergAgrees(): Promise<void> {
    const python = await findPython();
    for (const table of tables) {
      const { uri } = this;
      const question = { uri, step: "read", table, properties: this.#place.python };
      const { rows } = await python.ask<{ rows: string[] }>("rest_steps.py", question);
      deepStrictEqual((await this.rows(table)).toSorted(), rows.toSorted(), table);
    }
  }

  /** As the fixture's `expected.json` counts. */
  async counts(): Promise<unknown> {
    const [row] = await this.query(
      `select (select count(*)::int from bronze.events) as events,
         (select count(distinct event_id)::int from bronze.events) as event_ids,
         count(*) filter (_dead_letter_reason = 'invalid_schema')::int as invalid_schema,
         count(*) filter (_dead_letter_reason = 'corrupted_batch')::int as corrupted_batch
       from dead_letters.events`,
    );
    return row;
  }
}

restCatalogTest(
  "consume, query and maintain work on a REST catalog's tables as on the lake's, and PyIceberg agrees",
  () => CatalogLake.use(wholeWay),
);

restCatalogTest("so they do on a bucket that only the catalog has the key of", async () => {
  const minio = await startMinio();
  try {
    await CatalogLake.use(wholeWay, await bucketOf(minio));
  } finally {
    await minio.stop();
  }
}, canRunMinio());

async function wholeWay(lake: CatalogLake): Promise<void> {
  const expected = JSON.parse(await Deno.readTextFile(`${fixture}expected.json`));
  for (const [from, to] of [[0, 3], [3, 6], [6, 8]] as const) {
    await lake.land(from, to);
    await lake.run("consume", "--once");
  }
  deepStrictEqual(await lake.counts(), expected);
  await lake.run("consume", "--once");
  deepStrictEqual(await lake.counts(), expected, "after a run with nothing to take");
  await lake.assertPyIcebergAgrees();
  const before = await Promise.all(tables.map((table) => lake.rows(table)));
  const snapshots = 'select snapshot_id::varchar as id from bronze."events$snapshots" order by committed_at';
  const [first] = await lake.query(snapshots);
  const countThen = () =>
    lake.run("query", "--format", "csv", "--snapshot", String(first!.id), "select count(*) from bronze.events");
  const past = await countThen();

  match(await lake.run("maintain", "--compact", "--rewrite-manifests"), /^bronze\.events: compacted [3-9] files/m);
  strictEqual(await countThen(), past);
  const upkeep = ["--expire-snapshots", "--remove-orphans", "--older-than", "0s", "--retain-last", "1"];
  const done = await lake.run("maintain", ...upkeep);
  match(done, /^bronze\.events: expired [3-9] snapshots \(1 kept\), deleted [3-9] data files/m);
  match(done, /^bronze\.events: no orphans( in .*)?$/m);
  deepStrictEqual(await Promise.all(tables.map((table) => lake.rows(table))), before, "after upkeep");
  await lake.assertPyIcebergAgrees();
  match(await lake.run("maintain", "--audit", "--status"), /every record is in one table exactly once/);
  const folders = Array.from(Deno.readDirSync(`${lake.folder}/lake`), ({ name }) => name).sort();
  deepStrictEqual(folders, ["checkpoints", "raw"], "the lake has no tables of its own");
}

restCatalogTest(
  "what a batch under way will use is no orphan, and whoever cannot know of it removes nothing",
  () =>
    CatalogLake.use(async (lake) => {
      await lake.land(0, 4);
      await lake.run("consume", "--once");
      const data = `${lake.folder}/warehouse/bronze/events/data`;
      const left = "00000001-00000000dead-00000.parquet", announced = "00000002-00000000beef-00000.parquet";
      const plan = `${lake.folder}/lake/checkpoints/bronze.events/000000000002.plan.json`;
      for (const name of [left, announced]) await Deno.writeTextFile(`${data}/${name}`, "x");
      const first = JSON.parse(await Deno.readTextFile(plan.replace("2.plan", "1.plan"))) as Record<string, unknown>;
      await Deno.writeTextFile(plan, JSON.stringify({ ...first, batchId: 2 }));
      const args = [
        "maintain",
        "--remove-orphans",
        "--older-than",
        "0s",
        "--table",
        "bronze.events",
        "--catalog",
        lake.uri,
      ];

      const elsewhere = await streamlab(lake.folder, [...args, "--source", "other"]);
      strictEqual(elsewhere.status, 1);
      match(elsewhere.stderr, /batches of bronze\.events are not recorded in .*other/);
      match(await succeed(lake.folder, args), /removed 1 orphan/);
      const names = Array.from(Deno.readDirSync(data), ({ name }) => name);
      deepStrictEqual([names.includes(left), names.includes(announced)], [false, true]);
    }),
);

Deno.test("a catalog that does not answer is named, and a password in its address is not", () =>
  inFolder(async (folder) => {
    const question = "select * from bronze.events";
    const gone = await streamlab(folder, ["query", "--catalog", "http://127.0.0.1:9", question]);
    strictEqual(gone.status, 1);
    match(
      gone.stderr,
      /^streamlab: Cannot open the catalog: the catalog at http:\/\/127\.0\.0\.1:9 does not answer/,
    );
    const withPassword = await streamlab(folder, ["query", "--catalog", "http://me:password@host", question]);
    strictEqual(withPassword.status, 2);
    strictEqual(withPassword.stderr.includes("password@"), false);
    await Deno.mkdir(`${folder}/lake`);
    deepStrictEqual(await ask(folder, "select 1::int as one"), [{ one: 1 }]);
  }));
