import type { S3Settings } from "../../core/storage/s3/settings.ts";

export interface S3ServerOptions {
  /** Of a service that has one and insists on it. */
  region?: string;
  /** `bucket.domain` is a bucket's address, besides `/bucket`. */
  domain?: string;
}

/** A server of its own for a test, on this machine, with nothing in it. */
export interface S3Server {
  endpoint: string;
  settings: S3Settings;
  /** Makes a bucket, of a new name unless one is given. */
  makeBucket(name?: string): Promise<string>;
  stop(): Promise<void>;
}
