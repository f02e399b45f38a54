import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { runProgram } from "../../commands/line/program.ts";
import { commands } from "../../main.ts";
import { damagePage } from "../maintain/maintain_world.ts";
import { inFolder } from "../support/own_folder.ts";
import { testWorld } from "../support/test_world.ts";

/** The exit status, and what was printed. */
async function streamlab(folder: string, ...args: string[]) {
  const world = testWorld({ commands, cwd: folder });
  const status = await runProgram(args, world);
  return { status, out: world.stdoutText(), err: world.stderrText() };
}

async function history(folder: string): Promise<Record<string, unknown>[]> {
  const sql = `select "by", action, "table", outcome, detail, done['filesBefore']::int as before,
    ended_at >= started_at as in_order from ingest.upkeep order by started_at, outcome`;
  const { status, out, err } = await streamlab(folder, "query", sql, "--source", ".", "--format", "json");
  strictEqual(status, 0, err);
  return JSON.parse(out);
}

Deno.test("what maintain did, and what failed, is in ingest.upkeep; what came to nothing, and dry runs, are not", () =>
  inFolder(async (folder) => {
    const lake = ["--source", "."];
    const events = ["--batches", "3", "--interval", "0s", "--seed", "7"];
    strictEqual((await streamlab(folder, "produce", "--sink", ".", ...events)).status, 0);
    const once = ["consume", "--once", "--max-files-per-batch", "1", "--no-upkeep", ...lake];
    strictEqual((await streamlab(folder, ...once)).status, 0);
    const compact = ["maintain", "--compact", "--table", "ingest.files", ...lake];
    strictEqual((await streamlab(folder, ...compact, "--dry-run")).status, 0);
    deepStrictEqual(await history(folder), []);
    for (let time = 0; time < 2; time++) strictEqual((await streamlab(folder, ...compact)).status, 0);
    const done = {
      by: "maintain",
      action: "compact",
      table: "ingest.files",
      outcome: "done",
      detail: null,
      before: 3,
      in_order: true,
    };
    deepStrictEqual(await history(folder), [done]);
    const data = `${folder}/warehouse/bronze/events/data`;
    damageOne(data);
    const { status, err } = await streamlab(folder, "maintain", "--compact", "--table", "bronze.events", ...lake);
    strictEqual(status, 1);
    match(err, /Cannot rewrite .*: it is damaged, the checksum of the page at byte \d+ does not match/);
    const [, failed] = await history(folder);
    const { detail, ...rest } = failed!;
    const { detail: _none, ...same } = done;
    deepStrictEqual(rest, { ...same, table: "bronze.events", outcome: "failed", before: null });
    ok(err.includes(String(detail)), String(detail));
  }));

/** Another bit in the last page of a data file. */
function damageOne(folder: string): void {
  const found = [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)[0]!;
  const path = `${folder}/${found.name}`;
  if (found.isDirectory) return damageOne(path);
  damagePage(path);
}
