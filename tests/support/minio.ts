import { canHaveGoProgram, findGoProgram, type GoProgram } from "./go_program.ts";
import { removeFolder } from "./own_folder.ts";
import type { S3Server } from "./s3_server.ts";
import { freePort, startServer, untilItSays } from "./server.ts";

/** MinIO publishes no binaries any more. */
export const minioProgram: GoProgram = {
  name: "minio",
  package: "github.com/minio/minio",
  version: "v0.0.0-20260212201848-7aac2a2c5b7c",
};

export interface Minio extends S3Server {
  consoleUrl: string;
  /** Until the server ends. */
  ended: Promise<unknown>;
}

export function canRunMinio(): boolean {
  return canHaveGoProgram(minioProgram);
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
  const path = await findGoProgram(minioProgram);
  const folder = options.folder ?? await Deno.makeTempDir({ prefix: "streamlab-minio-" });
  const credentials = { accessKeyId: "minioadmin", secretAccessKey: "minioadmin" };
  const start = () => {
    const address = `127.0.0.1:${options.port || freePort()}`;
    const consoleAddress = `127.0.0.1:${options.consolePort || freePort()}`;
    const process = new Deno.Command(path, {
      args: ["server", folder, "--address", address, "--console-address", consoleAddress, ...options.args ?? []],
      env: {
        MINIO_ROOT_USER: credentials.accessKeyId,
        MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
        ...options.env,
      },
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return { process, address, consoleAddress };
  };
  const up = await startServer(start, ({ process }) => untilItSays(process, "API: "));
  const { process: server, address, consoleAddress } = up;
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
      if (options.folder === undefined) await removeFolder(folder);
    },
  };
}
