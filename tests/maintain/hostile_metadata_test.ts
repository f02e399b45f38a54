/** Upkeep of tables whose metadata names, or spells, what it likes. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { longToJson } from "../../core/iceberg/format/json_field.ts";
import { expireTable } from "../../core/maintain/removal/expire.ts";
import { ALL, EXPIRY, FOLDER, forge, litter } from "./enemy.ts";
import { eventRows, MaintainWorld } from "./maintain_world.ts";

Deno.test("expiry deletes no file outside of the table that its metadata names as its own", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(1);
    const other = await world.lake.append(
      await world.lake.create("lab.other", table.metadata.schemas[0]!.fields),
      eventRows(1, 3),
    );
    const [theirs] = await world.lake.writeFiles(other, eventRows(50, 1));
    for (const path of ["raw/events/a.parquet", "checkpoints/bronze.events/000000000001.routed.json"]) {
      await litter(world, path);
    }
    const root = `file://${world.lake.folder}`;
    const [file] = await world.liveFiles();
    const named = [
      `${root}/raw/events/a.parquet`,
      `${root}/checkpoints/bronze.events/000000000001.routed.json`,
      theirs!.path,
      `${root}/${FOLDER}/../../lab/other/metadata/v2.metadata.json`,
      `file:///etc/passwd`,
    ];
    await world.append(...named.map((path) => ({ ...file!, path })));
    // A table of one row again: what the enemy's snapshot names is needed no more.
    await forge(world, (metadata) => ({
      ...metadata,
      currentSnapshotId: metadata.snapshots[0]!.snapshotId,
      refs: { main: { type: "branch", snapshotId: metadata.snapshots[0]!.snapshotId } },
      statistics: named.map((path) => ({
        "snapshot-id": longToJson(metadata.currentSnapshotId!),
        "statistics-path": path,
      })),
    }));
    await world.append(file!);
    const kept = (await world.paths()).filter((path) => !path.startsWith(FOLDER));
    const dry = await expireTable(world.surroundings, await world.load(), { ...EXPIRY, dryRun: true });
    const report = await expireTable(world.surroundings, await world.load(), EXPIRY);
    deepStrictEqual(dry, report);
    deepStrictEqual([report.files.data, report.files.statistics], [0, 0]);
    deepStrictEqual(report.left.map(({ reason }) => reason), Array(2 * named.length).fill("not ours"));
    deepStrictEqual((await world.paths()).filter((path) => !path.startsWith(FOLDER)), kept);
  }));

Deno.test("a commit deletes no file that the metadata log of a table names and that is no old version of it", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(1);
    await litter(world, "raw/events/a.parquet");
    await litter(world, "checkpoints/bronze.events/000000000001.routed.json");
    await world.lake.append(await world.lake.create("lab.other", table.metadata.schemas[0]!.fields), eventRows(1, 3));
    const root = `file://${world.lake.folder}`;
    const named = [
      "raw/events/a.parquet",
      "checkpoints/bronze.events/000000000001.routed.json",
      "warehouse/lab/other/metadata/v1.metadata.json",
      "warehouse/lab/other/metadata/v2.metadata.json",
      `${FOLDER}/metadata/../../../lab/other/metadata/v2.metadata.json`,
      `${FOLDER}/metadata/v9.metadata.json`,
      `${table.io.location.pathOf(table.metadata.snapshots[0]!.manifestList!)}`,
    ];
    await forge(world, (metadata) => ({
      ...metadata,
      properties: {
        ...metadata.properties,
        "write.metadata.previous-versions-max": "1",
        "write.metadata.delete-after-commit.enabled": "true",
      },
      metadataLog: named.map((path, i) => ({ metadataFile: `${root}/${path}`, timestampMs: i })),
    }));
    const before = await world.paths();
    const rows = await world.lake.ask(ALL);
    await world.commit((transaction) => transaction.add(setProperties({ note: "a plain commit" })));
    const after = await world.paths();
    deepStrictEqual(before.filter((path) => !after.includes(path)), []);
    await world.commit((transaction) => transaction.add(setProperties({ note: "and its own log" })));
    ok(!(await world.paths()).includes(`${FOLDER}/metadata/v3.metadata.json`), "an old version of its own goes");
    deepStrictEqual(await world.lake.ask(ALL), rows);
  }));

for (
  const spell of [
    (uri: string) => uri.replace("file:///", "file:/"),
    (uri: string) => uri.replace("file://", ""),
    (uri: string) => uri.replace("file:///", "file://localhost/"),
    (uri: string) => uri.replace("/data/", "//data/./"),
    (uri: string) => uri.replace("/data/", "/metadata/../data/"),
  ]
) {
  Deno.test(`expiry keeps live files that an old snapshot spells ${spell("file:///lake/data/x")}`, () =>
    MaintainWorld.use(async (world) => {
      const table = await world.events(0);
      const [file] = await world.lake.writeFiles(table, eventRows(1, 3));
      await world.append({ ...file!, path: spell(file!.path) });
      await forge(world, (metadata) => ({ ...metadata, currentSnapshotId: undefined, refs: {} }));
      await world.append(file!);
      const before = await world.lake.ask(ALL);
      const report = await expireTable(world.surroundings, await world.load(), EXPIRY);
      deepStrictEqual([report.snapshotIds.length, report.files.data], [1, 0]);
      deepStrictEqual(await world.lake.ask(ALL), before);
    }));
}

Deno.test("a folder that write.data.path names is the table's own, unless others use it", () =>
  MaintainWorld.use(async (world) => {
    await world.events(1);
    const root = `file://${world.lake.folder}`;
    for (
      const [folder, deleted] of [["elsewhere", 1], ["raw/events", 0], ["checkpoints/x", 0], ["warehouse", 0]] as const
    ) {
      await litter(world, `${folder}/x.parquet`);
      const [file] = await world.liveFiles();
      await world.append({ ...file!, path: `${root}/${folder}/x.parquet` });
      await forge(world, (metadata) => ({
        ...metadata,
        properties: { "write.data.path": `${root}/${folder}` },
        currentSnapshotId: metadata.snapshots[0]!.snapshotId,
        refs: { main: { type: "branch", snapshotId: metadata.snapshots[0]!.snapshotId } },
      }));
      const report = await expireTable(world.surroundings, await world.load(), EXPIRY);
      deepStrictEqual([folder, report.files.data, report.left.length], [folder, deleted, 1 - deleted]);
      strictEqual((await world.paths(`${folder}/x.parquet`)).length, 1 - deleted);
    }
  }));

Deno.test("a commit that is refused leaves nothing in the metadata of a table of another catalog", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(1);
    const [file] = await world.liveFiles();
    const metadata = `${world.lake.folder}/${FOLDER}/metadata`;
    for (const { name } of [...Deno.readDirSync(metadata)]) {
      const version = /^v(\d+)\.metadata\.json$/.exec(name)?.[1];
      const renamed = `0000${version}-0a1b2c3d-0000-4000-8000-000000000000.metadata.json`;
      if (version !== undefined) await Deno.rename(`${metadata}/${name}`, `${metadata}/${renamed}`);
    }
    const before = await world.paths();
    const append = { files: [{ ...file!, path: table.io.location.uriOf("data/new.parquet") }] };
    await rejects(
      world.commit(async (transaction) => transaction.add(await appendFiles(transaction, append))),
      /it belongs to another catalog/,
    );
    deepStrictEqual(await world.paths(), before);
  }));

Deno.test("an expiry without limits of its own heeds the table's history.expire.*", () =>
  MaintainWorld.use(async (world) => {
    await world.events(6);
    const expire = async (
      properties: Record<string, string>,
      options: { olderThanMs?: number; retainLast?: number } = {},
    ) => {
      await forge(world, (metadata) => ({ ...metadata, properties }));
      const table = await world.load();
      return (await expireTable(world.surroundings, table, { ...options, dryRun: true })).snapshotsKept;
    };
    const [age, count] = ["history.expire.max-snapshot-age-ms", "history.expire.min-snapshots-to-keep"];
    strictEqual(await expire({}), 6);
    strictEqual(await expire({ [age!]: "0" }), 6, "ten stay");
    strictEqual(await expire({ [age!]: "0", [count!]: "2" }), 2);
    strictEqual(await expire({ [count!]: "4" }, { olderThanMs: 0 }), 4);
    strictEqual(await expire({ [age!]: "0", [count!]: "4" }, { retainLast: 3 }), 3, "who asks, wins");
    strictEqual(await expire({ [age!]: "nonsense", [count!]: "-1" }), 6);
  }));
