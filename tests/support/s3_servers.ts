import { canRunMinio, startMinio } from "./minio.ts";
import type { S3Server, S3ServerOptions } from "./s3_server.ts";
import { canRunSeaweedFs, startSeaweedFs } from "./seaweedfs.ts";

interface Kind {
  canRun(): boolean;
  start(options: S3ServerOptions): Promise<S3Server>;
}

const kinds: Record<string, Kind> = {
  minio: { canRun: canRunMinio, start: (options) => startMinio({ env: minioEnv(options) }) },
  seaweedfs: { canRun: canRunSeaweedFs, start: startSeaweedFs },
};

/** What the tests of buckets run on: STREAMLAB_S3_SERVER, MinIO where nothing is said. */
const wanted = Deno.env.get("STREAMLAB_S3_SERVER") || "minio";
const kind = kinds[wanted];
if (kind === undefined) {
  throw new Error(`STREAMLAB_S3_SERVER must be one of ${Object.keys(kinds).join(", ")}, not "${wanted}"`);
}

export function canRunS3(): boolean {
  return kind!.canRun();
}

export function startS3(options: S3ServerOptions = {}): Promise<S3Server> {
  return kind!.start(options);
}

/** Whether it is MinIO: others know no region, or say other things in their own words. */
export const isMinio = wanted === "minio";

function minioEnv({ region, domain }: S3ServerOptions): Record<string, string> {
  return { ...(region && { MINIO_SITE_REGION: region }), ...(domain && { MINIO_DOMAIN: domain }) };
}

/** Declares a test that is shown as ignored where there is no such server. */
export function s3Test(name: string, run: (t: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name, ignore: !canRunS3(), fn: run });
}

/** Declares a test of what only MinIO has or does; ignored beside other servers. */
export function minioTest(name: string, run: (t: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name, ignore: !isMinio || !canRunMinio(), fn: run });
}
