import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import type { S3Settings } from "../../core/storage/s3/settings.ts";
import { canHaveGoProgram, findGoProgram, type GoProgram } from "./go_program.ts";
import { removeFolder } from "./own_folder.ts";
import type { S3Server, S3ServerOptions } from "./s3_server.ts";
import { freePort, startServer, untilItSays } from "./server.ts";

export const seaweedProgram: GoProgram = {
  name: "weed",
  package: "github.com/seaweedfs/seaweedfs/weed",
  version: "v0.0.0-20261109003541-7506e5f91cd6",
};
const credentials = { accessKeyId: "seaweedadmin", secretAccessKey: "seaweed-secret" };

export function canRunSeaweedFs(): boolean {
  return canHaveGoProgram(seaweedProgram);
}

/** Starts a server of its own on free ports, with its data in a temporary folder. */
export async function startSeaweedFs({ domain }: S3ServerOptions = {}): Promise<S3Server> {
  const path = await findGoProgram(seaweedProgram);
  const folder = await Deno.makeTempDir({ prefix: "streamlab-seaweedfs-" });
  await Deno.mkdir(`${folder}/data`);
  await Deno.writeTextFile(`${folder}/s3.json`, identities());
  const start = () => {
    const port = freePort();
    const process = new Deno.Command(path, {
      args: [...argumentsFor(folder, port), ...(domain === undefined ? [] : [`-s3.domainName=${domain}`])],
      cwd: folder,
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return { process, port };
  };
  // Its S3 server answers before, but a conditional create would wait for the locks ten seconds.
  const { process: server, port } = await startServer(start, ({ process }) => untilItSays(process, "LockRing: s3@"));
  // A pipe that nobody empties would stop the server one day.
  const drained = server.stderr.pipeTo(new WritableStream());
  const endpoint = `http://127.0.0.1:${port}`;
  const settings = { endpoint, region: "us-east-1", forcePathStyle: true, credentials, isDefault: false };
  let buckets = 0;
  return {
    endpoint,
    settings,
    makeBucket: (bucket = `bucket-${++buckets}`) => makeBucket(settings, bucket),
    stop: async () => {
      server.kill("SIGKILL");
      await server.status;
      await drained;
      await removeFolder(folder);
    },
  };
}

function identities(): string {
  const { accessKeyId, secretAccessKey } = credentials;
  const identity = {
    name: "admin",
    credentials: [{ accessKey: accessKeyId, secretKey: secretAccessKey }],
    actions: ["Admin", "Read", "Write", "List", "Tagging"],
  };
  return JSON.stringify({ identities: [identity] });
}

/**
 * All four of its servers in one process. The second port of each, for gRPC, would be ten thousand
 * above the first.
 */
function argumentsFor(folder: string, port: number): string[] {
  const ports = ["master.port", "volume.port", "filer.port"].flatMap((name) => [name, `${name}.grpc`]);
  return [
    "server",
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    `-dir=${folder}/data`,
    "-filer",
    "-s3",
    `-s3.port=${port}`,
    `-s3.port.grpc=${freePort()}`,
    ...ports.map((name) => `-${name}=${freePort()}`),
    `-s3.config=${folder}/s3.json`,
    // A bucket that is missing must be missing.
    "-s3.autoCreateBucket=false",
    // Else a backslash in a key becomes a slash.
    "-s3.allowBackslashInKey",
    "-s3.iam=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-master.telemetry=false",
    // Each bucket has volumes of its own, and there are as many as have room on the disk.
    "-master.volumeSizeLimitMB=32",
    "-volume.max=0",
  ];
}

async function makeBucket(settings: S3Settings, bucket: string): Promise<string> {
  const client = new S3Client({ ...settings, maxAttempts: 5 });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } finally {
    client.destroy();
  }
  return bucket;
}
