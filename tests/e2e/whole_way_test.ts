import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { countTables, countTruth } from "./dispositions.ts";
import { ask, inFolder, streamlab, succeed } from "./program.ts";

const chances = ["corruption", "invalid-schema", "extra-fields", "duplicate", "late"].flatMap((what) => [
  `--${what}-chance`,
  "0.05",
]);

function produce(batches: number, batchSize: number, ...more: string[]): string[] {
  const sizes = ["--batches", String(batches), "--batch-size", String(batchSize), "--interval", "0"];
  return ["produce", ...sizes, "--start", "2026-03-01", "--truth", "truth.ndjson", ...chances, ...more];
}

Deno.test("what was produced arrives where the truth says, once, and stays so through upkeep", () =>
  inFolder(async (folder) => {
    await succeed(folder, produce(40, 100, "--seed", "7"));
    await succeed(folder, ["consume", "--source", "local", "--once"]);
    const truth = await countTruth(`${folder}/truth.ndjson`);
    ok(truth.event > 3_000 && truth.corrupted_batch > 0 && truth.invalid_schema > 0 && truth.extra_fields > 0);
    deepStrictEqual(await countTables(folder), truth);

    await succeed(folder, ["consume", "--source", "local", "--once"]);
    deepStrictEqual(await countTables(folder), truth, "after a second run");

    await succeed(folder, ["maintain", "--all", "--older-than", "0s", "--retain-last", "1"]);
    deepStrictEqual(await countTables(folder), truth, "after upkeep");
    await succeed(folder, ["maintain", "--audit"]);
  }));

Deno.test("every record of a small lake ends where its line of the truth says", () =>
  inFolder(async (folder) => {
    for (const [index, format] of ["json", "ndjson", "parquet"].entries()) {
      await succeed(folder, produce(6, 40, "--seed", String(index), "--format", format));
    }
    await succeed(folder, produce(6, 40, "--seed", "8", "--compress", "gzip"));
    await succeed(folder, produce(6, 40, "--seed", "9", "--format", "ndjson", "--compress", "zstd"));
    await succeed(folder, ["consume", "--once"]);
    const rows = await ask(
      folder,
      `select _source_file as file, _source_position::int as position, 'event' as disposition from bronze.events
       union all select _source_file, _source_position::int, _dead_letter_reason from dead_letters.events`,
    );
    const found = rows.map(({ file, position, disposition }) => `${file} ${position ?? "whole"} ${disposition}`);
    deepStrictEqual(found.sort(), (await expectedLines(`${folder}/truth.ndjson`)).sort());
  }));

interface Truth {
  file: string;
  counts: { corrupted_batch: number };
  records: { position: number; disposition: string }[];
}

async function expectedLines(path: string): Promise<string[]> {
  const files = (await Deno.readTextFile(path)).trim().split("\n").map((line) => JSON.parse(line) as Truth);
  return files.flatMap(({ file, counts, records }) =>
    counts.corrupted_batch > 0
      ? [`${file} whole corrupted_batch`]
      : records.map(({ position, disposition }) => `${file} ${position} ${disposition}`)
  );
}

Deno.test("files that come later are added to the same tables", () =>
  inFolder(async (folder) => {
    await succeed(folder, produce(5, 20, "--seed", "1"));
    await succeed(folder, ["consume", "--once"]);
    await succeed(folder, produce(5, 20, "--seed", "2"));
    await succeed(folder, ["consume", "--once"]);
    deepStrictEqual(await countTables(folder), await countTruth(`${folder}/truth.ndjson`));
    const [ledger] = await ask(
      folder,
      "select count(*)::int as files, count(distinct batch_id)::int as batches from ingest.files",
    );
    deepStrictEqual(ledger, { files: 10, batches: 2 });
  }));

Deno.test("--json prints one object a batch", () =>
  inFolder(async (folder) => {
    await succeed(folder, produce(3, 20, "--seed", "1"));
    const lines = (await succeed(folder, ["consume", "--once", "--json"])).trim().split("\n");
    for (const line of lines) strictEqual(typeof JSON.parse(line), "object");
  }));

Deno.test("the program explains itself", () =>
  inFolder(async (folder) => {
    const { status, stdout } = await streamlab(folder, ["--help"]);
    strictEqual(status, 0);
    for (const command of ["produce", "consume", "query", "maintain"]) {
      match(stdout, new RegExp(`^  ${command} `, "m"));
      match(await succeed(folder, [command, "--help"]), /EXIT STATUS/);
    }
  }));

Deno.test("a question that is about no table is answered from an empty lake, and refused where there is none", () =>
  inFolder(async (folder) => {
    const { status, stderr } = await streamlab(folder, ["query", "select 1"]);
    strictEqual(status, 1);
    match(stderr, /^streamlab: There is no lake at .*\n {2}Name another with --source/);
    await Deno.mkdir(`${folder}/lake`);
    strictEqual(await succeed(folder, ["query", "--format", "csv", "select 1 as one"]), "one\n1\n");
    strictEqual(await succeed(folder, ["query", "--format", "csv"], { stdin: "select 2 as two" }), "two\n2\n");
  }));
