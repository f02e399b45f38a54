import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import type { Field } from "../../core/iceberg/format/type.ts";
import { eventFieldIds, eventRows, MaintainWorld } from "./maintain_world.ts";

const all = "SELECT * FROM bronze.events";

Deno.test("compaction makes one file of many, with the same rows, and says replace", () =>
  MaintainWorld.use(async (world) => {
    await world.events(7);
    const before = await world.lake.ask(all);
    strictEqual(before.length, 70);
    const report = await world.compact();
    deepStrictEqual([report.groups, report.inputs.files, report.outputs.files, report.outputs.records], [1, 7, 1, 70]);
    deepStrictEqual(await world.lake.ask(all), before);
    const table = await world.load();
    const snapshot = snapshotOfRef(table.metadata)!;
    strictEqual(snapshot.summary.operation, "replace");
    strictEqual(snapshot.summary["total-data-files"], "1");
    strictEqual(snapshot.summary["total-records"], "70");
    const [file] = await world.liveFiles();
    deepStrictEqual(file!.lowerBounds!.get(1), new Uint8Array(8));
    ok(/\/data\/compact-[0-9a-f-]{36}-00000\.parquet$/.test(file!.path), file!.path);
    const left = await world.paths("checkpoints/");
    deepStrictEqual(left, [], "neither intent nor scratch stays");
    const again = await world.compact();
    deepStrictEqual([again.groups, again.dropped], [0, []]);
    strictEqual((await world.load()).metadataLocation, table.metadataLocation);
  }));

Deno.test("rows stay in their partitions", () =>
  MaintainWorld.use(async (world) => {
    await world.events(9, true);
    const before = await world.lake.ask(all);
    const report = await world.compact();
    deepStrictEqual([report.groups, report.inputs.files, report.outputs.files], [4, 12, 4]);
    deepStrictEqual(await world.lake.ask(all), before);
    const files = await world.liveFiles();
    deepStrictEqual(files.map(({ partition }) => partition[0]).sort(), [20513, 20514, 20515, 20516]);
    ok(files.some(({ path }) => path.includes("/data/at_day=2026-03-01/compact-")));
    deepStrictEqual(await world.lake.ask(`SELECT count(*) AS n FROM bronze.events WHERE "at" >= '2026-03-02'`), [
      '{"n":66}',
    ]);
  }));

Deno.test("a dry run tells what would be done and changes nothing", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.events(3);
    const paths = await world.paths();
    const report = await world.compact({ dryRun: true });
    deepStrictEqual([report.groups, report.inputs.files, report.outputs.files], [1, 3, 1]);
    deepStrictEqual(await world.paths(), paths);
    strictEqual((await world.load()).metadataLocation, table.metadataLocation);
  }));

Deno.test("large files are split near the target size, and stay in order when sorted", () =>
  MaintainWorld.use(async (world) => {
    await world.events(0);
    const rows = `SELECT (hash(i) % 1000000)::BIGINT AS id, now() AS at, md5(i::VARCHAR) || md5((-i)::VARCHAR) AS text
      FROM range(600000) r(i)`;
    await world.append(await world.file(rows, eventFieldIds));
    const [whole] = await world.liveFiles();
    const targetFileSize = whole!.fileSizeBytes / 4;
    const report = await world.compact({ targetFileSize, sortBy: ["id desc"] });
    ok(report.outputs.files >= 3 && report.outputs.files <= 5, String(report.outputs.files));
    strictEqual(report.outputs.records, 600_000);
    const paths = (await world.liveFiles()).map(({ path }) => `'${path.replace("file://", "")}'`);
    const spans = await world.lake.connection.rows(
      `SELECT min(id)::INT AS low, max(id)::INT AS high FROM read_parquet([${paths.join(", ")}], filename = true)
      GROUP BY filename ORDER BY low`,
    );
    for (const [i, span] of spans.entries()) {
      if (i > 0) ok((span.low as number) >= (spans[i - 1]!.high as number), "files do not overlap");
    }
    const [unsorted] = await world.lake.connection.rows(
      `SELECT count(*)::INT AS n FROM (SELECT id, lag(id) OVER (PARTITION BY filename ORDER BY file_row_number) AS before
      FROM read_parquet([${paths.join(", ")}], filename = true, file_row_number = true)) WHERE before < id`,
    );
    strictEqual(unsorted!.n, 0);
    await rejects(world.compact({ sortBy: ["nobody"] }), /no such column/);
  }));

Deno.test("deleted rows go, and delete files that touch nothing more go with them", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3);
    const files = await world.liveFiles();
    await world.deletePositions([[files[0]!, 1], [files[1]!, 2]]);
    await world.deleteIds([25, 26]);
    const before = await world.lake.ask(all);
    strictEqual(before.length, 26);
    const planned = await world.compact({ dryRun: true });
    strictEqual(planned.deleteFiles, 2);
    const report = await world.compact();
    deepStrictEqual([report.inputs.files, report.outputs.records, report.deleteFiles], [3, 26, 2]);
    deepStrictEqual(await world.lake.ask(all), before);
    const { io, metadata } = await world.load();
    deepStrictEqual((await planScan(io, metadata)).files.map(({ deletes }) => deletes.length), [0]);
    strictEqual(snapshotOfRef(metadata)!.summary["total-delete-files"], "0");
    strictEqual((await world.compact()).groups, 0);
  }));

Deno.test("a file whose rows are all deleted leaves without a successor", () =>
  MaintainWorld.use(async (world) => {
    await world.events(1);
    await world.deleteIds([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const report = await world.compact();
    deepStrictEqual([report.inputs.files, report.outputs.files], [1, 0]);
    deepStrictEqual(await world.lake.ask(all), []);
    deepStrictEqual(await world.liveFiles(), []);
  }));

Deno.test("a delete file stays as long as it touches a file that was not rewritten", () =>
  MaintainWorld.use(async (world) => {
    await world.events(3, true);
    const files = await world.liveFiles();
    const [first] = files.filter(({ partition }) => partition[0] === 20513);
    await world.deletePositions([[first!, 0]]);
    const second = files.filter(({ partition }) => partition[0] === 20514);
    await world.deletePositions([[second[0]!, 0]], { partition: second[0]!.partition });
    const before = await world.lake.ask(all);
    const report = await world.compact();
    strictEqual(report.deleteFiles, 2);
    deepStrictEqual(await world.lake.ask(all), before);
    strictEqual((await world.compact()).groups, 0);
  }));

const nested: Field[] = [
  { id: 0, name: "id", required: true, type: { type: "int" } },
  {
    id: 0,
    name: "place",
    required: false,
    type: {
      type: "struct",
      fields: [
        { id: 0, name: "x", required: false, type: { type: "int" } },
        { id: 0, name: "y", required: false, type: { type: "string" } },
      ],
    },
  },
  {
    id: 0,
    name: "steps",
    required: false,
    type: {
      type: "list",
      elementId: 0,
      elementRequired: false,
      element: { type: "struct", fields: [{ id: 0, name: "n", required: false, type: { type: "int" } }] },
    },
  },
  {
    id: 0,
    name: "notes",
    required: false,
    type: {
      type: "map",
      keyId: 0,
      key: { type: "string" },
      valueId: 0,
      valueRequired: false,
      value: { type: "struct", fields: [{ id: 0, name: "t", required: false, type: { type: "string" } }] },
    },
  },
];

Deno.test("files that were written before the schema changed are read by field id at every level", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.lake.create("bronze.events", nested);
    const rows = (i: number) =>
      `SELECT ${i}::INT AS id, {'x': ${i}, 'y': 'y${i}'} AS place, [{'n': ${i}}, NULL] AS steps, MAP {'k': {'t': 't${i}'}} AS notes`;
    await world.lake.append(table, `${rows(1)} UNION ALL SELECT 9, NULL, NULL, NULL`);
    const changed = await world.commit((transaction) => {
      transaction.add(updateSchema(transaction.metadata, [
        { change: "rename-column", path: "place.x", name: "longitude" },
        { change: "widen-column", path: "place.longitude", type: { type: "long" } },
        {
          change: "add-column",
          parent: "place",
          field: { id: 0, name: "z", required: false, type: { type: "double" } },
        },
        { change: "rename-column", path: "steps.element.n", name: "number" },
        { change: "rename-column", path: "notes.value.t", name: "words" },
        { change: "drop-column", path: "place.y" },
        {
          change: "add-column",
          parent: "place",
          field: { id: 0, name: "y", required: false, type: { type: "string" } },
        },
        { change: "rename-column", path: "id", name: "number" },
      ]));
    });
    await world.lake.append(
      changed,
      `SELECT 2::INT AS number, {'longitude': 2::BIGINT, 'z': 2.5::DOUBLE, 'y': 'new'} AS place, [{'number': 2}] AS steps,
      MAP {'k': {'words': 't2'}} AS notes`,
    );
    const expected = [
      '{"number":1,"place":{"longitude":1,"z":null,"y":null},"steps":[{"number":1},null],"notes":{"k":{"words":"t1"}}}',
      '{"number":2,"place":{"longitude":2,"z":2.5,"y":"new"},"steps":[{"number":2}],"notes":{"k":{"words":"t2"}}}',
      '{"number":9,"place":null,"steps":null,"notes":null}',
    ];
    deepStrictEqual(await world.lake.ask(all), expected);
    const report = await world.compact();
    deepStrictEqual([report.inputs.files, report.outputs.files], [2, 1]);
    deepStrictEqual(await world.lake.ask(all), expected);
  }));

Deno.test("files without field ids are read by the table's name mapping, and refused without one", () =>
  MaintainWorld.use(async (world) => {
    await world.events(1);
    const query = "SELECT 100::BIGINT AS number, 'old' AS text, TIMESTAMPTZ '2026-03-01 00:00:00+00' AS moment";
    await world.append(await world.file(query, ""));
    await rejects(world.compact(), /no field ids/);
    await rejects(world.lake.ask(all), /Cannot read .*by-hand-.*: its columns have no field ids/);
    const mapping = JSON.stringify([
      { "field-id": 1, names: ["id", "number"] },
      { "field-id": 2, names: ["at", "moment"] },
      { "field-id": 3, names: ["text"] },
    ]);
    await world.commit((transaction) => transaction.add(setProperties({ "schema.name-mapping.default": mapping })));
    const before = await world.lake.ask(all);
    deepStrictEqual(before.filter((row) => row.includes("old")), [
      '{"id":100,"at":"2026-03-01 00:00:00+00","text":"old"}',
    ]);
    strictEqual((await world.compact()).outputs.records, 11);
    deepStrictEqual(await world.lake.ask(all), before);
  }));

Deno.test("text that an old writer left without a mark stays text", () =>
  MaintainWorld.use(async (world) => {
    await world.events(1);
    await world.append(await world.file("SELECT 100::BIGINT AS id, encode('é') AS text", '"id": 1, "text": 3'));
    await world.compact();
    deepStrictEqual(await world.lake.ask("SELECT text FROM bronze.events WHERE id = 100"), ['{"text":"é"}']);
  }));

Deno.test("values that only the partition knows are written into the new files", () =>
  MaintainWorld.use(async (world) => {
    const table = await world.lake.create("bronze.events", [
      { id: 0, name: "id", required: true, type: { type: "long" } },
      { id: 0, name: "day", required: false, type: { type: "date" } },
    ], [{ column: "day", transform: { name: "identity" } }]);
    const files = [
      await world.file("SELECT 1::BIGINT AS id", "id: 1", { partition: [20513] }),
      await world.file("SELECT 2::BIGINT AS id", "id: 1", { partition: [20513] }),
    ];
    await world.append(...files);
    const expected = ['{"id":1,"day":"2026-03-01"}', '{"id":2,"day":"2026-03-01"}'];
    deepStrictEqual(await world.lake.ask(all), expected);
    await world.compact();
    deepStrictEqual(await world.lake.ask(all), expected);
    const [file] = await world.liveFiles();
    const path = table.io.location.store.localPath(table.io.location.pathOf(file!.path));
    const columns = await world.lake.connection.rows(`SELECT name FROM parquet_schema('${path}')`);
    ok(columns.some(({ name }) => name === "day"));
  }));

Deno.test("a file that holds other rows than its manifest says stops the compaction and is left alone", () =>
  MaintainWorld.use(async (world) => {
    await world.events(1);
    await world.append(await world.file(eventRows(50, 5), eventFieldIds, { recordCount: 6 }));
    const before = await world.load();
    await rejects(world.compact(), /hold 15 rows, and their manifests say 16/);
    strictEqual((await world.load()).metadataLocation, before.metadataLocation);
    deepStrictEqual((await world.paths()).filter((path) => path.includes("compact-")), []);
  }));

Deno.test("a damaged file stops the compaction with a word, and groups that were done before stay done", () =>
  MaintainWorld.use(async (world) => {
    await world.events(9, true);
    const files = await world.liveFiles();
    const last = files.findLast(({ partition }) => partition[0] === 20513)!;
    const { location } = (await world.load()).io;
    await Deno.truncate(location.store.localPath(location.pathOf(last.path))!, 100);
    await rejects(world.compact(), (error: Error) => {
      ok(error instanceof StreamlabError, String(error));
      return error.kind === "unavailable" && /^Cannot rewrite files of bronze\.events: /.test(error.message);
    });
    const left = await world.liveFiles();
    ok(left.length < files.length && left.length > 4, String(left.length));
    deepStrictEqual(await world.paths("checkpoints/"), []);
  }));
