import { StreamlabError } from "../../base/errors.ts";
import { snapshotById, type TableMetadata } from "../../iceberg/format/table_metadata.ts";

/**
 * Fails with `conflict` where rows may have gone since that snapshot, but by the commits of `own`.
 * A repeat goes because another row stays: whoever removed that one meanwhile would leave neither.
 * Appended rows come later than all that were looked at, and a replacement holds the same rows
 * (specification: "Snapshots").
 */
export function requireSameRows(metadata: TableMetadata, since: bigint | undefined, own: ReadonlySet<bigint>): void {
  for (let id = metadata.currentSnapshotId; id !== since;) {
    const snapshot = id === undefined ? undefined : snapshotById(metadata, id);
    if (snapshot === undefined) throw conflict("its history since then is not known");
    const { operation } = snapshot.summary;
    if (operation !== "append" && operation !== "replace" && !own.has(snapshot.snapshotId)) {
      throw conflict("other rows were removed meanwhile");
    }
    id = snapshot.parentSnapshotId;
  }
}

function conflict(reason: string): StreamlabError {
  return new StreamlabError("conflict", `Cannot remove repeats: ${reason}`);
}
