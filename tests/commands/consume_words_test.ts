import { match, ok, strictEqual } from "node:assert/strict";
import { runProgram } from "../../commands/line/program.ts";
import { commands } from "../../main.ts";
import { testWorld } from "../support/test_world.ts";

/** Runs consume over what the folder `raw` holds, by a contract of ids and times. */
async function withRaw(
  files: Record<string, string>,
  action: (consume: (...args: string[]) => Promise<{ status: number; said: string }>, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-words-" });
  try {
    await Deno.mkdir(`${folder}/raw`);
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/raw/${name}`, text);
    const properties = { id: { type: "integer" }, at: { type: "string", format: "date-time" } };
    await Deno.writeTextFile(`${folder}/c.json`, JSON.stringify({ type: "object", required: ["id"], properties }));
    await action(async (...args) => {
      const world = testWorld({ commands, cwd: folder, env: { TMPDIR: folder } });
      const target = ["--table", "a.b", "--contract", "c.json"];
      const status = await runProgram(["consume", "--once", ...target, ...args], world);
      const said = world.stdoutText() + world.stderrText();
      return { status, said: said.replaceAll(/^2026-03-01T12:\d\d:\d\dZ a\.b /gm, "") };
    }, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a raw folder that is not there is named with its flag", () =>
  withRaw({}, async (consume) => {
    const { status, said } = await consume("--raw", "nothere");
    strictEqual(status, 1);
    match(said, /There is no folder to read at .*\/nothere\n {2}Name another with --raw, or /);
    match((await consume("--source", "nolake")).said, /\n {2}Name another with --source, or /);
  }));

Deno.test("a raw file in place of its folder is called that, and nothing is made", () =>
  withRaw({ "1.ndjson": '{"id": 1}\n' }, async (consume, folder) => {
    for (const flags of [[], ["--create"]]) {
      const { status, said } = await consume("--raw", "raw/1.ndjson", ...flags);
      strictEqual(status, 1);
      match(
        said,
        /Cannot read the files in .*\/raw\/1\.ndjson\/?: it is a file itself\n {2}Name the folder that it is in with --raw/,
      );
    }
    strictEqual((await Array.fromAsync(Deno.readDir(folder))).some(({ name }) => name === "lake"), false);
  }));

Deno.test("a raw folder that holds nothing is told from one where all has been ingested", () =>
  withRaw({}, async (consume, folder) => {
    match((await consume("--raw", "raw", "--partition-by", "id")).said, /^Nothing new: nothing lies at .*\/raw\/\n$/);
    await Deno.writeTextFile(`${folder}/raw/1.ndjson`, '{"id": 1}\n');
    match((await consume("--raw", "raw")).said, /^batch 1: 1 file/);
    match((await consume("--raw", "raw")).said, /^Nothing new\n$/);
  }));

Deno.test("files that are passed over by their names are counted, and one of them is named", () =>
  withRaw({ "a.txt": "{}", "b.log.gz": "", "_SUCCESS": "", ".x.json": "{}" }, async (consume, folder) => {
    const { status, said } = await consume("--raw", "raw", "--partition-by", "id");
    strictEqual(status, 0);
    match(said, /^2 files are passed over, .*: [ab]\.[a-z.]+; --format says what all files are\n$/);
    match((await consume("--raw", "raw", "--json")).said, /^\{"action":"note","text":"2 files are passed over/);
    await Deno.remove(`${folder}/raw/b.log.gz`);
    await Deno.writeTextFile(`${folder}/raw/1.ndjson`, '{"id": 1}\n');
    match((await consume("--raw", "raw")).said, /^batch 1: [^]*\n1 file is passed over/);
  }));

Deno.test("another partitioning of a table that is there is refused, the same one is not", () =>
  withRaw({ "1.ndjson": '{"id": 1, "at": "2026-03-01T00:00:00Z"}\n' }, async (consume) => {
    const by = ["--partition-by", "day(at), bucket(4, id)"];
    strictEqual((await consume("--raw", "raw", ...by)).status, 0);
    strictEqual((await consume("--raw", "raw", ...by)).status, 0);
    strictEqual((await consume("--raw", "raw")).status, 0);
    for (const other of ["day(at)", "bucket(4, id), day(at)", "day(at), bucket(5, id)", "id"]) {
      const { status, said } = await consume("--raw", "raw", "--partition-by", other);
      strictEqual(status, 2, other);
      ok(
        said.includes(`Cannot partition a.b by ${other}: it is there, and partitioned by day(at), bucket(4, id)\n`),
        said,
      );
    }
  }));
