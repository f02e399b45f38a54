import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { seededRandom } from "../../core/base/random.ts";
import { inFolder, startStreamlab, streamlab, succeed } from "../e2e/program.ts";
import { pythonTest } from "../support/python.ts";
import { say } from "./report.ts";

/** Kills in all; `deno task simulate --kills N` asks for more. */
const killsMax = Number(Deno.env.get("STREAMLAB_KILLS") ?? 40);
/** From the start of a process to its death at the latest, milliseconds: long enough to get some batches done. */
const lifeMsMax = 1_500;

interface PythonAudit {
  files: number;
  events: number;
  dead_letters: number;
  problems: string[];
}

pythonTest(
  "real processes that are killed at any moment lose and double nothing, by PyIceberg's word",
  async (python) => {
    await inFolder(async (folder) => {
      const random = seededRandom(Number(Deno.env.get("STREAMLAB_SEED") ?? Date.now() % 1e6));
      let isDone = false;
      const producing = succeed(folder, [
        ...["produce", "--batches", String(killsMax * 12), "--interval", "60ms", "--truth", "truth.ndjson"],
        ...["--dirty", "--compress", "gzip"],
      ]).finally(() => isDone = true);
      const jobs = {
        consume: ["consume", "--max-files-per-batch", "2", "--threads", "1"],
        maintain: ["maintain", "--all", "--older-than", "0", "--retain-last", "1", "--threads", "1"],
      };
      let consumers = 0, maintainers = 0;
      const killConsumers = async () => {
        while (!isDone && consumers + maintainers < killsMax) {
          consumers += await kill(folder, jobs.consume, random.next());
        }
      };
      const killMaintainers = async () => {
        while (!isDone && consumers + maintainers < killsMax) {
          maintainers += await kill(folder, jobs.maintain, random.next());
        }
      };
      await Promise.all([killConsumers(), killMaintainers()]);
      await producing;
      await succeed(folder, ["consume", "--once"]);
      const own = await streamlab(folder, ["maintain", "--audit"]);
      strictEqual(own.status, 0, own.stdout + own.stderr);
      const { problems, ...counts } = await python.json<PythonAudit>(
        "audit_lake.py",
        `${folder}/lake`,
        `${folder}/truth.ndjson`,
      );
      deepStrictEqual(problems, []);
      ok(counts.events > 0 && counts.dead_letters > 0);
      say(`${consumers} consumers and ${maintainers} maintainers killed: ${JSON.stringify(counts)}, audited clean`);
    });
  },
);

/** Starts the program, and kills it some time later. 1 if it was still alive. */
async function kill(folder: string, args: string[], chance: number): Promise<number> {
  const child = startStreamlab(folder, args);
  await child.stdin.close();
  const output = child.output();
  const ended = output.then(() => "ended" as const);
  const winner = await Promise.race([ended, setTimeout(100 + chance * lifeMsMax, "alive" as const)]);
  if (winner === "alive") child.kill("SIGKILL");
  const { code, stderr } = await output;
  const text = new TextDecoder().decode(stderr);
  // Beside a living one of its kind, or before there is a lake, it ends by itself; with anything else the test ends, too.
  if (winner === "ended" && code !== 0 && !/There is no lake|is running/.test(text)) {
    throw new Error(`${args}: ${text}`);
  }
  return winner === "alive" ? 1 : 0;
}
