import { deepStrictEqual, ok } from "node:assert/strict";
import { parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { TOMBSTONES_BRANCH } from "../../core/lake/table_names.ts";
import { succeed } from "../e2e/program.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { findPython } from "../support/python.ts";
import { connectRest, restCatalogTest, withRestCatalog } from "../support/rest_catalog_server.ts";
import { SPARK_VERSIONS, sparkTest } from "../support/spark.ts";
import { assertDuckDbSees, assertPyIcebergSees, assertSparkSees, ourView } from "./same_view.ts";

const USERS = 20;
const UPSERT = ["--upsert-by", "user_id", "--delete-when", "event_type = 'delete'"];

/** Later files have later records; every fifth one removes its key. */
function records(file: number): object[] {
  return Array.from({ length: 30 }, (_, index) => ({
    user_id: `u${(file * 11 + index * index) % USERS}`,
    event_id: `${file}-${index}`,
    event_type: (file + index) % 5 === 0 ? "delete" : "update",
    event_timestamp: `2026-03-0${1 + file % 3}T${String(index % 24).padStart(2, "0")}:00:00Z`,
  }));
}

function newest(files: readonly object[][]): string[] {
  type Event = Record<"user_id" | "event_id" | "event_type" | "event_timestamp", string>;
  const found = new Map<string, Event>();
  for (const each of files.flat() as Event[]) {
    if (each.event_timestamp >= (found.get(each.user_id)?.event_timestamp ?? "")) found.set(each.user_id, each);
  }
  return [...found.values()].filter(({ event_type }) => event_type !== "delete").map(({ event_id }) => event_id).sort();
}

/** Names sort as they were landed. */
async function land(folder: string, files: readonly object[][], from = 0): Promise<void> {
  await Deno.mkdir(`${folder}/raw/events`, { recursive: true });
  for (const [index, file] of files.entries()) {
    const name = String(from + index).padStart(3, "0");
    await Deno.writeTextFile(`${folder}/raw/events/${name}.json`, JSON.stringify(file));
  }
}

sparkTest(
  "Spark, PyIceberg and DuckDB see the newest record of each key as we do, by position deletes and after upkeep",
  (useSpark) =>
    IcebergWorld.use(async (world) => {
      const python = await findPython();
      await useSpark(`${world.folder}/warehouse`, async (spark) => {
        const load = async () => (await world.catalog.loadTable(parseIdentifier("bronze.events")))!;
        const isSeenByAll = async () => {
          const table = await load();
          const view = await ourView(world, table);
          await assertSparkSees(spark, table, view);
          await assertPyIcebergSees(python, table, view);
          await assertDuckDbSees(python, table, view);
          await succeed(world.folder, ["maintain", "--source", ".", "--audit"]);
          return view.rows.map((row) => (JSON.parse(row) as { event_id: string }).event_id).sort();
        };
        const files = [1, 2, 3, 4, 5].map(records);
        await land(world.folder, files);
        const consume = ["consume", "--source", ".", "--once", "--max-files-per-batch", "1", "--no-upkeep"];
        await succeed(world.folder, [...consume, ...UPSERT]);
        const { io, metadata } = await load();
        ok((await planScan(io, metadata)).files.some(({ deletes }) => deletes.length > 0));
        deepStrictEqual(await isSeenByAll(), newest(files));
        await succeed(world.folder, ["maintain", "--source", ".", "--all", "--older-than", "0s", "--retain-last", "1"]);
        ok((await planScan(io, (await load()).metadata)).files.every(({ deletes }) => deletes.length === 0));
        deepStrictEqual(await isSeenByAll(), newest(files));
      });
    }),
  SPARK_VERSIONS.slice(0, 1),
);

restCatalogTest(
  "Iceberg's own REST catalog takes the rows, deletes and tombstones of an upsert as one commit",
  () =>
    IcebergWorld.use((world) =>
      withRestCatalog(world.folder, async (uri) => {
        const files = [1, 2, 3].map(records);
        await land(world.folder, files);
        const catalog = ["--source", ".", "--catalog", uri];
        const consume = ["consume", ...catalog, "--once", "--max-files-per-batch", "1"];
        await succeed(world.folder, [...consume, ...UPSERT]);
        const sql = "SELECT event_id FROM bronze.events ORDER BY event_id";
        const answer = await succeed(world.folder, ["query", ...catalog, "--format", "json", sql]);
        deepStrictEqual((JSON.parse(answer) as { event_id: string }[]).map(({ event_id }) => event_id), newest(files));
        await succeed(world.folder, ["maintain", ...catalog, "--audit"]);
        const { metadata } = (await (await connectRest(uri)).loadTable(parseIdentifier("bronze.events")))!;
        ok(Number(snapshotOfRef(metadata, TOMBSTONES_BRANCH)!.summary["total-records"]) > 0);
      })
    ),
);

/** PyIceberg has its turn by then, however slow the machine is. */
const ROUNDS_MAX = 200;

restCatalogTest(
  "PyIceberg that adds rows and rewrites files beside upserts takes nothing from them, nor they from it",
  () =>
    IcebergWorld.use((world) =>
      withRestCatalog(world.folder, async (uri) => {
        const catalog = ["--source", ".", "--catalog", uri];
        const ask = async (where: string): Promise<string[]> => {
          const sql = `SELECT event_id FROM bronze.events WHERE ${where} ORDER BY event_id`;
          const answer = await succeed(world.folder, ["query", ...catalog, "--format", "json", sql]);
          return (JSON.parse(answer) as { event_id: string }[]).map(({ event_id }) => event_id);
        };
        const files: object[][] = [];
        const consume = async () => {
          const more = [records(files.length + 1), records(files.length + 2)];
          await land(world.folder, more, files.length);
          files.push(...more);
          await succeed(world.folder, ["consume", ...catalog, "--once", "--max-files-per-batch", "1", ...UPSERT]);
        };
        await consume();
        const stop = `${world.folder}/stop`;
        const writing = (await findPython()).json<{ written: string[]; deleted: string[] }>(
          "foreign_writer.py",
          uri,
          stop,
        );
        writing.catch(() => undefined);
        try {
          for (let round = 0; round < ROUNDS_MAX; round++) {
            await consume();
            if ((await ask("user_id = 'foreign'")).length >= 3) break;
          }
        } finally {
          await Deno.writeTextFile(stop, "");
        }
        const { written } = await writing;
        ok(written.length > 0);
        deepStrictEqual(await ask("user_id = 'foreign'"), written.sort());
        deepStrictEqual(await ask("user_id <> 'foreign'"), newest(files));
      })
    ),
);
