import type { S3Server } from "../../support/s3_server.ts";
import { canRunS3, s3Test, startS3 } from "../../support/s3_servers.ts";
import { systemClock } from "../../../core/base/clock.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { openS3Store } from "../../../core/storage/s3/s3_store.ts";
import type { S3StoreOptions } from "../../../core/storage/s3/s3_store.ts";
import type { Store } from "../../../core/storage/store.ts";
import { runConformance } from "../conformance.ts";

let server: S3Server;
Deno.test.beforeAll(async () => {
  if (canRunS3()) server = await startS3();
});
Deno.test.afterAll(() => server?.stop());

const options = { clock: systemClock, random: seededRandom(1) };

async function open(prefix = "", changed: Partial<S3StoreOptions> = {}): Promise<Store> {
  const location = { kind: "s3" as const, bucket: await server.makeBucket(), prefix };
  return await openS3Store(location, { ...options, settings: server.settings, ...changed });
}

s3Test("the S3 store keeps the contract of a store", (t) => runConformance(t, () => open()));

s3Test("the S3 store keeps the contract where it reads as it must from AWS, by the client alone", (t) => {
  return runConformance(t, () => open("", { readsByClient: true }));
});

s3Test("the S3 store keeps the contract below a prefix, with short pages and small parts", async (t) => {
  const limits = { pageKeys: 3, partBytes: 5 * 1024 * 1024, parallelMax: 3 };
  await runConformance(t, () => open("some/deep prefix+", { limits }));
});
