import type { ObjectAccess } from "../../storage/store.ts";
import type { CatalogCall } from "./catalog_call.ts";

/** How a client reaches a table's files, in the words of Iceberg's S3FileIO. */
export interface StorageConfig {
  /** What is undefined is not told. */
  config: Record<string, string | undefined>;
  "storage-credentials"?: { prefix: string; config: Record<string, string | undefined> }[];
}

const DELEGATION_HEADER = "x-iceberg-access-delegation";

/** The credentials that this call is to give out: only where that was configured, and asked for. */
export async function vendedAccess({ parts, incoming }: CatalogCall): Promise<ObjectAccess | undefined> {
  const asked = (incoming.headers.get(DELEGATION_HEADER) ?? "").split(",").map((way) => way.trim().toLowerCase());
  return asked.includes("vended-credentials") ? await parts.access?.() : undefined;
}

/** Newer clients look for credentials by a prefix, older ones in `config` alone. */
export function storageConfig(location: string, access: ObjectAccess): StorageConfig {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAtMs, region, endpoint, forcePathStyle } = access;
  const config = {
    "s3.access-key-id": accessKeyId,
    "s3.secret-access-key": secretAccessKey,
    "s3.session-token": sessionToken,
    // By it a client knows when to load the table again, for other keys.
    "s3.session-token-expires-at-ms": expiresAtMs === undefined ? undefined : String(expiresAtMs),
    "s3.region": region,
    "client.region": region,
    "s3.path-style-access": String(forcePathStyle),
    "s3.endpoint": endpoint,
  };
  return { config, "storage-credentials": [{ prefix: location, config }] };
}
