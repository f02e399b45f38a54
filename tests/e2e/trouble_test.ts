import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { countTables } from "./dispositions.ts";
import { ask, endOf, inFolder, messageLines, type Outcome, startStreamlab, streamlab, succeed } from "./program.ts";

/**
 * One clear message: what is wrong and what to do in at most two lines, no stack, nothing on
 * standard output.
 */
function isClear(outcome: Outcome, status: number, words: RegExp): void {
  strictEqual(outcome.status, status, outcome.stderr);
  ok(messageLines(outcome).length <= 2, outcome.stderr);
  match(outcome.stderr, words);
  ok(!/^\s+at /m.test(outcome.stderr), outcome.stderr);
}

Deno.test("a wrong flag is named with the nearest right one", () =>
  inFolder(async (folder) => {
    isClear(await streamlab(folder, ["consume", "--onse"]), 2, /--onse.*\n.*--once/s);
    isClear(await streamlab(folder, ["konsume"]), 2, /konsume.*consume/s);
    isClear(await streamlab(folder, ["produce", "--batch-size", "many"]), 2, /--batch-size/);
    isClear(await streamlab(folder, ["produce", "--late-chance", "7"]), 2, /--late-chance/);
    isClear(await streamlab(folder, ["maintain"]), 2, /--compact/);
    deepStrictEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("a place that is not there is named, and not made by a question", () =>
  inFolder(async (folder) => {
    isClear(await streamlab(folder, ["query", "select * from bronze.events"]), 1, /lake/);
    isClear(await streamlab(folder, ["consume", "--once"]), 1, /lake/);
    isClear(await streamlab(folder, ["maintain", "--compact"]), 1, /lake/);
    deepStrictEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("a folder that cannot be written is named", () =>
  inFolder(async (folder) => {
    // A file where a folder should be: nobody can write below it, not even root.
    await Deno.writeTextFile(`${folder}/file`, "");
    isClear(await streamlab(folder, ["produce", "--sink", "file/lake", "--batches", "1"]), 1, /file\/lake/);
    await succeed(folder, ["produce", "--batches", "1", "--interval", "0"]);
    isClear(await streamlab(folder, ["consume", "--sink", "file/lake", "--once"]), 1, /file\/lake/);
  }));

Deno.test("SQL that is no question is refused, and SQL that is wrong says where", () =>
  inFolder(async (folder) => {
    for (const sql of ["drop table x", "copy (select 1) to 'x.csv'", "select * from 'program.ts'", "attach 'x.db'"]) {
      const outcome = await streamlab(folder, ["query", sql]);
      isClear(outcome, outcome.status === 2 ? 2 : 1, /./);
    }
    deepStrictEqual([...Deno.readDirSync(folder)], []);
    await Deno.mkdir(`${folder}/lake`);
    const wrong = await streamlab(folder, ["query", "selekt 1"]);
    ok(wrong.status === 1 || wrong.status === 2, wrong.stderr);
    match(wrong.stderr, /selekt/);
  }));

Deno.test("garbage among the files costs only itself", () =>
  inFolder(async (folder) => {
    await succeed(folder, ["produce", "--batches", "2", "--batch-size", "5", "--interval", "0"]);
    const raw = `${folder}/lake/raw/events`;
    await Deno.writeFile(`${raw}/a.json`, Uint8Array.of(0xff, 0xfe, 0x00, 0x80));
    await Deno.writeTextFile(`${raw}/b.json.gz`, "no gzip");
    await Deno.writeTextFile(`${raw}/c.json`, "");
    await Deno.writeTextFile(`${raw}/d.parquet`, "PAR1");
    await Deno.writeTextFile(`${raw}/e.ndjson.zst`, "no zstd");
    await Deno.writeTextFile(`${raw}/f.json`, '{"an": "object"}');
    await Deno.writeTextFile(`${raw}/.hidden.json`, "[]");
    await Deno.writeTextFile(`${raw}/_partial.json`, "[");
    await Deno.mkdir(`${raw}/folder.json`);
    await succeed(folder, ["consume", "--once"]);
    const { event, corrupted_batch, corrupted_record, invalid_schema } = await countTables(folder);
    deepStrictEqual({ event, corrupted_batch, corrupted_record, invalid_schema }, {
      event: 10,
      corrupted_batch: 4,
      corrupted_record: 1,
      invalid_schema: 1,
    });
  }));

Deno.test("an unknown key beside a missing optional one is an extra field", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/lake/raw/events`, { recursive: true });
    const record = {
      user_id: "u",
      event_id: "e",
      event_type: "t",
      event_timestamp: "2026-03-01T00:00:00Z",
      colour: "red",
    };
    await Deno.writeTextFile(`${folder}/lake/raw/events/x.json`, JSON.stringify([record]));
    await succeed(folder, ["consume", "--once"]);
    const letters = await ask(
      folder,
      "select _dead_letter_reason as reason, _raw_record as record from dead_letters.events",
    );
    deepStrictEqual(letters, [{ reason: "extra_fields", record: JSON.stringify(record) }]);
  }));

Deno.test("Ctrl-C finishes the batch and the next run goes on", () =>
  inFolder(async (folder) => {
    await succeed(folder, ["produce", "--batches", "3", "--batch-size", "5", "--interval", "0"]);
    const child = startStreamlab(folder, ["consume", "--json"]);
    // Its first batch is on standard output; then it waits for files.
    const reader = child.stdout.getReader();
    strictEqual((await reader.read()).done, false);
    child.kill("SIGINT");
    reader.releaseLock();
    strictEqual((await endOf(child)).code, 130);
    await succeed(folder, ["consume", "--once"]);
    strictEqual((await countTables(folder)).event, 15);
  }));

Deno.test(
  "a full disk is one clear message, and nothing is lost",
  { ignore: !canMount() },
  () =>
    inFolder(async (folder) => {
      await succeed(folder, ["produce", "--batches", "30", "--batch-size", "2000", "--interval", "0", "--seed", "5"]);
      await Deno.mkdir(`${folder}/small`);
      mount(["-t", "tmpfs", "-o", "size=1m", "tmpfs", `${folder}/small`]);
      try {
        const consume = [
          "consume",
          "--source",
          "lake",
          "--sink",
          "small/lake",
          "--once",
          "--max-files-per-batch",
          "10",
        ];
        const environment = { env: { TMPDIR: folder } };
        isClear(await streamlab(folder, consume, environment), 1, /space/);
        isClear(
          await streamlab(folder, [
            "produce",
            "--sink",
            "small/lake",
            "--batches",
            "50",
            "--batch-size",
            "2000",
            "--interval",
            "0",
          ]),
          1,
          /space/,
        );
        mount(["-o", "remount,size=200m", `${folder}/small`]);
        await succeed(folder, consume, environment);
        const sql = "select count(*)::int as n from bronze.events";
        const answer = await succeed(folder, ["query", "--source", "small/lake", "--format", "json", sql]);
        deepStrictEqual(JSON.parse(answer), [{ n: 60_000 }]);
      } finally {
        mount([`${folder}/small`], "umount");
      }
    }),
);

function mount(args: string[], program = "mount"): void {
  const { success, stderr } = new Deno.Command(program, { args }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Only root may, and not in every container. */
function canMount(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const folder = Deno.makeTempDirSync();
  try {
    mount(["-t", "tmpfs", "tmpfs", folder]);
    mount([folder], "umount");
    return true;
  } catch {
    return false;
  } finally {
    Deno.removeSync(folder);
  }
}
