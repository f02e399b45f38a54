import { type ErrorKind, StreamlabError } from "../../base/errors.ts";
import { early } from "../../base/parallel.ts";
import { readProgramPart } from "../../disk/program_part.ts";
import { createFileSync, writeFileSync } from "../../disk/scratch.ts";
import { parseRecord, recordText } from "../../lake/durable_record.ts";
import type { TaskCluster, TaskKind, TaskProgress } from "../task_cluster.ts";
import { type DriverAnswer, SparkDriver, type SparkDriverOptions } from "./spark_driver.ts";

export interface SparkClusterOptions extends Omit<SparkDriverOptions, "script"> {
  /** Local, for the driver's script. */
  folder: string;
  /** Stops waiting for Spark to start. */
  signal: AbortSignal;
  /** Tells of each driver that is up. */
  onStart(facts: { version: string; master: string; page: string | undefined }): void;
}

/** What tasks are run for. */
type Purpose = Pick<TaskKind<{ format: number }, { format: number }>, "action" | "lostHint">;

interface Request {
  purpose: Purpose;
  onProgress: (progress: TaskProgress) => void;
  settle: PromiseWithResolvers<string[]>;
}

/** What a task may refuse for, besides all that is a bug of ours. */
const KINDS: readonly ErrorKind[] = ["usage", "not-found", "conflict", "corrupt", "newer", "limit"];

/** Runs tasks on a Spark cluster, by one driver for many batches; one that died is started anew. */
export class SparkCluster implements TaskCluster {
  readonly #options: SparkDriverOptions & SparkClusterOptions;
  readonly #requests = new Map<number, Request>();
  #lastId = 0;
  #driver: Promise<SparkDriver> | undefined;

  private constructor(options: SparkClusterOptions) {
    const script = `${options.folder}/spark_driver.py`;
    const file = createFileSync(script);
    try {
      writeFileSync(file, script, readProgramPart(new URL("spark_driver.py", import.meta.url)));
    } finally {
      file.close();
    }
    this.#options = { ...options, script };
  }

  /** Fails where Spark does not start: with `unavailable`, or with `interrupted` when stopped. */
  static async open(options: SparkClusterOptions): Promise<SparkCluster> {
    const cluster = new SparkCluster(options);
    await cluster.#connect();
    return cluster;
  }

  async slots(): Promise<number> {
    return (await this.#connect()).facts.slots;
  }

  async run<T extends { format: number }, R extends { format: number }>(
    { command, result, ...purpose }: TaskKind<T, R>,
    tasks: readonly T[],
    onProgress: (progress: TaskProgress) => void = () => {},
  ): Promise<R[]> {
    const driver = await this.#connect();
    const id = ++this.#lastId;
    const settle = Promise.withResolvers<string[]>();
    this.#requests.set(id, { purpose, onProgress, settle });
    try {
      // Where it cannot be asked any more, it ends.
      await driver.ask({ id, command, tasks: tasks.map((task) => recordText(task)) }).catch(() => undefined);
      const results = await Promise.race([
        early(settle.promise),
        driver.ended.then((reason) => hasEnded(purpose, reason)),
      ]);
      return results.map((text) => parseRecord(result, text, "of a task on Spark"));
    } finally {
      this.#requests.delete(id);
    }
  }

  async close(): Promise<void> {
    const driver = await this.#driver?.catch(() => undefined);
    await driver?.end();
  }

  #connect(): Promise<SparkDriver> {
    return this.#driver ??= this.#start();
  }

  async #start(): Promise<SparkDriver> {
    const { master, signal, onStart } = this.#options;
    try {
      const driver = await SparkDriver.start(this.#options, signal);
      const { version, ui } = driver.facts;
      onStart({ version, master, page: ui ?? undefined });
      void this.#follow(driver);
      return driver;
    } catch (error) {
      this.#driver = undefined;
      throw error;
    }
  }

  /** Until Spark's process or the connection is gone: its script outlives a killed JVM. */
  async #follow(driver: SparkDriver): Promise<void> {
    await Promise.race([this.#takeAnswers(driver), driver.ended]);
    this.#driver = undefined;
    await driver.end();
  }

  async #takeAnswers(driver: SparkDriver): Promise<void> {
    try {
      for await (const answer of driver.answers()) this.#take(answer);
    } catch {
      // The connection was lost.
    }
  }

  #take(answer: DriverAnswer): void {
    const request = this.#requests.get(answer.id);
    if ("results" in answer) request?.settle.resolve(answer.results);
    else if ("failed" in answer) request?.settle.reject(failure(request.purpose, answer.failed));
    else request?.onProgress(answer);
  }
}

function hasEnded({ action, lostHint }: Purpose, reason: string): never {
  throw new StreamlabError("unavailable", `Cannot ${action} on Spark: its driver has ended: ${reason}`, {
    hint: lostHint,
  });
}

function failure(
  { action, lostHint }: Purpose,
  { message, refused }: Extract<DriverAnswer, { failed: unknown }>["failed"],
): StreamlabError {
  if (refused === null) {
    return new StreamlabError("unavailable", `Cannot ${action} on Spark: ${message}`, { hint: lostHint });
  }
  const kind = KINDS.find((each) => each === refused.kind) ?? "internal";
  return new StreamlabError(kind, message, refused.hint === null ? {} : { hint: refused.hint });
}
