import { SHORT_LIVED_JAVA } from "./java.ts";
import { childrenOf, endGroup, startGroup } from "./process_group.ts";
import { freePort, startServer, untilItSays } from "./server.ts";
import { findSpark, type SparkVersion } from "./spark.ts";

/** A cluster whose workers have a core each. */
export interface SparkCluster {
  /** Of `consume`, that routes its batches there. */
  flags: readonly string[];
  env: Record<string, string>;
}

/** Enough for a driver and an executor that only start other programs. */
const MEMORY = "512m";
/** No twin of a task starts on the host of the first, so each worker has one of its own. */
const HOSTS = ["127.0.0.2", "127.0.0.3"];

/** The service that takes applications of others has a port of its own, 6066. */
const REST_OFF = "-Dspark.master.rest.enabled=false";

function flagsFor(master: string): string[] {
  const settings = [`spark.executor.memory=${MEMORY}`, `spark.driver.memory=${MEMORY}`, "spark.ui.port=0"];
  return ["--engine", "spark", "--master", master, ...settings.flatMap((each) => ["--spark-conf", each])];
}

type SparkEnvironment = Awaited<ReturnType<typeof sparkEnvironment>>;

/** Spark as a folder below `folder`: it keeps what its workers write beside its programs. */
async function sparkEnvironment(version: SparkVersion, folder: string) {
  const { home, python } = await findSpark(version);
  const own = `${folder}/spark`;
  await Deno.mkdir(own);
  for (const { name } of Deno.readDirSync(home)) await Deno.symlink(`${home}/${name}`, `${own}/${name}`);
  return {
    SPARK_HOME: own,
    PYSPARK_PYTHON: python,
    SPARK_LOCAL_IP: "127.0.0.1",
    JDK_JAVA_OPTIONS: SHORT_LIVED_JAVA.join(" "),
  };
}

/** Nothing but drivers, of this master. */
export async function localCluster(version: SparkVersion, folder: string, master: string): Promise<SparkCluster> {
  return { flags: flagsFor(master), env: await sparkEnvironment(version, folder) };
}

/** A master, or a worker: a JVM, with all that it has started. */
class Daemon {
  readonly #process: Deno.ChildProcess;
  readonly #drained: Promise<void>;
  readonly port: number;

  private constructor(process: Deno.ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
    // A pipe that nobody empties would stop it one day.
    this.#drained = process.stderr.pipeTo(new WritableStream());
  }

  /** Until it says these words. */
  static async start(env: SparkEnvironment, host: string, words: string, args: readonly string[]): Promise<Daemon> {
    const { process, port } = await startServer(() => {
      const port = freePort();
      const process = startGroup(`${env.SPARK_HOME}/bin/spark-class`, {
        args: [...args, "--host", host, "--port", String(port), "--webui-port", "0"],
        env: { ...env, SPARK_LOCAL_IP: host, SPARK_DAEMON_MEMORY: "256m", SPARK_MASTER_OPTS: REST_OFF },
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      });
      return { process, port };
    }, ({ process }) => untilItSays(process, words));
    return new Daemon(process, port);
  }

  get pid(): number {
    return this.#process.pid;
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.status;
  }

  /** With all that it has started. */
  async end(): Promise<void> {
    await endGroup(this.#process);
    await this.#drained;
  }
}

/** One host of a cluster. */
class SparkWorker {
  readonly #start: () => Promise<Daemon>;
  /** The last one works. */
  readonly #daemons: Daemon[];

  private constructor(start: () => Promise<Daemon>, first: Daemon) {
    this.#start = start;
    this.#daemons = [first];
  }

  static async start(env: SparkEnvironment, host: string, folder: string, master: string): Promise<SparkWorker> {
    const size = ["--cores", "1", "--memory", MEMORY, "--work-dir", `${folder}/work-${host}`];
    const args = ["org.apache.spark.deploy.worker.Worker", master, ...size];
    const start = () => Daemon.start(env, host, "Successfully registered with master", args);
    return new SparkWorker(start, await start());
  }

  executors(): number[] {
    return childrenOf(this.#daemons.at(-1)!.pid);
  }

  /** Its executors are left to see that it is gone; then another takes its place. */
  async killAndReplace(): Promise<void> {
    await this.#daemons.at(-1)!.kill();
    this.#daemons.push(await this.#start());
  }

  async end(): Promise<void> {
    await Promise.all(this.#daemons.map((daemon) => daemon.end()));
  }
}

/** A standalone cluster of two workers. */
export interface StandaloneCluster extends SparkCluster {
  workers: readonly SparkWorker[];
}

/** Runs with one, which writes below `folder`; afterwards no process of it is left. */
export async function useStandaloneCluster(
  version: SparkVersion,
  folder: string,
  action: (cluster: StandaloneCluster) => Promise<void>,
): Promise<void> {
  const env = await sparkEnvironment(version, folder);
  const args = ["org.apache.spark.deploy.master.Master"];
  const master = await Daemon.start(env, "127.0.0.1", "Starting Spark master", args);
  try {
    const url = `spark://127.0.0.1:${master.port}`;
    const starting = await Promise.allSettled(HOSTS.map((host) => SparkWorker.start(env, host, folder, url)));
    const workers = starting.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
    try {
      for (const each of starting) if (each.status === "rejected") throw each.reason;
      await action({ flags: flagsFor(url), env, workers });
    } finally {
      await Promise.all(workers.map((worker) => worker.end()));
    }
  } finally {
    await master.end();
  }
}
