import { match, strictEqual } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { runProgram } from "../../commands/line/program.ts";
import { systemClock } from "../../core/base/clock.ts";
import { DuckDb, quoteText } from "../../core/engine/duckdb.ts";
import { commands } from "../../main.ts";
import { scratchFolder } from "../support/scratch_folder.ts";
import { testWorld } from "../support/test_world.ts";

/** Runs a command line; what it printed, without its colours. Fails where it does not end well. */
async function run(cwd: string, args: string[]): Promise<string> {
  const shell = { ...testWorld({ commands, cwd, env: { TMPDIR: cwd } }), clock: systemClock };
  const status = await runProgram(args, shell);
  strictEqual(status, 0, `${args.join(" ")}: ${shell.stderrText()}`);
  return shell.stdoutText();
}

/** A Parquet file with one row. */
async function parquetRow(path: string, id: number): Promise<void> {
  const database = await DuckDb.open({ threads: 1 });
  const connection = await database.connect();
  // DuckDB would take the name itself for a pattern.
  const plain = `${scratchFolder()}/x.parquet`;
  await connection.run(`COPY (SELECT ${id}::BIGINT AS id) TO ${quoteText(plain)} (FORMAT parquet)`);
  connection.close();
  database.close();
  await Deno.copyFile(plain, path);
}

async function put(folder: string, name: string, id: number): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const line = `{"id":${id}}\n`;
  await Deno.writeTextFile(`${folder}/${name}.ndjson`, line);
  await Deno.writeFile(`${folder}/${name}.json.gz`, gzipSync(`[${line}]`));
  await parquetRow(`${folder}/${name}.parquet`, id);
}

// Each is a pattern of DuckDB's, or was taken for one; 'a1' and 'axb1' are what they would match.
const NAMES = ["\\x", "a\\b[1]", "a[1]", "a*", "a?", "[\\]", "\\*", "{a,b}", "a\\", "a'\"b", "%20 +#&"];

for (const lake of ["lake", ...NAMES]) {
  Deno.test(`files and lakes of any name are read, each by itself: a lake ${lake}`, async () => {
    const cwd = await Deno.makeTempDir({ prefix: "streamlab-places-" });
    try {
      await Deno.writeTextFile(`${cwd}/c.json`, '{"type":"object","properties":{"id":{"type":"integer"}}}');
      const names = lake === "lake" ? ["a1", "axb1", ...NAMES] : ["a1", "\\x"];
      for (const [index, name] of names.entries()) await put(`${cwd}/${lake}/raw/events/${name}`, name, index);
      const target = ["--source", lake, "--table", "t.ev", "--contract", "c.json"];
      match(await run(cwd, ["consume", "--once", "--partition-by", "bucket(2,id)", ...target]), /, 0 dead letters/);
      await put(`${cwd}/${lake}/raw/events`, "more", names.length);
      await run(cwd, ["consume", "--once", ...target]);
      await run(cwd, ["maintain", "--compact", "--source", lake]);
      // A copy of the lake beside it has files of the same names.
      await new Deno.Command("cp", { args: ["-r", `${cwd}/${lake}`, `${cwd}/a1`] }).output();
      const sql = "select count(*) as n, sum(id)::bigint as ids from t.ev";
      const sum = 3 * names.length * (names.length + 1) / 2;
      strictEqual(
        await run(cwd, ["query", "--source", lake, "--format", "csv", sql]),
        `n,ids\n${3 * names.length + 3},${sum}\n`,
      );
      const audited = await run(cwd, ["maintain", "--audit", ...target.filter((word) => word !== "--once")]);
      match(audited, /every record is in one table exactly once/);
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  });
}
