import { systemClock } from "../../core/base/clock.ts";
import type { S3Settings } from "../../core/storage/s3/settings.ts";

/** MinIO publishes no binaries any more; this version is built from source, once. */
const version = "v0.0.0-20260212201848-7aac2a2c5b7c";
const cacheFolder = `${Deno.env.get("HOME") ?? "/tmp"}/.cache/streamlab-test/minio-${version.split("-")[1]}`;
const startMsMax = 60_000;

export interface Minio {
  endpoint: string;
  consoleUrl: string;
  settings: S3Settings;
  /** Makes a bucket, of a new name unless one is given. */
  makeBucket(name?: string): Promise<string>;
  /** Until the server ends. */
  ended: Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * True where MinIO is there or can be built, or must be: then a test that needs it fails instead of
 * being skipped.
 */
export function canRunMinio(): boolean {
  if (Deno.env.get("STREAMLAB_REQUIRE_ALL") === "1") return true;
  return isFile(`${cacheFolder}/minio`) || onPath("minio") !== undefined || onPath("go") !== undefined;
}

/** Declares a test that is shown as ignored where there is no MinIO. */
export function minioTest(name: string, run: (t: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name, ignore: !canRunMinio(), fn: run });
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function onPath(program: string): string | undefined {
  return Deno.env.get("PATH")?.split(":").map((folder) => `${folder}/${program}`).find(isFile);
}

/**
 * The path of MinIO's binary: in the cache, on the PATH, or built by Go into the cache, which takes
 * minutes.
 */
async function findMinio(): Promise<string> {
  const cached = `${cacheFolder}/minio`;
  if (isFile(cached)) return cached;
  const installed = onPath("minio");
  if (installed !== undefined) return installed;
  await Deno.mkdir(cacheFolder, { recursive: true });
  // One build for all test processes that ask at the same time.
  using lock = await Deno.open(`${cacheFolder}/lock`, { create: true, write: true });
  await lock.lock(true);
  if (isFile(cached)) return cached;
  // deno-lint-ignore no-console -- whoever runs the tests wonders what takes so long
  console.error("building MinIO, which takes some minutes, once");
  const scratch = await Deno.makeTempDir({ dir: cacheFolder });
  const build = new Deno.Command("nice", {
    args: ["go", "install", `github.com/minio/minio@${version}`],
    env: { GOBIN: scratch },
    stdout: "null",
    stderr: "piped",
  });
  const { success, stderr } = await build.output();
  if (!success) throw new Error(`Cannot build MinIO: ${new TextDecoder().decode(stderr).slice(-1000)}`);
  await Deno.rename(`${scratch}/minio`, cached);
  await Deno.remove(scratch, { recursive: true });
  return cached;
}

export interface MinioOptions {
  env?: Record<string, string>;
  args?: string[];
  scheme?: "http" | "https";
  /** Default, and for 0: free ones. */
  port?: number;
  consolePort?: number;
  /** Keeps its data there; default: a temporary folder, removed at the end. */
  folder?: string;
}

/**
 * Starts a server of its own on a free port of this machine, with its data in a temporary folder.
 */
export async function startMinio(options: MinioOptions = {}): Promise<Minio> {
  const program = await findMinio();
  const folder = options.folder ?? await Deno.makeTempDir({ prefix: "streamlab-minio-" });
  const address = `127.0.0.1:${options.port || freePort()}`;
  const consoleAddress = `127.0.0.1:${options.consolePort || freePort()}`;
  const credentials = { accessKeyId: "minioadmin", secretAccessKey: "minioadmin" };
  const server = new Deno.Command(program, {
    args: [
      "server",
      folder,
      "--address",
      address,
      "--console-address",
      consoleAddress,
      ...options.args ?? [],
    ],
    env: {
      MINIO_ROOT_USER: credentials.accessKeyId,
      MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
      ...options.env,
    },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  await untilItSays(server, "API: ");
  // A pipe that nobody empties would stop the server one day.
  const drained = server.stderr.pipeTo(new WritableStream());
  const endpoint = `${options.scheme ?? "http"}://${address}`;
  let buckets = 0;
  return {
    endpoint,
    consoleUrl: `http://${consoleAddress}`,
    ended: server.status,
    settings: { endpoint, region: "us-east-1", forcePathStyle: true, credentials, isDefault: false },
    // On one drive a folder is a bucket.
    makeBucket: async (bucket = `bucket-${++buckets}`) => {
      await Deno.mkdir(`${folder}/${bucket}`, { recursive: true });
      return bucket;
    },
    stop: async () => {
      // Data that are kept are worth a proper end.
      server.kill(options.folder === undefined ? "SIGKILL" : "SIGTERM");
      await server.status;
      await drained;
      if (options.folder === undefined) await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A port that was free a moment ago. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

async function untilItSays(server: Deno.ChildProcess, words: string): Promise<void> {
  const patience = new AbortController();
  const tooLate = systemClock.sleep(startMsMax, patience.signal).then(() => "late" as const);
  const reader = server.stderr.getReader();
  let said = "";
  try {
    while (!said.includes(words)) {
      const piece = await Promise.race([reader.read(), tooLate]);
      if (piece === "late" || piece.done) throw new Error(`Cannot start MinIO: ${said.trim() || "it says nothing"}`);
      said += new TextDecoder().decode(piece.value);
    }
  } finally {
    patience.abort();
    reader.releaseLock();
  }
}
