import { ok, strictEqual } from "node:assert/strict";
import { inFolder, streamlab, succeed } from "../e2e/program.ts";
import { say } from "../support/say.ts";
import { withSeed } from "../support/seed.ts";
import { after, appearing, killAt } from "./world/kill_at.ts";

/** After each mark one more is killed at any time; `deno task simulate --kills N` asks for more. */
const KILLS_BETWEEN = Math.ceil(Number(Deno.env.get("STREAMLAB_KILLS") ?? 70) / 70);
/** What a replay or a reingest leaves on its way, in this order. */
const MARKS = [
  /\.plan\.json$/,
  /\.routed\.json$/,
  /bronze\/events\/metadata\/v\d+\.metadata\.json$/,
  /dead_letters\/events\/metadata\/v\d+\.metadata\.json$/,
];
const FILES = 20, RECORDS = 100;

const NARROW = { type: "object", required: ["id"], properties: { id: { type: "integer" } } };
const WIDE = { ...NARROW, properties: { ...NARROW.properties, coupon: { type: "string" } } };

Deno.test("letters of a contract that was wrong become events once each, however often their replay is killed", () =>
  becomeEvents(["--replay-dead-letters"]));

Deno.test("records of files that are ingested again are events once each, however often the reingest is killed", () =>
  becomeEvents(["--reingest", "raw/events/*"]));

function becomeEvents(flags: string[]): Promise<void> {
  return withSeed((random) =>
    inFolder(async (folder) => {
      await fillWithLetters(folder);
      const again = ["maintain", "--source", "lake", ...flags, "--threads", "1"];
      const startedMs = performance.now();
      await succeed(folder, [...again, "--dry-run"]);
      const startMs = performance.now() - startedMs;
      let killed = 0;
      for (const mark of MARKS) {
        killed += await killAt(folder, again, () => appearing(`${folder}/lake`, mark));
        for (let turn = 0; turn < KILLS_BETWEEN; turn++) {
          killed += await killAt(folder, again, () => after(startMs * random.next()));
        }
      }
      ok(killed > 0, "none was killed");
      await succeed(folder, again);
      strictEqual(await ask(folder, "SELECT count(*)::INT FROM dead_letters.events"), "0");
      strictEqual(await ask(folder, "SELECT count(*)::INT FROM bronze.events"), `${FILES * RECORDS}`);
      strictEqual(await ask(folder, "SELECT count(DISTINCT id)::INT FROM bronze.events"), `${FILES * RECORDS}`);
      const audit = await streamlab(folder, ["maintain", "--source", "lake", "--audit"]);
      strictEqual(audit.status, 0, audit.stdout + audit.stderr);
      say(`${killed} runs killed, every letter is an event once`);
    })
  );
}

async function fillWithLetters(folder: string): Promise<void> {
  const write = (path: string, value: unknown) => Deno.writeTextFile(`${folder}/${path}`, JSON.stringify(value));
  await Deno.mkdir(`${folder}/lake/raw/events`, { recursive: true });
  await write("narrow.json", NARROW);
  await write("wide.json", WIDE);
  for (let file = 0; file < FILES; file++) {
    const records = Array.from({ length: RECORDS }, (_, index) => ({ id: file * RECORDS + index, coupon: "c" }));
    await write(`lake/raw/events/${file}.json`, records);
  }
  const consume = ["consume", "--source", "lake", "--once", "--no-upkeep", "--max-files-per-batch", "7"];
  await succeed(folder, [...consume, "--contract", "narrow.json"]);
  await succeed(folder, [...consume, "--contract", "wide.json"]);
  strictEqual(await ask(folder, "SELECT count(*)::INT FROM dead_letters.events"), `${FILES * RECORDS}`);
}

async function ask(folder: string, sql: string): Promise<string> {
  return (await succeed(folder, ["query", "--source", "lake", "--format", "csv", sql])).trim().split("\n").at(-1)!;
}
