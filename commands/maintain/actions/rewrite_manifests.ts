import { counted, formatCount } from "../../../core/base/counted.ts";
import { TABLE_ACTIONS } from "../../../core/maintain/table_actions.ts";
import { tableAction, workOf } from "../action.ts";

export const rewriteManifests = tableAction({
  name: "rewrite-manifests",
  verb: "rewrite manifests of",
  doc: "merge manifests, sorted by partition",
  inAll: true,
  flags: {},
  run: (job, table) => TABLE_ACTIONS["rewrite-manifests"](workOf(job), table),
  lines({ before, after, rewritten }, tense) {
    if (rewritten === 0) return [`manifests are as they should be (${formatCount(before)})`];
    const did = tense("rewrote", "rewrite");
    return [`${did} ${counted(rewritten, "manifest")}: ${formatCount(before)} → ${formatCount(after)}`];
  },
});
