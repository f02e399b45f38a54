import type { Random } from "../../base/random.ts";

/** A unique name for a new manifest that no other engine would choose. */
export function manifestName(random: Random): string {
  return `${random.bytes(16).toHex()}-m0.avro`;
}

export function manifestListName(snapshotId: bigint, random: Random): string {
  return `snap-${snapshotId}-${random.bytes(8).toHex()}.avro`;
}

/** Whether we wrote a manifest or manifest list. Ours belong to one attempt of one commit. */
export function isOwnManifestName(name: string): boolean {
  return /^(?:[0-9a-f]{32}-m0|snap-\d+-[0-9a-f]{16})\.avro$/.test(name);
}
