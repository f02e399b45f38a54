import { TextLineStream } from "@std/streams/text-line-stream";
import { systemClock } from "../../core/base/clock.ts";
import { SHORT_LIVED_JAVA } from "./java.ts";
import { endGroup, startGroup } from "./process_group.ts";
import { cacheFolder, isFile, isRequired, onPath, runOrThrow } from "./python.ts";

/** Spark with Iceberg, each of one version, from PyPI and Maven Central, once. */
export interface SparkVersion {
  spark: string;
  /** Of the Iceberg runtime for it. */
  runtime: string;
  iceberg: string;
}

export const SPARK_VERSIONS: readonly SparkVersion[] = [
  { spark: "3.5.7", runtime: "3.5_2.12", iceberg: "1.12.0" },
  { spark: "4.1.4", runtime: "4.1_2.13", iceberg: "1.12.0" },
];

/** With the last Iceberg whose vectorised reader knows only Parquet's older encodings. */
export const OLDER_SPARK: SparkVersion = { ...SPARK_VERSIONS[0]!, iceberg: "1.9.2" };

/** Ten times the longest statement: a session that hangs must not take all tests along. */
const ANSWER_MS_MAX = 240_000;
/** It starts a JVM with many parts, which a busy machine has to read. */
const START_MS_MAX = 600_000;

/**
 * Runs with a Spark of the test's version; `catalog` is a warehouse folder or the address of a REST
 * catalog.
 */
export type UseSpark = (catalog: string, action: (spark: Spark) => Promise<void>) => Promise<void>;

/** Declares a test for each version of Spark: see `sparkVersionTest`. */
export function sparkTest(
  name: string,
  run: (useSpark: UseSpark) => Promise<void>,
  versions: readonly SparkVersion[] = SPARK_VERSIONS,
): void {
  for (const version of versions) {
    sparkVersionTest(name, version, () => run((catalog, action) => Spark.use(catalog, action, version)));
  }
}

/** Shown as ignored where `canRunSpark` says no. */
export function sparkVersionTest(name: string, version: SparkVersion, fn: () => Promise<void>): void {
  const iceberg = SPARK_VERSIONS.includes(version) ? "" : `, Iceberg ${version.iceberg}`;
  Deno.test({ name: `${name} (Spark ${version.spark}${iceberg})`, ignore: !canRunSpark(version), fn });
}

/** False where there is no Java, or no Spark and nobody who asks for all parts. */
export function canRunSpark(version: SparkVersion): boolean {
  // Half a gigabyte is not downloaded unasked.
  return isRequired || (isFile(doneMark(version)) && isFile(jarPath(version)) && onPath("java") !== undefined);
}

/** One for each Spark, named after the Iceberg that came with it first. */
function folderOf({ spark }: SparkVersion): string {
  return `${cacheFolder}/spark-${spark}-iceberg-${SPARK_VERSIONS.find((each) => each.spark === spark)!.iceberg}`;
}

function doneMark(version: SparkVersion): string {
  return `${folderOf(version)}/done`;
}

function jarPath(version: SparkVersion): string {
  return `${folderOf(version)}/iceberg-spark-runtime-${version.runtime}-${version.iceberg}.jar`;
}

/** Installs that Spark, and that Iceberg for it, unless they are there. */
export async function findSpark(version: SparkVersion): Promise<{ python: string; jar: string; home: string }> {
  const folder = folderOf(version);
  const found = { python: `${folder}/venv/bin/python`, jar: jarPath(version) };
  await Deno.mkdir(folder, { recursive: true });
  using lock = await Deno.open(`${folder}/lock`, { create: true, write: true });
  await lock.lock(true);
  if (!isFile(doneMark(version))) {
    await runOrThrow(onPath("python3") ?? "python3", ["-m", "venv", `${folder}/venv`]);
    const packages = [`pyspark==${version.spark}`, "pyarrow", "pandas", "duckdb==1.5.5", "setuptools"];
    await runOrThrow(found.python, ["-m", "pip", "install", "--quiet", ...packages]);
    await Deno.writeTextFile(doneMark(version), "");
  }
  if (!isFile(found.jar)) await downloadJar(version);
  const [python] = [...Deno.readDirSync(`${folder}/venv/lib`)].filter(({ name }) => name.startsWith("python3"));
  return { ...found, home: `${folder}/venv/lib/${python!.name}/site-packages/pyspark` };
}

async function downloadJar(version: SparkVersion): Promise<void> {
  const path = jarPath(version);
  const artifact = `iceberg-spark-runtime-${version.runtime}`;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const url = `https://repo1.maven.org/maven2/org/apache/iceberg/${artifact}/${version.iceberg}/${name}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!response.ok) throw new Error(`Cannot download ${url}: ${response.status}`);
  // Whole, or not there.
  await Deno.writeFile(`${path}.part`, response.body!);
  await Deno.rename(`${path}.part`, path);
}

/**
 * One Spark of each version answers all tests of this process, whichever of its threads they are
 * in, and ends with it: to start one takes longer than most of what it is asked. Its socket.
 */
async function findServer(version: SparkVersion): Promise<string> {
  const { python, jar } = await findSpark(version);
  const path = `${folderOf(version)}/${version.iceberg}-${Deno.pid}.socket`;
  using lock = await Deno.open(`${folderOf(version)}/lock`, { write: true });
  await lock.lock(true);
  if (!await listens(path)) await startSparkServer(python, [jar, path, String(Deno.pid)]);
  return path;
}

async function listens(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return true;
  } catch {
    return false;
  }
}

async function startSparkServer(python: string, args: readonly string[]): Promise<void> {
  const script = new URL("../interop/spark_server.py", import.meta.url).pathname;
  const process = startGroup(python, {
    args: [script, ...args],
    // Spark speaks of its start there; a failing statement's error comes in the answer.
    stderr: "null",
    stdin: "null",
    stdout: "piped",
    env: {
      PYSPARK_PYTHON: python,
      PYSPARK_DRIVER_PYTHON: python,
      SPARK_LOCAL_IP: "127.0.0.1",
      JDK_JAVA_OPTIONS: SHORT_LIVED_JAVA.join(" "),
    },
  });
  const said = process.stdout.getReader();
  const first = await within(START_MS_MAX, said.read());
  await said.cancel();
  if (first === undefined || first.done) {
    await endGroup(process);
    throw new Error(`Spark does not start${first === undefined ? ` within ${START_MS_MAX / 1_000} s` : ""}`);
  }
  process.unref();
}

/** A Spark session, with settings and a catalog of its own. */
export class Spark {
  readonly #requests: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: ReadableStreamDefaultReader<string>;

  private constructor({ readable, writable }: Deno.UnixConn) {
    this.#requests = writable.getWriter();
    const lines = new TextLineStream() as TransformStream<string, string>;
    this.#answers = readable.pipeThrough(new TextDecoderStream()).pipeThrough(lines).getReader();
  }

  static async use(catalog: string, action: (spark: Spark) => Promise<void>, version: SparkVersion): Promise<void> {
    const path = await findServer(version);
    const spark = new Spark(await Deno.connect({ transport: "unix", path }));
    try {
      await spark.#ask({ catalog });
      await action(spark);
    } finally {
      await spark.#requests.close().catch(() => undefined);
      await spark.#answers.cancel();
    }
  }

  /** The rows as the foreign readers' scripts print them. */
  sql(text: string): Promise<string[]> {
    return this.#ask({ sql: text });
  }

  /** The rows of that version of a table. */
  rowsOf(metadataPath: string): Promise<string[]> {
    return this.#ask({ metadata: metadataPath });
  }

  /** Deletes rows by an equality delete file, in the partition given or in all of them. */
  async equalityDelete(table: string, column: string, values: unknown[], partition?: unknown[]): Promise<void> {
    await this.#ask({ equality_delete: table, column, values, partition });
  }

  async #ask(request: Record<string, unknown>): Promise<string[]> {
    await this.#requests.write(new TextEncoder().encode(JSON.stringify(request) + "\n"));
    return await this.#answer();
  }

  async #answer(msMax = ANSWER_MS_MAX): Promise<string[]> {
    const read = await within(msMax, this.#answers.read());
    if (read === undefined) throw new Error(`Spark does not answer within ${msMax / 1_000} s`);
    const { value, done } = read;
    if (done) throw new Error("Spark has ended");
    const answer = JSON.parse(value) as { rows?: string[]; error?: string };
    if (answer.error !== undefined) throw new Error(`Spark: ${answer.error}`);
    return answer.rows!;
  }
}

/** What comes of it, or undefined where it takes longer. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const patience = new AbortController();
  try {
    return await Promise.race([work, systemClock.sleep(ms, patience.signal).then(() => undefined)]);
  } finally {
    patience.abort();
  }
}
