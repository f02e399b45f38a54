import { counted, formatCount } from "../../../core/base/counted.ts";
import { StreamlabError } from "../../../core/base/errors.ts";
import { Meter } from "../../../core/base/meter.ts";
import type { TableIdentifier } from "../../../core/iceberg/catalog/catalog.ts";
import type { RepeatsReport } from "../../../core/maintain/repeats/remove_repeats.ts";
import { flag } from "../../line/flags.ts";
import { formatDuration, formatSize, printResult } from "../../line/output.ts";
import { startProgress } from "../../line/progress.ts";
import { type Job, lakeAction, recorderOf } from "../action.ts";
import { intentLines } from "../words.ts";

const NAME = "dedupe-by";
const DOC = "remove from the table of events (--table, else bronze.events) those that repeat an earlier one with the " +
  "same values of these columns";

const DEDUPE_FLAGS = {
  mergeOnRead: flag.switch({
    section: "REPEATS",
    doc: "with --dedupe-by: delete rows by position, which writes least, instead of writing data files anew",
  }),
};

type DedupeFlags = typeof DEDUPE_FLAGS;

export const dedupeBy = lakeAction({
  name: NAME,
  doc: DOC,
  wish: flag.list({ section: "WHAT TO DO", doc: DOC, placeholder: "COLUMNS" }),
  flags: DEDUPE_FLAGS,
  check({ mergeOnRead }, isWanted) {
    if (!mergeOnRead || isWanted) return;
    throw new StreamlabError("usage", "--merge-on-read says nothing without --dedupe-by", {
      hint: "Name the columns that make a key: --dedupe-by event_id",
    });
  },
  run: removeRepeats,
});

/** False where repeats are still there. */
async function removeRepeats(job: Job<DedupeFlags>): Promise<boolean> {
  const { context, surroundings, machine, flags: { table, dryRun, mergeOnRead } } = job;
  const [{ dedupeTable }, { recorded }, { identifierText }, { DEFAULT_TARGET }] = await Promise.all([
    import("../../../core/maintain/repeats/dedupe_table.ts"),
    import("../../../core/maintain/recorded_action.ts"),
    import("../../../core/iceberg/catalog/catalog.ts"),
    import("../../../core/lake/table_names.ts"),
  ]);
  const { dedupeBy: by } = job.flags as unknown as { dedupeBy: string[] };
  const identifier: TableIdentifier = table === undefined
    ? DEFAULT_TARGET
    : { namespace: [table.namespace], name: table.name };
  const name = identifierText(identifier);
  const meter = new Meter(context.clock);
  const startMs = context.clock.nowMs();
  const progress = startProgress(context, `Removing repeats from ${name}`, meter);
  const options = { ...machine, by, mergeOnRead, dryRun, signal: context.signal, meter };
  try {
    const report = await recorded({
      name: NAME,
      table: name,
      surroundings,
      dryRun,
      run: () => dedupeTable(surroundings, identifier, options),
      figures: ({ repeats, inputs, outputs }) => ({
        repeats,
        filesBefore: inputs.files,
        filesAfter: outputs.files,
        bytesBefore: inputs.bytes,
        bytesAfter: outputs.bytes,
      }),
      whyUndone: ({ repeats, dropped }) =>
        repeats > 0 || dropped.length === 0 ? undefined : { outcome: "gave-way", detail: dropped[0]!.reason },
    }, recorderOf(context));
    await progress.end();
    const durationMs = context.clock.nowMs() - startMs;
    const { by: key, inputs, outputs, dropped, ...rest } = report;
    const lists = { by: [...key], dropped: dropped.map((each) => ({ ...each })) };
    const record = { action: NAME, table: name, dryRun, durationMs, ...rest, ...lists };
    await printResult(
      context,
      { ...record, inputs: { ...inputs }, outputs: { ...outputs } },
      reportText(name, report, { dryRun, durationMs }),
    );
    return report.dropped.length === 0;
  } finally {
    await progress.end();
  }
}

function reportText(
  table: string,
  report: RepeatsReport,
  { dryRun, durationMs }: { dryRun: boolean; durationMs: number },
): string {
  const { by, mergeOnRead, repeats, inputs, outputs, dropped, interrupted } = report;
  const key = by.join(", ");
  const time = dryRun || durationMs < 1_000 ? "" : ` in ${formatDuration(durationMs)}`;
  const files = `${counted(inputs.files, "file")} (${formatSize(inputs.bytes)})`;
  const how = mergeOnRead
    ? `${counted(outputs.files, "delete file")} for ${files}`
    : `${files} became ${formatCount(outputs.files)} (${formatSize(outputs.bytes)})`;
  const done = dryRun
    ? `would remove ${counted(repeats, "row")} that ${
      repeats === 1 ? "repeats" : "repeat"
    } an earlier one by ${key}, from ${files}`
    : `removed ${counted(repeats, "row")} that repeated an earlier one by ${key}: ${how}`;
  return [
    `${table}: ${repeats === 0 ? `no row repeats an earlier one by ${key}` : done}${time}`,
    ...dropped.map(({ files, reason }) => `  left ${counted(files, "file")} as they were: ${reason}; run again`),
    ...intentLines(report).map((line) => `  ${line}`),
    ...interrupted ? ["  stopped before the rest"] : [],
  ].join("\n");
}
