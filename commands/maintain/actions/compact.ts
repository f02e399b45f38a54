import { counted, formatCount } from "../../../core/base/counted.ts";
import { Meter } from "../../../core/base/meter.ts";
import { StreamlabError } from "../../../core/base/errors.ts";
import { identifierText } from "../../../core/iceberg/catalog/catalog.ts";
import type { GroupOutcome } from "../../../core/maintain/compaction/compact.ts";
import type { TableCompactionReport } from "../../../core/maintain/compaction/compact_table.ts";
import { runRecorded } from "../../../core/maintain/recorded_action.ts";
import { flag } from "../../line/flags.ts";
import { formatSize, printResult } from "../../line/output.ts";
import { startProgress } from "../../line/progress.ts";
import { recorderOf, tableAction, type Tense, workOf } from "../action.ts";
import { intentLines } from "../words.ts";

const SECTION = "COMPACTION";

export const TARGET_FILE_SIZE = {
  targetFileSize: flag.size({
    section: SECTION,
    doc: "target size of data files (default: the table's write.target-file-size-bytes, else 128MB)",
  }),
};

export const compact = tableAction({
  name: "compact",
  verb: "compact",
  doc: "rewrite small files into larger ones, and apply row deletes",
  inAll: true,
  usesCluster: (dryRun) => !dryRun,
  flags: {
    ...TARGET_FILE_SIZE,
    sortBy: flag.list({
      section: SECTION,
      doc: "rewrite every file of --table and sort the rows of each partition: user_id, event_timestamp desc; " +
        "zorder(user_id, event_timestamp) keeps rows together that are close in both",
      placeholder: "COLUMNS",
    }),
  },
  check({ sortBy, table }, isWanted) {
    if (sortBy === undefined || (isWanted && table !== undefined)) return;
    throw new StreamlabError("usage", "--sort-by is about the compaction of one table", {
      hint: "Give --compact and --table beside it",
    });
  },
  async run(job, table) {
    const { context, flags } = job;
    const meter = new Meter(context.clock);
    const name = identifierText(table.identifier);
    let number = 0;
    const groupDone = async (group: GroupOutcome) => {
      if (!context.json) return;
      const groups = meter.read().counts.groupsMax ?? 0;
      await printResult(context, { action: "compacted-group", table: name, group: ++number, groups, ...group }, "");
    };
    const progress = startProgress(context, `Compacting ${name}`, meter);
    try {
      const wishes = { targetFileSize: flags.targetFileSize, sortBy: flags.sortBy };
      const work = { ...workOf(job, wishes, meter), groupDone };
      return await runRecorded("compact", work, table, recorderOf(context));
    } finally {
      await progress.end();
    }
  },
  lines,
});

function lines(report: TableCompactionReport, tense: Tense, dryRun: boolean): string[] {
  const { inputs, outputs, deleteFiles, dropped, interrupted, unkeptOrder } = report;
  const lines = [];
  if (inputs.files === 0) lines.push(interrupted ? "stopped before a group was done" : "nothing to compact");
  else {
    const deletes = deleteFiles === 0 ? "" : `, ${counted(deleteFiles, "delete file")} applied`;
    lines.push(
      `${tense("compacted", "compact")} ${counted(inputs.files, "file")} (${formatSize(inputs.bytes)}) into ` +
        `${formatCount(outputs.files)}${dryRun ? "" : ` (${formatSize(outputs.bytes)})`}${deletes}`,
    );
  }
  for (const { files, reason } of dropped) lines.push(`left ${counted(files, "file")} as they were: ${reason}`);
  if (unkeptOrder !== undefined) {
    lines.push(`rows are not in the table's order, which has a key that is not known here: ${unkeptOrder}`);
  }
  lines.push(...intentLines(report));
  if (interrupted && inputs.files > 0) lines.push("stopped before the rest");
  return lines;
}
