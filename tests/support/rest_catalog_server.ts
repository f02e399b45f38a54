import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { RestCatalog, type RestCatalogOptions } from "../../core/iceberg/catalog/rest_catalog.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { SHORT_LIVED_JAVA } from "./java.ts";
import { jarsFromMaven, type JavaPackage } from "./maven.ts";
import { cacheFolder, isFile, isRequired, onPath } from "./python.ts";
import { freePort, startServer } from "./server.ts";

/** The Apache Iceberg project's own REST catalog, from Maven Central, once. */
const version = "1.10.0";
const folder = `${cacheFolder}/iceberg-rest-${version}-aws`;
const startMsMax = 60_000;

const dependencies: JavaPackage[] = [
  ["org.apache.iceberg", "iceberg-open-api", version, "test-fixtures"],
  ["org.apache.iceberg", "iceberg-core", version],
  ["org.apache.iceberg", "iceberg-core", version, "tests"],
  ["org.apache.iceberg", "iceberg-aws", version],
  ["org.apache.iceberg", "iceberg-aws-bundle", version],
  ["org.eclipse.jetty", "jetty-server", "11.0.26"],
  ["org.eclipse.jetty", "jetty-servlet", "11.0.26"],
  ["org.xerial", "sqlite-jdbc", "3.50.3.0"],
  ["org.apache.hadoop", "hadoop-client-api", "3.4.1"],
  ["org.apache.hadoop", "hadoop-client-runtime", "3.4.1"],
  ["org.slf4j", "slf4j-simple", "2.0.17"],
];

/**
 * Declares a test that needs the server; shown as ignored where it is not there and cannot be had
 * from Maven, or what else it needs is not.
 */
export function restCatalogTest(name: string, run: () => Promise<void>, hasOthers = true): void {
  Deno.test({ name, ignore: !isRequired && !(hasOthers && canRunRestCatalog()), fn: run });
}

export function canRunRestCatalog(): boolean {
  return isRequired || (onPath("java") !== undefined && (isFile(`${folder}/done`) || onPath("mvn") !== undefined));
}

export function findRestCatalog(): Promise<string> {
  return jarsFromMaven(folder, dependencies);
}

/** Runs a Java program of `tests/interop` beside Iceberg's own classes; its standard output. */
export async function icebergJava(program: string, ...args: string[]): Promise<string> {
  const path = new URL(`../interop/${program}`, import.meta.url).pathname;
  const command = new Deno.Command(onPath("java") ?? "java", {
    args: [...SHORT_LIVED_JAVA, "-cp", await findRestCatalog(), path, ...args],
  });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(`${program} failed: ${new TextDecoder().decode(stderr).slice(-3000)}`);
  return new TextDecoder().decode(stdout);
}

/**
 * Runs a server of its own on a free port of this machine, with its tables in the folder
 * `warehouse`, or where `settings` say: the catalog's properties as variables, `CATALOG_IO__IMPL`
 * for `io-impl`.
 */
export async function withRestCatalog(
  warehouse: string,
  action: (uri: string) => Promise<void>,
  settings: Record<string, string> = {},
): Promise<void> {
  const jars = await findRestCatalog();
  const start = () => {
    const port = freePort();
    const process = new Deno.Command(onPath("java") ?? "java", {
      args: ["-Xmx512m", ...SHORT_LIVED_JAVA, "-cp", jars, "org.apache.iceberg.rest.RESTCatalogServer"],
      env: {
        CATALOG_WAREHOUSE: warehouse,
        // `REST_PORT`, as some pages say, is not read by it.
        CATALOG_REST_PORT: String(port),
        CATALOG_URI: `jdbc:sqlite:${warehouse}/catalog.db`,
        ...settings,
      },
      stdout: "null",
      stderr: "null",
    }).spawn();
    return { process, uri: `http://127.0.0.1:${port}` };
  };
  const server = await startServer(start, untilReady);
  try {
    await action(server.uri);
  } finally {
    server.process.kill("SIGKILL");
    await server.process.status;
  }
}

/** Its tables are in folders of this machine. */
export function connectRest(
  uri: string,
  credentials: Pick<RestCatalogOptions, "token" | "credential"> = {},
): Promise<RestCatalog> {
  return RestCatalog.connect({
    uri,
    ...credentials,
    clock: systemClock,
    random: systemRandom,
    openTable: (location) => {
      const root = location.replace(/^file:\/*/, "/");
      return Promise.resolve({ store: openLocalStore(root, { random: systemRandom, durable: false }), folder: "" });
    },
  });
}

/** Fails when it has ended: another one may answer at its address. */
async function untilReady({ process, uri }: { process: Deno.ChildProcess; uri: string }): Promise<void> {
  let hasEnded = false;
  void process.status.then(() => hasEnded = true);
  const endMs = Date.now() + startMsMax;
  for (;;) {
    const isUp = await answers(uri);
    if (hasEnded || Date.now() > endMs) throw new Error("The REST catalog does not start");
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function answers(uri: string): Promise<boolean> {
  try {
    const response = await fetch(`${uri}/v1/config`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Not listening yet.
    return false;
  }
}
