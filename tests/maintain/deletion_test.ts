/** Upkeep of a lake in which an enemy has put links, folders and records. */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { type Intent, writeIntent } from "../../core/lake/intent.ts";
import { expireTable } from "../../core/maintain/removal/expire.ts";
import { removeLeftovers } from "../../core/maintain/removal/leftovers.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import { age, ALL, EXPIRY, FOLDER, litter, NOW, stranger, withStranger } from "./enemy.ts";
import { eventRows, MaintainWorld } from "./maintain_world.ts";

const ID = "compact-00000000-0000-4000-8000-000000000001";

Deno.test("orphan removal leaves what links in data/ and metadata/ lead to, and counts it", () =>
  withStranger(async (world, folder) => {
    const table = await world.events(1);
    const theirs = [
      await stranger(folder, "photos/holiday.parquet"),
      await stranger(folder, "manifests/00112233445566778899aabbccddeeff-m0.avro"),
      await stranger(folder, "alone.parquet"),
    ];
    await Deno.symlink(`${folder}/photos`, `${world.lake.folder}/${FOLDER}/data/photos`);
    await Deno.symlink(`${folder}/manifests`, `${world.lake.folder}/${FOLDER}/metadata/old`);
    await Deno.symlink(theirs[2]!, `${world.lake.folder}/${FOLDER}/data/alone.parquet`);
    await litter(world, `${FOLDER}/data/lost.parquet`);
    for (const dryRun of [true, false]) {
      const report = await removeOrphans(world.surroundings, table, { olderThanMs: 0, dryRun });
      deepStrictEqual([report.paths, report.bytes], [[`${FOLDER}/data/lost.parquet`], 8]);
      deepStrictEqual(report.left.map(({ path, reason }) => [path.slice(FOLDER.length + 1), reason]), [
        ["metadata/old/00112233445566778899aabbccddeeff-m0.avro", "not ours"],
        ["data/alone.parquet", "linked"],
        ["data/photos/holiday.parquet", "linked"],
      ]);
    }
    for (const path of theirs) strictEqual(await Deno.readTextFile(path), "precious");
  }));

Deno.test("a table whose whole data/ or metadata/ is a link is read, and nothing in it is deleted", () =>
  withStranger(async (world, folder) => {
    const table = await world.events(2);
    const before = await world.lake.ask(ALL);
    for (const part of ["data", "metadata"]) {
      await Deno.rename(`${world.lake.folder}/${FOLDER}/${part}`, `${folder}/${part}`);
      await Deno.symlink(`${folder}/${part}`, `${world.lake.folder}/${FOLDER}/${part}`);
    }
    await stranger(folder, "data/lost.parquet");
    const orphans = await removeOrphans(world.surroundings, table, NOW);
    deepStrictEqual([orphans.paths, orphans.left.length], [[], 1]);
    const expiry = await expireTable(world.surroundings, table, EXPIRY);
    deepStrictEqual([expiry.snapshotIds.length, expiry.files.manifestLists, expiry.left.length], [1, 0, 1]);
    deepStrictEqual(await world.lake.ask(ALL), before);
  }));

Deno.test("a link at checkpoints/maintain/scratch is not followed by compaction nor by orphan removal", () =>
  withStranger(async (world, folder) => {
    await world.events(4);
    const id = "0a1b2c3d-0000-4000-8000-000000000000";
    const theirs = [await stranger(folder, "thesis/chapter.txt"), await stranger(folder, `${id}/chapter.txt`)];
    await Deno.mkdir(`${world.lake.folder}/checkpoints/maintain`, { recursive: true });
    await Deno.symlink(folder, `${world.lake.folder}/checkpoints/maintain/scratch`);
    strictEqual((await world.compact()).groups, 1);
    const { left } = await removeLeftovers(world.surroundings, NOW);
    deepStrictEqual(left.map(({ path, reason }) => [path.split("/").pop(), reason]), [[id, "linked"], [
      "thesis",
      "linked",
    ]]);
    for (const path of theirs) strictEqual(await Deno.readTextFile(path), "precious");
    deepStrictEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [id, "thesis"], "nor written into");
  }));

Deno.test("in a scratch folder of ours only what maintainers have made is removed", () =>
  MaintainWorld.use(async (world) => {
    await world.events(4);
    const scratch = "checkpoints/maintain/scratch";
    await world.lake.store.write(`${scratch}/0a1b2c3d-0000-4000-8000-000000000000/x`, new Uint8Array(1));
    await world.lake.store.write(`${scratch}/thesis/chapter.txt`, new Uint8Array(1));
    await world.compact();
    deepStrictEqual(await world.paths(scratch), [`${scratch}/thesis/chapter.txt`]);
  }));

const hostileStems = [
  "",
  "raw/",
  "checkpoints/",
  "warehouse/lab/other/data/",
  `warehouse/lab/other/data/${ID}-`,
  `${FOLDER}/data/`,
  `${FOLDER}/`,
  `${FOLDER}/data/x/${ID}-`,
  `${FOLDER}/data/../../../lab/other/data/${ID}-`,
  `${FOLDER}/data/${ID}`,
  `${FOLDER}/data/compact-00000000-0000-4000-8000-000000000002-`,
];

Deno.test("an intent whose stem compaction cannot have made for the table is left, counted, and deletes nothing", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(2);
    const others = await world.lake.create("lab.other", table.metadata.schemas[0]!.fields);
    await world.lake.append(others, eventRows(1, 3));
    for (const path of ["raw/events/a.json", "checkpoints/bronze.events/000000000001.routed.json.bak"]) {
      await litter(world, path);
    }
    for (const stem of hostileStems) {
      const intent: Intent = {
        format: 2,
        patienceMs: 24 * 3_600_000,
        kind: "compaction",
        id: ID,
        table: "bronze.events",
        tableUuid: table.metadata.tableUuid,
        startedAt: "2026-03-01T00:00:00Z",
        stem,
        inputs: [],
        fenced: false,
      };
      await writeIntent(world.lake.store, intent);
      await age(`${world.lake.folder}/checkpoints/intents/${ID}.json`);
      const before = await world.paths();
      const compaction = await world.compact({ inputsMin: 99 });
      const orphans = await removeOrphans(world.surroundings, await world.load(), NOW);
      deepStrictEqual([compaction.foreignIntents, orphans.foreignIntents, orphans.paths], [1, 1, []], stem);
      deepStrictEqual(await world.paths(), before, stem);
    }
  }));

Deno.test("an intent under another name than its own id, or that names a live file, deletes nothing", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(4);
    await world.compact();
    const [file] = await world.liveFiles();
    const stem = table.io.location.pathOf(file!.path).replace(/\d+\.parquet$/, "");
    const id = /compact-[0-9a-f-]{36}/.exec(stem)![0];
    const before = await world.lake.ask(ALL);
    const intent: Intent = {
      format: 2,
      patienceMs: 24 * 3_600_000,
      kind: "compaction",
      id,
      table: "bronze.events",
      tableUuid: "of-a-table-that-was-dropped",
      startedAt: "2026-03-01T00:00:00Z",
      stem,
      inputs: [],
      fenced: false,
    };
    await writeIntent(world.lake.store, intent);
    await age(`${world.lake.folder}/checkpoints/intents/${id}.json`);
    const settled = await removeOrphans(world.surroundings, await world.load(), NOW);
    deepStrictEqual([settled.abandonedRewrites, settled.paths], [1, []]);
    await world.lake.store.write(`checkpoints/intents/${ID}.json`, new TextEncoder().encode(JSON.stringify(intent)));
    await age(`${world.lake.folder}/checkpoints/intents/${ID}.json`);
    await rejects(removeOrphans(world.surroundings, await world.load(), NOW), /Cannot read the intent/);
    deepStrictEqual(await world.lake.ask(ALL), before);
  }));

Deno.test("gc.enabled=false is honoured by expiry and orphan removal, dry runs too", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    await litter(world, `${FOLDER}/data/lost.parquet`);
    await world.commit((transaction) => transaction.add(setProperties({ "gc.enabled": "false" })));
    const before = await world.paths();
    for (const dryRun of [true, false]) {
      const table = await world.load();
      await rejects(
        removeOrphans(world.surroundings, table, { olderThanMs: 0, dryRun }),
        /its property gc\.enabled is false/,
      );
      await rejects(expireTable(world.surroundings, table, { ...EXPIRY, dryRun }), /its property gc\.enabled is false/);
    }
    deepStrictEqual(await world.paths(), before);
  }));

Deno.test("a table that holds another, or lies in one, is not cleaned", () =>
  MaintainWorld.use(async (world) => {
    const outer = await world.events(2);
    const { store, random, clock } = { ...world.lake, clock: world.surroundings.clock };
    const inside = new FileCatalog({ store, random, clock, warehouse: `${FOLDER}/data` });
    const surroundings = { ...world.surroundings, catalog: inside };
    const { fields } = outer.metadata.schemas[0]!;
    world.lake.catalog = inside;
    const inner = await world.lake.append(await world.lake.create("a.b", fields), eventRows(1, 3));
    await litter(world, `${FOLDER}/data/lost.parquet`);
    await litter(world, `${inner.io.location.folder}/data/lost.parquet`);
    const before = await world.paths();
    await rejects(removeOrphans(world.surroundings, outer, NOW), /another table lies in it, at .*\/data\/a\/b/);
    const both = {
      ...surroundings,
      catalog: Object.assign(Object.create(inside), {
        listNamespaces: () => Promise.resolve([["bronze"], ["a"]]),
        listTables: (namespace: string[]) =>
          Promise.resolve([{ namespace, name: namespace[0] === "a" ? "b" : "events" }]),
        placesOf: ({ name }: { name: string }) => Promise.resolve([(name === "b" ? inner : outer).metadata.location]),
      }),
    };
    for (const [table, says] of [[outer, /holds that of a\.b/], [inner, /lies in that of bronze\.events/]] as const) {
      await rejects(removeOrphans(both, table, NOW), says);
    }
    deepStrictEqual(await world.paths(), before);
  }));

Deno.test("dropping a table with its files leaves what is not the table's", () =>
  withStranger(async (world, folder) => {
    await world.events(2);
    const theirs = await stranger(folder, "photos/holiday.parquet");
    await Deno.symlink(`${folder}/photos`, `${world.lake.folder}/${FOLDER}/data/photos`);
    await litter(world, `${FOLDER}/thesis.txt`);
    await litter(world, `${FOLDER}/data/notes.txt`);
    await world.lake.catalog.dropTable({ namespace: ["bronze"], name: "events" }, { purge: true });
    strictEqual(await Deno.readTextFile(theirs), "precious");
    deepStrictEqual((await world.paths(FOLDER)).map((path) => path.slice(FOLDER.length + 1)), [
      "data/notes.txt",
      "data/photos/holiday.parquet",
      "thesis.txt",
    ]);
  }));
