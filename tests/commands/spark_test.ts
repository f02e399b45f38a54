import { ok, strictEqual } from "node:assert/strict";
import { consume } from "../../commands/consume/consume.ts";
import { runProgram } from "../../commands/line/program.ts";
import { systemClock } from "../../core/base/clock.ts";
import { inFolder } from "../e2e/program.ts";
import { writeScript } from "../support/script.ts";
import { maintain } from "../../commands/maintain/maintain.ts";
import { testWorld } from "../support/test_world.ts";

/** Its own words come last, as Java prints them. */
const FAILING_SUBMIT = `#!/bin/sh
echo 'INFO it begins'
echo 'Exception in thread "main" org.apache.spark.SparkException: Could not parse Master URL' >&2
exit 1
`;

interface Case {
  args: string[];
  status: number;
  says: RegExp;
}

Deno.test("what cannot be routed on Spark is told, and nothing is made or planned", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/lake/raw/events`, { recursive: true });
    await Deno.writeTextFile(`${folder}/lake/raw/events/a.json`, "[{}]");
    await Deno.mkdir(`${folder}/spark/bin`, { recursive: true });
    await writeScript(`${folder}/spark/bin/spark-submit`, FAILING_SUBMIT);
    const spark = ["--engine", "spark", "--master", "spark://127.0.0.1:7077"];
    const keyed = ["--dedupe-by", "event_id", "--dedupe-within", "1d"];
    const cases: Case[] = [
      { args: ["--engine", "spark"], status: 2, says: /--engine spark needs --master/ },
      { args: ["--task-size", "1MB"], status: 2, says: /--task-size says nothing without --engine spark/ },
      { args: [...spark, ...keyed], status: 2, says: /Cannot deduplicate with --engine spark: a task has a part/ },
      {
        args: [...spark, "--upsert-by", "user_id"],
        status: 2,
        says: /Cannot use --upsert-by with --engine spark: a task has/,
      },
      { args: [...spark, "--spark-conf", "x"], status: 2, says: /Cannot give Spark the setting x: .*spark\.KEY=VALUE/ },
      { args: [...spark, "--task-memory", "64MB"], status: 2, says: /--task-memory is too little/ },
      { args: spark, status: 1, says: /Cannot start Spark: there is no spark-submit on the PATH\n.*--spark-home/ },
      {
        args: [...spark, "--spark-home", "no"],
        status: 1,
        says: /Cannot start Spark: there is no \S+bin\/spark-submit/,
      },
      {
        args: [...spark, "--spark-home", "spark"],
        status: 1,
        says: /Cannot start Spark: .*Could not parse Master URL/,
      },
    ];
    const env = { PATH: "/nowhere", SPARK_HOME: "" };
    for (const { args, status, says } of cases) {
      const world = { ...testWorld({ commands: [consume], cwd: folder, env }), clock: systemClock };
      strictEqual(await runProgram(["consume", "--once", ...args], world), status, `${args}: ${world.stderrText()}`);
      ok(says.test(world.stderrText()), world.stderrText());
    }
    const made = [...Deno.readDirSync(`${folder}/lake`)].map(({ name }) => name);
    strictEqual(made.join(), "raw");
  }));

Deno.test("a compaction or an audit without Spark is told before anything is done, and other actions need none", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/lake`);
    const spark = ["--engine", "spark", "--master", "spark://127.0.0.1:7077"];
    const run = async (...args: string[]) => {
      const env = { PATH: "/nowhere", SPARK_HOME: "" };
      const world = { ...testWorld({ commands: [maintain], cwd: folder, env }), clock: systemClock };
      return { status: await runProgram(["maintain", ...args], world), said: world.stderrText() };
    };
    const cases: Case[] = [
      { args: ["--compact", "--engine", "spark"], status: 2, says: /--engine spark needs --master/ },
      {
        args: ["--compact", "--task-memory", "1GB"],
        status: 2,
        says: /--task-memory says nothing without --engine spark/,
      },
      { args: ["--status", ...spark], status: 2, says: /--engine spark is about --compact and --audit/ },
      { args: ["--audit", "--engine", "spark"], status: 2, says: /--engine spark needs --master/ },
      { args: ["--audit", "--task-size", "1MB"], status: 2, says: /--task-size says nothing without --engine spark/ },
      { args: ["--audit", ...spark], status: 1, says: /Cannot start Spark: there is no spark-submit on the PATH/ },
      { args: ["--compact", ...spark, "--spark-conf", "x"], status: 2, says: /Cannot give Spark the setting x/ },
      { args: ["--compact", ...spark], status: 1, says: /Cannot start Spark: there is no spark-submit on the PATH/ },
      { args: ["--all", ...spark], status: 1, says: /Cannot start Spark: there is no spark-submit on the PATH/ },
      { args: ["--compact", "--dry-run", ...spark], status: 0, says: /^$/ },
    ];
    for (const { args, status, says } of cases) {
      const { status: found, said } = await run(...args);
      strictEqual(found, status, `${args}: ${said}`);
      ok(says.test(said), said);
    }
    strictEqual([...Deno.readDirSync(`${folder}/lake`)].length, 0);
  }));
