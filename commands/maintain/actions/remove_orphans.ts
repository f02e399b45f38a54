import { counted, formatCount } from "../../../core/base/counted.ts";
import type { OrphansReport } from "../../../core/maintain/removal/orphans.ts";
import { formatSize, printNote } from "../../line/output.ts";
import { tableAction, type Tense } from "../action.ts";
import { OLDER_THAN, ORPHAN_MS } from "../older_than.ts";
import { intentLines, leftLines } from "../words.ts";

/** A longer list would only scroll by; `--json` has all. */
const PATHS_SHOWN = 100;

const NOTHING = { files: 0, bytes: 0 };

export const removeOrphans = tableAction({
  name: "remove-orphans",
  verb: "remove orphans of",
  doc: "delete files that neither a table nor work in flight needs",
  inAll: true,
  flags: OLDER_THAN,
  async run({ surroundings, flags }, table) {
    const [{ removeOrphans }, { deleteDue }, { usualPolicy }] = await Promise.all([
      import("../../../core/maintain/removal/orphans.ts"),
      import("../../../core/maintain/upkeep/waiting.ts"),
      import("../../../core/maintain/upkeep/policy.ts"),
    ]);
    const { olderThan: olderThanMs = ORPHAN_MS, dryRun } = flags;
    // Also settles rewrites whose owners are gone, for which files wait.
    const report = await removeOrphans(surroundings, table, { olderThanMs, dryRun });
    // Where no consumer runs any more, nobody else does it.
    const waited = dryRun ? NOTHING : await deleteDue(surroundings, table.identifier, usualPolicy(), olderThanMs);
    return { ...report, waited };
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

interface Report extends OrphansReport {
  /** Files that expired snapshots had needed, and no reader any more. */
  waited: { files: number; bytes: number };
}

function lines(report: Report, tense: Tense): string[] {
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
