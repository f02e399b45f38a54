import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { openS3Store } from "../../core/storage/s3/s3_store.ts";
import type { Store } from "../../core/storage/store.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault_proxy.ts";
import type { S3Server } from "../support/s3_server.ts";
import { canRunS3, startS3 } from "../support/s3_servers.ts";
import { inFolder } from "./program.ts";

/** One server behind a proxy, for commands that are told of it by variables. */
export interface S3Place {
  server: S3Server;
  proxy: FaultProxy;
  stop(): Promise<void>;
}

/** Undefined where there is no S3 server; then its tests are skipped. */
export async function startS3Place(): Promise<S3Place | undefined> {
  if (!canRunS3()) return undefined;
  const server = await startS3();
  const proxy = startFaultProxy(server.endpoint);
  return {
    server,
    proxy,
    stop: async () => {
      await proxy.stop();
      await server.stop();
    },
  };
}

/** A lake in a bucket of its own, and a folder for what stays on this machine. */
export interface S3Lake {
  folder: string;
  bucket: string;
  /** `s3://bucket/lake` */
  uri: string;
  /** Of the commands, through the proxy. */
  env: Record<string, string>;
  /** Not through the proxy. */
  open(): Promise<Store>;
}

const home = Deno.env.get("HOME") ?? "/tmp";
/** Deno keeps its packages in the same folder as we our objects, which a test has for itself. */
export const denoFolder = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("XDG_CACHE_HOME") ?? `${home}/.cache`}/deno`;

export async function useLake(place: S3Place, action: (lake: S3Lake) => Promise<void>): Promise<void> {
  const bucket = await place.server.makeBucket();
  const { accessKeyId, secretAccessKey } = place.server.settings.credentials!;
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/tmp`);
    const env = {
      AWS_ENDPOINT_URL: place.proxy.endpoint,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      XDG_CACHE_HOME: `${folder}/cache`,
      DENO_DIR: denoFolder,
      TMPDIR: `${folder}/tmp`,
    };
    const open = () =>
      openS3Store({ kind: "s3", bucket, prefix: "lake" }, {
        clock: systemClock,
        random: seededRandom(1),
        settings: place.server.settings,
      });
    await action({ folder, bucket, uri: `s3://${bucket}/lake`, env, open });
  });
}
