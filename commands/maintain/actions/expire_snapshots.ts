import { counted, formatCount } from "../../../core/base/counted.ts";
import type { ExpiryReport } from "../../../core/maintain/removal/expire.ts";
import { runRecorded } from "../../../core/maintain/recorded_action.ts";
import { flag } from "../../line/flags.ts";
import { recorderOf, tableAction, type Tense, workOf } from "../action.ts";
import { OLDER_THAN } from "../older_than.ts";
import { leftLines } from "../words.ts";

export const expireSnapshots = tableAction({
  name: "expire-snapshots",
  verb: "expire snapshots of",
  doc: "remove old snapshots and the files that only they need",
  inAll: true,
  flags: {
    ...OLDER_THAN,
    retainLast: flag.count({
      doc: "snapshots of each branch that never expire (default: by the table's properties, else 10)",
    }),
  },
  run(job, table) {
    const { olderThan: olderThanMs, retainLast } = job.flags;
    return runRecorded("expire-snapshots", workOf(job, { olderThanMs, retainLast }), table, recorderOf(job.context));
  },
  lines,
});

function lines({ snapshotIds, snapshotsKept, refs, files, left }: ExpiryReport, tense: Tense): string[] {
  const kept = `${formatCount(snapshotsKept)} kept`;
  if (snapshotIds.length === 0 && refs.length === 0) return [`no snapshot to expire (${kept})`];
  const gone = [
    counted(files.data, "data file"),
    counted(files.manifests, "manifest"),
    counted(files.manifestLists, "manifest list"),
  ].join(", ");
  return [
    `${tense("expired", "expire")} ${counted(snapshotIds.length, "snapshot")} (${kept}), ` +
    `${tense("deleted", "delete").replace("would ", "")} ${gone}`,
    ...refs.map((name) => `reference ${name}, whose time is over`),
    ...leftLines(left),
  ];
}
