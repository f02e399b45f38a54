import { StreamlabError } from "../../base/errors.ts";
import type { TableChange } from "../catalog/catalog.ts";
import { MAIN_BRANCH, type SnapshotRef } from "../format/snapshot.ts";
import { snapshotById, type TableMetadata } from "../format/table_metadata.ts";

/**
 * Makes a branch or tag, or moves it: also `main`, which is how a table is rolled back
 * (specification: "Snapshot References").
 */
export function setRef(metadata: TableMetadata, name: string, ref: SnapshotRef): TableChange {
  if (!snapshotById(metadata, ref.snapshotId)) {
    throw new StreamlabError("not-found", `Cannot set "${name}": there is no snapshot ${ref.snapshotId}`);
  }
  return {
    requirements: [{ type: "assert-ref-snapshot-id", ref: name, snapshotId: metadata.refs[name]?.snapshotId }],
    updates: [{ action: "set-snapshot-ref", refName: name, ref }],
  };
}

/** Removes a branch or tag, but not `main`. */
export function removeRef(metadata: TableMetadata, name: string): TableChange {
  if (name === MAIN_BRANCH) throw new StreamlabError("usage", `Cannot remove "${MAIN_BRANCH}": every table has it`);
  const ref = metadata.refs[name];
  if (!ref) throw new StreamlabError("not-found", `Cannot remove "${name}": there is no such branch or tag`);
  return {
    requirements: [{ type: "assert-ref-snapshot-id", ref: name, snapshotId: ref.snapshotId }],
    updates: [{ action: "remove-snapshot-ref", refName: name }],
  };
}
