import { counted } from "../../base/counted.ts";

export interface TableFacts {
  dataFiles: number;
  /** Below three quarters of 128 MB, the target that upkeep has. */
  smallFiles: number;
  /** Small ones that have another in their partition. */
  mergeableFiles: number;
  bytes: number;
  rows: number;
  deleteFiles: number;
  deletedRows: number;
  manifests: number;
  snapshots: number;
  oldestSnapshotMs: number | null;
}

/** What upkeep would do for a table, and the command. */
interface Debt {
  kind: "compaction" | "deletes" | "manifests" | "snapshots";
  text: string;
  command: string;
}

/** Below these a table is as well as it can be, and upkeep would only make commits. */
const MERGEABLE_MIN = 10;
const MANIFESTS_MIN = 100;
const SNAPSHOTS_MIN = 100;
const SNAPSHOT_AGE_MS_MAX = 7 * 86_400_000;

export function verdictOn(table: string, facts: TableFacts, nowMs: number): Debt[] {
  const debts: Debt[] = [];
  const add = (kind: Debt["kind"], text: string, flags: string) =>
    void debts.push({ kind, text, command: `streamlab maintain --table ${table} ${flags}` });
  if (facts.mergeableFiles >= MERGEABLE_MIN) {
    const { mergeableFiles, dataFiles } = facts;
    add(
      "compaction",
      `${mergeableFiles} of ${counted(dataFiles, "data file")} are small and can be merged`,
      "--compact",
    );
  }
  if (facts.deleteFiles > 0) {
    const { deleteFiles, deletedRows } = facts;
    const what = `${counted(deleteFiles, "delete file")} with ${counted(deletedRows, "entry", "entries")}`;
    add("deletes", `Every reader applies ${what}`, "--compact");
  }
  if (facts.manifests >= MANIFESTS_MIN) {
    add("manifests", `Every reader opens ${counted(facts.manifests, "manifest")}`, "--rewrite-manifests");
  }
  const isOld = facts.oldestSnapshotMs !== null && nowMs - facts.oldestSnapshotMs > SNAPSHOT_AGE_MS_MAX;
  if (facts.snapshots > SNAPSHOTS_MIN || (isOld && facts.snapshots > 1)) {
    add(
      "snapshots",
      `${counted(facts.snapshots, "snapshot")} are kept, and all files that they need`,
      "--expire-snapshots",
    );
  }
  return debts;
}
