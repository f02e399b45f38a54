import { deepStrictEqual, doesNotMatch, match, strictEqual } from "node:assert/strict";
import { maintain } from "../../commands/maintain/maintain.ts";
import { runProgram } from "../../commands/line/program.ts";
import { systemClock } from "../../core/base/clock.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { createTable } from "../../core/iceberg/action/create_table.ts";
import { identifierText, type LoadedTable, parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { createTableIfAbsent } from "../../core/iceberg/commit.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";
import { testWorld } from "../support/test_world.ts";

const event = (id: string) =>
  `{"user_id":"u","event_id":"${id}","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}\n`;

/** A lake of three batches, each with an event and a dead letter. */
const useThreeBatches = ConsumeWorld.copies(async (world) => {
  for (const id of ["a", "b", "c"]) {
    world.put(`${id}.ndjson`, `${event(id)}not JSON\n`);
    await world.consume();
  }
});

async function run(world: ConsumeWorld, ...args: string[]) {
  const program = { ...testWorld({ commands: [maintain] }), clock: systemClock };
  const all = ["maintain", ...args, "--source", world.folder, "--threads", "1"];
  const status = await runProgram(all, program);
  return { status, text: program.stdoutText() + program.stderrText(), stdout: program.stdoutText() };
}

async function load(world: ConsumeWorld, name: string): Promise<LoadedTable> {
  return (await world.catalogOn(world.store).loadTable(parseIdentifier(name)))!;
}

/** The local path of the data file that has the rows of a batch. */
async function dataFile(world: ConsumeWorld, name: string, batch: number): Promise<string> {
  const { io, metadata } = await load(world, name);
  const { files } = await planScan(io, metadata);
  const begin = `/${batch.toString().padStart(8, "0")}-`;
  const file = files.find(({ dataFile }) => dataFile.path.includes(begin))!;
  return world.store.localPath(io.location.pathOf(file.dataFile.path))!;
}

async function manifestOf(world: ConsumeWorld, name: string, which: "list" | "manifest"): Promise<string> {
  const { io, metadata } = await load(world, name);
  const snapshot = snapshotOfRef(metadata)!;
  const uri = which === "list" ? snapshot.manifestList! : (await io.readManifestList(snapshot))[0]!.path;
  return world.store.localPath(io.location.pathOf(uri))!;
}

const damages: [string, (path: string) => void, RegExp][] = [
  ["gone", (path) => Deno.removeSync(path), /is gone/],
  ["cut", (path) => Deno.truncateSync(path, 100), /has 100 bytes, and its metadata says [\d,]+/],
  ["overwritten", (path) => Deno.writeFileSync(path, Deno.readFileSync(path).fill(1)), /cannot be read: /],
];

for (const name of ["bronze.events", "dead_letters.events", "ingest.files"]) {
  for (const [what, damage, says] of damages) {
    Deno.test(`audit and status say that a data file of ${name} is ${what}, and go on with the rest`, () =>
      useThreeBatches(async (world) => {
        damage(await dataFile(world, name, 2));
        const { status, text } = await run(world, "--audit");
        strictEqual(status, 1, text);
        match(text, says);
        match(text, new RegExp(`${name}: the data file .*/00000002-.*\\(1 row\\)`));
        const missing = name === "bronze.events"
          ? "record 0 (batch 2) is in no table"
          : name === "ingest.files"
          ? "b.ndjson (batch 2) has 2 rows in the tables, and no line in the ledger"
          : "record 1 (batch 2) is in no table";
        strictEqual(text.includes(missing), true, text);
        doesNotMatch(text, /batch [13]\)|bug/);
        const json = JSON.parse((await run(world, "--audit", "--json")).stdout);
        deepStrictEqual([json.damages.length, json.damages[0].table, json.damages[0].rows], [1, name, 1]);
        const health = await run(world, "--status");
        doesNotMatch(health.text, /bug/);
        // The status reads the ledger alone, and looks at all other files from outside.
        if (what === "overwritten" && name !== "ingest.files") return;
        match(health.text, new RegExp(`${name}: the data file .*/00000002-.* (is gone|has \\d+ bytes|cannot be read)`));
        strictEqual(health.status, 1, health.text);
      }));
  }
}

for (const which of ["list", "manifest"] as const) {
  for (const [what, damage] of damages) {
    Deno.test(`audit and status say that a ${which} of manifests is ${what}, and go on with the rest`, () =>
      useThreeBatches(async (world) => {
        damage(await manifestOf(world, "bronze.events", which));
        for (const action of ["--audit", "--status"]) {
          const { status, text } = await run(world, action);
          strictEqual(status, 1, text);
          match(text, /bronze\.events: .*\.avro/);
          doesNotMatch(text, /bug/);
        }
        match((await run(world, "--audit")).text, /record 0 \(batch \d\) is in no table: it must be an event/);
        match((await run(world, "--status")).text, /dead_letters\.events +3 /);
      }));
  }
}

Deno.test("rows that no ledger knows are discrepancies", () =>
  useThreeBatches(async (world) => {
    const empty = `${world.folder}-empty`;
    try {
      // The ledger of a lake in which nothing was ingested.
      await ConsumeWorld.use(async (other) => {
        await other.consume();
        await new Deno.Command("cp", { args: ["-r", `${other.folder}/warehouse/ingest`, empty] }).output();
      });
      Deno.removeSync(`${world.folder}/warehouse/ingest`, { recursive: true });
      Deno.removeSync(`${world.folder}/checkpoints`, { recursive: true });
      Deno.renameSync(empty, `${world.folder}/warehouse/ingest`);
    } finally {
      await Deno.remove(empty, { recursive: true }).catch(() => undefined);
    }
    const { status, text } = await run(world, "--audit");
    strictEqual(status, 1, text);
    match(text, /bronze\.events: 3 discrepancies/);
    for (const [id, batch] of [["a", 1], ["b", 2], ["c", 3]]) {
      match(
        text,
        new RegExp(`${id}\\.ndjson \\(batch ${batch}\\) has 2 rows in the tables, and no line in the ledger`),
      );
    }
  }));

Deno.test("an audit of a table that never was, or got nothing, says so with status 1", () =>
  ConsumeWorld.use(async (world) => {
    await world.consume();
    const nothing = await run(world, "--audit");
    deepStrictEqual([nothing.status, nothing.stdout], [1, ""], nothing.text);
    match(nothing.text, /There is nothing to audit: nothing was ingested for bronze\.events/);
    const none = await run(world, "--audit", "--table", "bronze.others");
    deepStrictEqual([none.status, none.stdout], [1, ""], none.text);
    match(none.text, /There is no table bronze\.others, nor dead_letters\.others/);
    Deno.removeSync(`${world.folder}/warehouse/dead_letters`, { recursive: true });
    match((await run(world, "--audit")).text, /no table dead_letters\.events\n.*restore all of the lake/);
  }));

Deno.test("an audit of a table that consume does not write to says so", () =>
  useThreeBatches(async (world) => {
    const identifier = { namespace: ["bronze"], name: "foreign" };
    const fields = [{ id: 0, name: "id", required: true, type: { type: "long" as const } }];
    const { random } = world;
    for (const each of [identifier, { namespace: ["dead_letters"], name: "foreign" }]) {
      const change = (location: string) => createTable({ fields, partitionBy: [], location, random });
      await createTableIfAbsent(world.catalog, each, change, { random });
    }
    const { status, text } = await run(world, "--audit", "--table", identifierText(identifier));
    strictEqual(status, 1, text);
    match(text, /nothing to audit in bronze\.foreign: it has no column _source_file, so consume does not write to it/);
  }));

Deno.test("fields named as DuckDB's own columns and the audit's are audited as any other", () =>
  ConsumeWorld.use(async (world) => {
    const names = [
      "rowid",
      "filename",
      "file_row_number",
      "name",
      "etag",
      "state",
      "size",
      "batch_id",
      "kind",
      "wanted",
    ];
    const contract = JSON.stringify({
      type: "object",
      properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
    });
    const path = `${world.folder}/contract.json`;
    Deno.writeTextFileSync(path, contract);
    const record = (of: string) => JSON.stringify(Object.fromEntries(names.map((name) => [name, of + name])));
    for (const file of ["a", "b", "c"]) {
      world.put(`${file}.ndjson`, Array.from({ length: 5 }, (_, index) => record(`${file}${index}`)).join("\n"));
      await world.consume({ contract: parseContract(contract) });
    }
    const small = ["--target-file-size", "1KB"];
    const sorted = await run(world, "--compact", "--table", "bronze.events", "--sort-by", "rowid desc", ...small);
    strictEqual(sorted.status, 0, sorted.text);
    const { status, text } = await run(world, "--audit", "--contract", path);
    strictEqual(status, 0, text);
    match(text, /exactly once \(3 files of 3 batches, 15 events, 0 dead letters\)/);
    const [row] = await world.rows("SELECT count(DISTINCT rowid) AS n FROM {{bronze.events}} AS events");
    deepStrictEqual(row, { n: 15n });
  }));
