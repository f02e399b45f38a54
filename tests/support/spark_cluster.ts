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
    // Each of its processes lives for seconds: better code for it would come too late.
    JDK_JAVA_OPTIONS: "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
  };
}

/** Nothing but drivers, of this master. */
export async function localCluster(version: SparkVersion, folder: string, master: string): Promise<SparkCluster> {
  return { flags: flagsFor(master), env: await sparkEnvironment(version, folder) };
}

/** Runs with a standalone cluster of two workers, which write below `folder`. */
export async function useStandaloneCluster(
  version: SparkVersion,
  folder: string,
  action: (cluster: SparkCluster) => Promise<void>,
): Promise<void> {
  const env = await sparkEnvironment(version, folder);
  const daemons: Deno.ChildProcess[] = [];
  const start = async (words: string, host: string, args: () => string[]) => {
    const port = { taken: 0 };
    const { process } = await startServer(() => {
      port.taken = freePort();
      const command = new Deno.Command(`${env.SPARK_HOME}/bin/spark-class`, {
        args: [...args(), "--host", host, "--port", String(port.taken), "--webui-port", "0"],
        env: { ...env, SPARK_LOCAL_IP: host, SPARK_DAEMON_MEMORY: "256m", SPARK_MASTER_OPTS: REST_OFF },
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      });
      return { process: command.spawn() };
    }, ({ process }) => untilItSays(process, words));
    daemons.push(process);
    return port.taken;
  };
  try {
    const port = await start("Starting Spark master", "127.0.0.1", () => ["org.apache.spark.deploy.master.Master"]);
    const master = `spark://127.0.0.1:${port}`;
    const worker = ["org.apache.spark.deploy.worker.Worker", master, "--cores", "1", "--memory", MEMORY];
    const joined = HOSTS.map((host) =>
      start("Successfully registered with master", host, () => [...worker, "--work-dir", `${folder}/work-${host}`])
    );
    await Promise.all(joined);
    // A pipe that nobody empties would stop them one day.
    const drained = daemons.map(({ stderr }) => stderr.pipeTo(new WritableStream()));
    try {
      await action({ flags: flagsFor(master), env });
    } finally {
      for (const daemon of daemons) daemon.kill("SIGKILL");
      await Promise.all(drained);
    }
  } finally {
    await Promise.all(daemons.map(({ status }) => status));
  }
}
