import type { Json } from "../../core/base/json.ts";
import type { CompactionReport } from "../../core/maintain/compaction/compact.ts";
import type { ExpiryReport } from "../../core/maintain/removal/expire.ts";
import type { ManifestsReport } from "../../core/maintain/manifests.ts";
import type { OrphansReport } from "../../core/maintain/removal/orphans.ts";
import type { LeftFile } from "../../core/storage/deletion.ts";
import { formatCount, formatDuration, formatSize } from "../line/output.ts";

export type Action = "compact" | "rewrite-manifests" | "expire-snapshots" | "remove-orphans";

export type Report =
  | { action: "compact" } & CompactionReport
  | { action: "rewrite-manifests" } & ManifestsReport
  | { action: "expire-snapshots" } & ExpiryReport
  | { action: "remove-orphans" } & OrphansReport;

/** An action on one table. */
export interface ActionOutcome {
  table: string;
  dryRun: boolean;
  durationMs: number;
  report: Report;
}

/** As `--json` prints it. */
export function actionRecord({ report, ...rest }: ActionOutcome): { [key: string]: Json } {
  const { action, ...details } = report;
  return { action, ...rest, ...details as unknown as { [key: string]: Json } };
}

/** As people read it: what was done, or would be. */
export function actionText({ table, dryRun, durationMs, report }: ActionOutcome): string {
  const did = (past: string, infinitive: string) => dryRun ? `would ${infinitive}` : past;
  const [line, ...details] = linesOf(report, did, dryRun);
  const time = dryRun || durationMs < 1_000 ? "" : ` in ${formatDuration(durationMs)}`;
  return [`${table}: ${line}${time}`, ...details.map((detail) => `  ${detail}`)].join("\n");
}

type Did = (past: string, infinitive: string) => string;

function linesOf(report: Report, did: Did, dryRun: boolean): string[] {
  switch (report.action) {
    case "compact":
      return compactionLines(report, did, dryRun);
    case "rewrite-manifests":
      if (report.rewritten === 0) return [`manifests are as they should be (${formatCount(report.before)})`];
      return [
        `${did("rewrote", "rewrite")} ${plural(report.rewritten, "manifest")}: ${formatCount(report.before)} → ${
          formatCount(report.after)
        }`,
      ];
    case "expire-snapshots":
      return expiryLines(report, did);
    case "remove-orphans":
      return orphanLines(report, did);
  }
}

function compactionLines(report: CompactionReport, did: Did, dryRun: boolean): string[] {
  const { inputs, outputs, deleteFiles, dropped, interrupted } = report;
  const lines = [];
  if (inputs.files === 0) lines.push("nothing to compact");
  else {
    const deletes = deleteFiles === 0 ? "" : `, ${plural(deleteFiles, "delete file")} applied`;
    lines.push(
      `${did("compacted", "compact")} ${plural(inputs.files, "file")} (${formatSize(inputs.bytes)}) into ` +
        `${formatCount(outputs.files)}${dryRun ? "" : ` (${formatSize(outputs.bytes)})`}${deletes}`,
    );
  }
  for (const { files, reason } of dropped) lines.push(`left ${plural(files, "file")} as they were: ${reason}`);
  lines.push(...intentLines(report));
  if (interrupted) lines.push("stopped before the rest");
  return lines;
}

function expiryLines({ snapshotIds, snapshotsKept, refs, files, left }: ExpiryReport, did: Did): string[] {
  const kept = `${formatCount(snapshotsKept)} kept`;
  if (snapshotIds.length === 0 && refs.length === 0) return [`no snapshot to expire (${kept})`];
  const gone = [
    plural(files.data, "data file"),
    plural(files.manifests, "manifest"),
    plural(files.manifestLists, "manifest list"),
  ].join(", ");
  return [
    `${did("expired", "expire")} ${plural(snapshotIds.length, "snapshot")} (${kept}), ` +
    `${did("deleted", "delete").replace("would ", "")} ${gone}`,
    ...refs.map((name) => `reference ${name}, whose time is over`),
    ...leftLines(left),
  ];
}

/** Beyond that many the list only scrolls by; `--json` has them all. */
const PATHS_SHOWN = 100;

function orphanLines(report: OrphansReport, did: Did): string[] {
  const { paths, bytes, unfinished, givenUpRewrites, left } = report;
  const rests = [...leftLines(left), ...intentLines(report)];
  if (paths.length === 0 && unfinished === 0 && givenUpRewrites === 0) return ["no orphans", ...rests];
  const rest = paths.length - PATHS_SHOWN;
  return [
    `${did("removed", "remove")} ${plural(paths.length, "orphan file")} (${formatSize(bytes)})` +
    (unfinished === 0 ? "" : `, ${plural(unfinished, "unfinished write")}`) +
    (givenUpRewrites === 0 ? "" : `, after ${plural(givenUpRewrites, "rewrite")} that ended early`),
    ...paths.slice(0, PATHS_SHOWN),
    ...(rest > 0 ? [`and ${formatCount(rest)} more`] : []),
    ...rests,
  ];
}

const LEFT_BECAUSE: Readonly<Record<LeftFile["reason"], string>> = {
  "not ours": "not in the table's own folders, or with a name that no writer of tables gives",
  linked: "a symbolic link leads there, or it is no file",
};

/** What nothing needs any more, and is not ours to delete. */
function leftLines(left: readonly LeftFile[]): string[] {
  return Object.entries(LEFT_BECAUSE).flatMap(([reason, why]) => {
    const files = left.filter((file) => file.reason === reason);
    if (files.length === 0) return [];
    return [`left ${plural(files.length, "file")} (${why}), such as ${files[0]!.path}`];
  });
}

function intentLines({ foreignIntents }: { foreignIntents: number }): string[] {
  if (foreignIntents === 0) return [];
  return [`left ${plural(foreignIntents, "intent")} in checkpoints/intents/ that no compaction of this table wrote`];
}

function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
