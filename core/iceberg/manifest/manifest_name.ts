import type { Random } from "../../base/random.ts";

/**
 * Below the table's folder. Others put them in `metadata/` itself. Every commit looks there for the
 * newest version, and a disk can only list all names of a folder: of an hour of one-second batches,
 * ten thousand manifests and lists would be among them.
 */
const MANIFESTS_FOLDER = "metadata/manifests";

/** The path of a new manifest, unlike any other's and unlike those that other engines give. */
export function manifestPath(random: Random): string {
  return `${MANIFESTS_FOLDER}/${random.bytes(16).toHex()}-m0.avro`;
}

export function manifestListPath(snapshotId: bigint, random: Random): string {
  return `${MANIFESTS_FOLDER}/snap-${snapshotId}-${random.bytes(8).toHex()}.avro`;
}

/** Whether we wrote a manifest or manifest list. Ours belong to one attempt of one commit. */
export function isOwnManifestName(name: string): boolean {
  return /^(?:[0-9a-f]{32}-m0|snap-\d+-[0-9a-f]{16})\.avro$/.test(name);
}
