import type { TableChange } from "../catalog/catalog.ts";
import { MAIN_BRANCH, type Snapshot, type SnapshotRef } from "../format/snapshot.ts";
import { snapshotById, type TableMetadata } from "../format/table_metadata.ts";

/** Which snapshots stay; those of a branch or tag by its own rules, if it has some. */
export interface Retention {
  /** Now, in milliseconds since 1970. */
  nowMs: number;
  /** Snapshots of at most that age stay, where a reference does not say otherwise itself. */
  olderThanMs: number;
  /** At least that many of each branch stay, whatever their age. */
  retainLast: number;
  /** Branches and tags of at most that age stay, where they do not say otherwise. */
  maxRefAgeMs?: number | undefined;
  /**
   * Snapshots of at most that age stay where no reference leads to them, such as ones staged for
   * later. Default: `olderThanMs`.
   */
  unreferencedMs?: number | undefined;
  /** Only so many go, the oldest; the others wait for another time. */
  expiredMax?: number | undefined;
}

/** The change that removes what nothing asks to keep any more; no updates where that is nothing. */
export function expireSnapshots(metadata: TableMetadata, retention: Retention): TableChange {
  const refs = Object.entries(metadata.refs);
  const expiredRefs = refs.filter(([name, ref]) => isRefExpired(metadata, name, ref, retention));
  const keptRefs = refs.filter((entry) => !expiredRefs.includes(entry));
  const kept = snapshotsToKeep(metadata, keptRefs.map(([, ref]) => ref), retention);
  const snapshotIds = metadata.snapshots.map((snapshot) => snapshot.snapshotId).filter((id) => !kept.has(id))
    .slice(0, retention.expiredMax);
  if (snapshotIds.length === 0 && expiredRefs.length === 0) return { requirements: [], updates: [] };
  return {
    // What a reference has been moved to meanwhile must not be removed under it.
    requirements: refs.map(([ref, { snapshotId }]) => ({ type: "assert-ref-snapshot-id", ref, snapshotId })),
    updates: [
      ...expiredRefs.map(([refName]) => ({ action: "remove-snapshot-ref" as const, refName })),
      ...(snapshotIds.length === 0 ? [] : [{ action: "remove-snapshots" as const, snapshotIds }]),
    ],
  };
}

/** Specification: "Snapshot Retention Policy". `main` never expires. */
function isRefExpired(metadata: TableMetadata, name: string, ref: SnapshotRef, retention: Retention): boolean {
  const ageMsMax = ref.maxRefAgeMs ?? retention.maxRefAgeMs;
  if (name === MAIN_BRANCH || ageMsMax === undefined) return false;
  const snapshot = snapshotById(metadata, ref.snapshotId);
  return snapshot !== undefined && retention.nowMs - snapshot.timestampMs > ageMsMax;
}

function snapshotsToKeep(metadata: TableMetadata, refs: SnapshotRef[], retention: Retention): Set<bigint> {
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot.snapshotId, snapshot]));
  const kept = new Set<bigint>();
  const referenced = new Set<bigint>();
  for (const ref of refs) {
    const ancestors = ancestorsOf(byId, ref.snapshotId);
    for (const snapshot of ancestors) referenced.add(snapshot.snapshotId);
    if (ref.type === "tag") {
      kept.add(ref.snapshotId);
      continue;
    }
    const retainLast = Math.max(1, ref.minSnapshotsToKeep ?? retention.retainLast);
    const olderThanMs = ref.maxSnapshotAgeMs ?? retention.olderThanMs;
    for (const [i, snapshot] of ancestors.entries()) {
      if (i >= retainLast && retention.nowMs - snapshot.timestampMs > olderThanMs) break;
      kept.add(snapshot.snapshotId);
    }
  }
  for (const snapshot of metadata.snapshots) {
    // Not on any branch, such as one staged for later: it stays for as long as its age allows.
    const ageMsMax = retention.unreferencedMs ?? retention.olderThanMs;
    const isYoung = retention.nowMs - snapshot.timestampMs <= ageMsMax;
    if (!referenced.has(snapshot.snapshotId) && isYoung) kept.add(snapshot.snapshotId);
  }
  return kept;
}

/** The snapshot itself first, then parent by parent, as far as they are there. */
function ancestorsOf(byId: Map<bigint, Snapshot>, snapshotId: bigint): Snapshot[] {
  const ancestors: Snapshot[] = [];
  let next = byId.get(snapshotId);
  while (next && ancestors.length <= byId.size) {
    ancestors.push(next);
    next = next.parentSnapshotId === undefined ? undefined : byId.get(next.parentSnapshotId);
  }
  return ancestors;
}
