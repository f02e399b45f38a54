import type { Random } from "../../base/random.ts";

/** The name of a new manifest, unlike any other's and unlike those that other engines give. */
export function manifestName(random: Random): string {
  return `${random.bytes(16).toHex()}-m0.avro`;
}

export function manifestListName(snapshotId: bigint, random: Random): string {
  return `snap-${snapshotId}-${random.bytes(8).toHex()}.avro`;
}

/**
 * Whether a manifest or manifest list was written by us: then for one try of one commit, never for
 * a second one.
 */
export function isOwnManifestName(name: string): boolean {
  return /^(?:[0-9a-f]{32}-m0|snap-\d+-[0-9a-f]{16})\.avro$/.test(name);
}
