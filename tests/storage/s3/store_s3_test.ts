import { canRunMinio, type Minio, minioTest, startMinio } from "../../support/minio.ts";
import { systemClock } from "../../../core/base/clock.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { openS3Store } from "../../../core/storage/s3/s3_store.ts";
import type { S3StoreOptions } from "../../../core/storage/s3/s3_store.ts";
import type { Store } from "../../../core/storage/store.ts";
import { runConformance } from "../conformance.ts";

let minio: Minio;
Deno.test.beforeAll(async () => {
  if (canRunMinio()) minio = await startMinio();
});
Deno.test.afterAll(() => minio?.stop());

const options = { clock: systemClock, random: seededRandom(1) };

async function open(prefix = "", changed: Partial<S3StoreOptions> = {}): Promise<Store> {
  const location = { kind: "s3" as const, bucket: await minio.makeBucket(), prefix };
  return await openS3Store(location, { ...options, settings: minio.settings, ...changed });
}

minioTest("the S3 store keeps the contract of a store, on a bucket of MinIO", (t) => runConformance(t, () => open()));

minioTest("the S3 store keeps the contract where it reads as it must from AWS, by the client alone", (t) => {
  return runConformance(t, () => open("", { readsByClient: true }));
});

minioTest("the S3 store keeps the contract below a prefix, with short pages and small parts", async (t) => {
  const limits = { pageKeys: 3, partBytes: 5 * 1024 * 1024, parallelMax: 3 };
  await runConformance(t, () => open("some/deep prefix+", { limits }));
});
