import { type Clock, systemClock } from "../../../core/base/clock.ts";
import { seededRandom } from "../../../core/base/random.ts";
import type { S3Settings } from "../../../core/storage/s3/settings.ts";
import { openS3Store } from "../../../core/storage/s3/s3_store.ts";
import type { S3Limits } from "../../../core/storage/s3/connection.ts";
import type { Store } from "../../../core/storage/store.ts";
import { type FaultProxy, startFaultProxy } from "../../support/fault_proxy.ts";
import type { S3Server } from "../../support/s3_server.ts";
import { canRunS3, startS3 } from "../../support/s3_servers.ts";

interface S3Changes {
  bucket?: string;
  settings?: Partial<S3Settings>;
  limits?: Partial<S3Limits>;
  clock?: Clock;
}

/** One server behind a proxy for all tests of a file; every store on a bucket of its own. */
export interface S3World {
  server: S3Server;
  proxy: FaultProxy;
  /** Through the proxy. */
  open(changed?: S3Changes): Promise<Store>;
  stop(): Promise<void>;
}

/**
 * Short waits, so that tests of repetition take no time; the time-out stays long enough for a busy
 * machine.
 */
const quickLimits: Partial<S3Limits> = {
  transient: { attemptsMax: 8, delayMsMin: 1, delayMsMax: 4 },
  throttled: { attemptsMax: 8, delayMsMin: 1, delayMsMax: 4 },
};

/** Of a service that a test plays itself. */
export function scriptedSettings(server: Deno.HttpServer<Deno.NetAddr>): S3Settings {
  return {
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    isDefault: false,
  };
}

/** Undefined where there is no S3 server; then its tests are skipped. */
export async function startS3World(): Promise<S3World | undefined> {
  if (!canRunS3()) return undefined;
  const server = await startS3();
  const proxy = startFaultProxy(server.endpoint);
  return {
    server,
    proxy,
    open: async ({ bucket, settings, limits, clock = systemClock } = {}) => {
      const location = { kind: "s3" as const, bucket: bucket ?? await server.makeBucket(), prefix: "lake" };
      return await openS3Store(location, {
        clock,
        random: seededRandom(1),
        settings: { ...server.settings, endpoint: proxy.endpoint, ...settings },
        limits: { ...quickLimits, ...limits },
      });
    },
    stop: async () => {
      await proxy.stop();
      await server.stop();
    },
  };
}
