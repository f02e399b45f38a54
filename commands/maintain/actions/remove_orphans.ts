import { counted, formatCount } from "../../../core/base/counted.ts";
import { runRecorded } from "../../../core/maintain/recorded_action.ts";
import { ORPHAN_MS, type RemovalReport } from "../../../core/maintain/table_actions.ts";
import { formatSize, printNote } from "../../line/output.ts";
import { recorderOf, tableAction, type Tense, workOf } from "../action.ts";
import { OLDER_THAN } from "../older_than.ts";
import { intentLines, leftLines } from "../words.ts";

/** A longer list would only scroll by; `--json` has all. */
const PATHS_SHOWN = 100;

export const removeOrphans = tableAction({
  name: "remove-orphans",
  verb: "remove orphans of",
  doc: "delete files that neither a table nor work in flight needs",
  inAll: true,
  flags: OLDER_THAN,
  run: (job, table) => {
    const work = workOf(job, { olderThanMs: job.flags.olderThan });
    return runRecorded("remove-orphans", work, table, recorderOf(job.context));
  },
  lines,
  /** Leftovers of dead writers outside the tables; only if all tables are maintained. */
  async finish({ context, surroundings, flags }) {
    if (flags.table !== undefined) return;
    const { removeLeftovers } = await import("../../../core/maintain/removal/leftovers.ts");
    const { olderThan: olderThanMs = ORPHAN_MS, dryRun } = flags;
    const { left } = await removeLeftovers(surroundings, { olderThanMs, dryRun });
    for (const line of leftLines(left)) await printNote(context, line);
  },
});

function lines(report: RemovalReport, tense: Tense): string[] {
  const { paths, bytes, unfinished, abandonedRewrites, left, waited } = report;
  const rests = [...leftLines(left), ...intentLines(report)];
  if (waited.files > 0) {
    const files = counted(waited.files, "file");
    rests.unshift(`deleted ${files} (${formatSize(waited.bytes)}) that only expired snapshots needed`);
  }
  if (paths.length === 0 && unfinished === 0 && abandonedRewrites === 0) return ["no orphans", ...rests];
  const rest = paths.length - PATHS_SHOWN;
  return [
    `${tense("removed", "remove")} ${counted(paths.length, "orphan file")} (${formatSize(bytes)})` +
    (unfinished === 0 ? "" : `, ${counted(unfinished, "unfinished write")}`) +
    (abandonedRewrites === 0 ? "" : `, after ${counted(abandonedRewrites, "abandoned rewrite")}`),
    ...paths.slice(0, PATHS_SHOWN),
    ...(rest > 0 ? [`and ${formatCount(rest)} more`] : []),
    ...rests,
  ];
}
