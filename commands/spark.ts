/** `--engine spark` and what belongs to it. */
import { resolve } from "node:path";
import type * as z from "zod";
import { StreamlabError } from "../core/base/errors.ts";
import type { DedupeRule } from "../core/lake/dedupe_rule.ts";
import type { ClusterTasks } from "../core/routing/task_cluster.ts";
import { temporaryFolder } from "../core/disk/ownership.ts";
import type { Context } from "./line/command.ts";
import { flag } from "./line/flags.ts";
import { printMessage, timeText } from "./line/output.ts";

/** With less, a task would be over before its program has started. */
const TASK_BYTES_MIN = 1_000_000;
/** With less, a task has no room for one thread (core/routing/memory_shares.ts). */
const TASK_MEMORY_MIN = 300_000_000;

/** The flags of a cluster, in a section of help. `docs`: of what a command does with it. */
export function sparkFlags(section: string, docs: { engine: string; taskSize: string }): {
  engine: z.ZodType<"embedded" | "spark", string | undefined>;
  master: z.ZodType<string | undefined, string | undefined>;
  sparkHome: z.ZodType<string | undefined, string | undefined>;
  sparkConf: z.ZodType<string[] | undefined, string | undefined>;
  sparkProgram: z.ZodType<string | undefined, string | undefined>;
  taskSize: z.ZodType<number, string | undefined>;
  taskMemory: z.ZodType<number, string | undefined>;
} {
  return {
    engine: flag.choice(["embedded", "spark"], {
      section,
      doc: docs.engine,
      default: "embedded",
    }),
    master: flag.text({
      section,
      doc: "with --engine spark: the cluster, such as spark://host:7077, yarn, k8s://… or local-cluster[2,1,1024]",
      placeholder: "URL",
    }),
    sparkHome: flag.file({
      section,
      doc: "folder of Spark, whose bin has spark-submit (default: SPARK_HOME, else spark-submit on the PATH)",
      placeholder: "DIR",
    }),
    sparkConf: flag.list({
      section,
      doc: "a setting for Spark, such as spark.executor.memory=2g; more than once for more",
      placeholder: "KEY=VALUE",
    }),
    sparkProgram: flag.text({
      section,
      doc: "path of streamlab where the tasks run (default: the compiled program is sent there)",
      placeholder: "PATH",
    }),
    taskSize: flag.size({ section, doc: docs.taskSize, default: "256MB" }),
    taskMemory: flag.size({ section, doc: "memory of each task, beside that of Spark itself", default: "1GB" }),
  };
}

/** What the flags say. */
export interface SparkChoice {
  engine: "embedded" | "spark";
  master?: string | undefined;
  sparkHome?: string | undefined;
  sparkConf?: string[] | undefined;
  sparkProgram?: string | undefined;
  taskSize: number;
  taskMemory: number;
}

const OF_SPARK: Readonly<Record<string, string>> = {
  master: "--master",
  sparkHome: "--spark-home",
  sparkConf: "--spark-conf",
  sparkProgram: "--spark-program",
  taskSize: "--task-size",
  taskMemory: "--task-memory",
};

/** Refuses what cannot go together, before anything is done. */
export function checkEngine(
  { typed }: Pick<Context, "typed">,
  { engine, master, sparkConf, taskMemory }: SparkChoice,
): void {
  if (engine === "spark") {
    settingsOf(sparkConf ?? []);
    if (taskMemory < TASK_MEMORY_MIN) {
      throw new StreamlabError("usage", "--task-memory is too little: a task takes 300 MB at least", {
        hint: "Leave it out, or give --task-memory 300MB or more",
      });
    }
    if (master !== undefined) return;
    throw new StreamlabError("usage", "--engine spark needs --master: which cluster it is", {
      hint: "For example --master spark://host:7077",
    });
  }
  const lone = Object.keys(OF_SPARK).find((key) => typed.has(key));
  if (lone === undefined) return;
  throw new StreamlabError("usage", `${OF_SPARK[lone]} says nothing without --engine spark`, {
    hint: "Leave it out, or add --engine spark --master URL",
  });
}

/** Repeats are looked for in the keys of a whole batch, which no task has. */
export function checkNoDedupe({ engine }: SparkChoice, rule: DedupeRule | undefined): void {
  if (engine === "embedded" || rule === undefined) return;
  throw new StreamlabError(
    "usage",
    "Cannot deduplicate with --engine spark: a task has a part of a batch, and repeats are found in whole ones",
    { hint: "Use the embedded engine for this table, or keep repeats with --dedupe-by none" },
  );
}

/** The cluster of a run, for all its targets; started when the first has its turn. */
export class ClusterOfRun {
  readonly #context: Context;
  readonly #choice: SparkChoice;
  #opening: Promise<OpenedCluster> | undefined;

  constructor(context: Context, choice: SparkChoice) {
    this.#context = context;
    this.#choice = choice;
  }

  /** Undefined where batches are routed in this process. */
  async tasks(): Promise<ClusterTasks | undefined> {
    if (this.#choice.engine === "embedded") return undefined;
    const opening = this.#opening ??= openSpark(this.#context, this.#choice);
    try {
      return (await opening).tasks;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined);
    await opened?.close();
  }
}

interface OpenedCluster {
  tasks: ClusterTasks;
  close(): Promise<void>;
}

/** Starts a driver: `not-found` where there is no Spark, `unavailable` where it does not start. */
async function openSpark(context: Context, choice: SparkChoice): Promise<OpenedCluster> {
  const submit = findSubmit(context, choice);
  const conf = settingsOf(choice.sparkConf ?? []);
  const [{ SparkCluster }, { takeTemporaryFolder }] = await Promise.all([
    import("../core/routing/spark/spark_cluster.ts"),
    import("../core/disk/temporary_folder.ts"),
  ]);
  const folder = await takeTemporaryFolder(temporaryFolder(context.env), "spark", context);
  try {
    const cluster = await SparkCluster.open({
      ...context,
      submit,
      master: choice.master!,
      conf,
      ...programFor(choice),
      folder: folder.path,
      onStart: ({ version, master, page }) => {
        const at = page === undefined ? "" : `, its page is ${page}`;
        void say(context, { page: page ?? null }, `Spark ${version} at ${master} takes the tasks${at}`);
      },
    });
    const limits = { threads: 1, memory: `${choice.taskMemory}B` };
    return {
      tasks: { cluster, limits, bytesPerTask: Math.max(TASK_BYTES_MIN, choice.taskSize) },
      close: async () => {
        await cluster.close();
        folder.release();
      },
    };
  } catch (error) {
    folder.release();
    throw error;
  }
}

async function say(context: Context, record: { page: string | null }, text: string): Promise<void> {
  const time = context.isTerminal.stderr ? "" : `${timeText(context)} `;
  await printMessage(context, { action: "note", text, ...record }, time + text);
}

function findSubmit({ env, cwd }: Pick<Context, "env" | "cwd">, { sparkHome }: SparkChoice): string {
  const home = sparkHome ?? (env("SPARK_HOME") || undefined);
  if (home !== undefined) {
    const path = resolve(cwd, home, "bin/spark-submit");
    if (isFile(path)) return path;
    const flag = sparkHome === undefined ? "SPARK_HOME" : "--spark-home";
    throw new StreamlabError("not-found", `Cannot start Spark: there is no ${path}`, {
      hint: `Name a folder of Spark with ${flag}`,
    });
  }
  const found = (env("PATH") ?? "").split(":").map((folder) => `${folder}/spark-submit`).find(isFile);
  if (found !== undefined) return found;
  throw new StreamlabError("not-found", "Cannot start Spark: there is no spark-submit on the PATH", {
    hint: "Name Spark's folder with --spark-home or SPARK_HOME, or install it: pip install pyspark",
  });
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** The list of a flag: a part that begins no setting belongs to the value before it. */
function settingsOf(parts: readonly string[]): string[] {
  const settings: string[] = [];
  for (const part of parts) {
    if (/^spark\.[^=]+=/.test(part)) settings.push(part);
    else if (settings.length > 0) settings.push(`${settings.pop()},${part}`);
    else {
      throw new StreamlabError("usage", `Cannot give Spark the setting ${part}: it is not spark.KEY=VALUE`, {
        hint: "For example --spark-conf spark.executor.memory=2g",
      });
    }
  }
  return settings;
}

/**
 * The compiled program is one file, which is sent along. The source is called where it is here, so
 * the executors must see the same disk.
 */
function programFor({ sparkProgram }: SparkChoice): { program: string[]; shipsProgram: boolean } {
  if (sparkProgram !== undefined) return { program: [sparkProgram], shipsProgram: false };
  if (Deno.build.standalone) return { program: [Deno.execPath()], shipsProgram: true };
  const main = new URL("../main.ts", import.meta.url).pathname;
  return { program: [Deno.execPath(), "run", "--quiet", "--no-check", "--allow-all", main], shipsProgram: false };
}
