import { counted, formatCount } from "../../../core/base/counted.ts";
import { runRecorded } from "../../../core/maintain/recorded_action.ts";
import { recorderOf, tableAction, workOf } from "../action.ts";

export const rewriteManifests = tableAction({
  name: "rewrite-manifests",
  verb: "rewrite manifests of",
  doc: "merge manifests, sorted by partition",
  inAll: true,
  flags: {},
  run: (job, table) => runRecorded("rewrite-manifests", workOf(job), table, recorderOf(job.context)),
  lines({ before, after, rewritten }, tense) {
    if (rewritten === 0) return [`manifests are as they should be (${formatCount(before)})`];
    const did = tense("rewrote", "rewrite");
    return [`${did} ${counted(rewritten, "manifest")}: ${formatCount(before)} → ${formatCount(after)}`];
  },
});
