import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { openLocalStore } from "./local/local_store.ts";
import type { Location } from "./location.ts";
import type { Store } from "./store.ts";

export interface OpenStoreOptions {
  clock: Clock;
  random: Random;
  /** See `LocalStoreOptions`. */
  durable?: boolean;
  /** What an Iceberg catalog says of the place, `s3.…`: wins over the `AWS_*` variables. */
  config?: Readonly<Record<string, string>>;
  /**
   * S3 endpoint that may be sent our own keys where the catalog names it; see `catalogSettings`.
   */
  ownEndpoint?: string;
}

/**
 * Opens the store of a place. The S3 client is loaded only here, and only for S3: loading it takes
 * longer than `--help` may.
 */
export async function openStore(location: Location, options: OpenStoreOptions): Promise<Store> {
  if (location.kind === "local") return openLocalStore(location.path, options);
  const { config, ownEndpoint, clock, random } = options;
  const { openS3Store } = await import("./s3/s3_store.ts");
  if (config === undefined) return await openS3Store(location, { clock, random });
  const { catalogSettings, readOwnS3Settings } = await import("./s3/settings.ts");
  const settings = catalogSettings(await readOwnS3Settings(), config, ownEndpoint);
  return await openS3Store(location, { clock, random, settings });
}
