import { counted, formatCount } from "../../../core/base/counted.ts";
import { tableAction } from "../action.ts";

export const rewriteManifests = tableAction({
  name: "rewrite-manifests",
  verb: "rewrite manifests of",
  doc: "merge manifests, sorted by partition",
  inAll: true,
  flags: {},
  async run({ surroundings, flags: { dryRun } }, table) {
    const { rewriteTableManifests } = await import("../../../core/maintain/manifests.ts");
    return await rewriteTableManifests(surroundings, table, { dryRun });
  },
  lines({ before, after, rewritten }, tense) {
    if (rewritten === 0) return [`manifests are as they should be (${formatCount(before)})`];
    const did = tense("rewrote", "rewrite");
    return [`${did} ${counted(rewritten, "manifest")}: ${formatCount(before)} → ${formatCount(after)}`];
  },
});
