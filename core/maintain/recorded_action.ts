import { StreamlabError } from "../base/errors.ts";
import { identifierText, type LoadedTable } from "../iceberg/catalog/catalog.ts";
import { History, UPKEEP } from "../lake/history.ts";
import { type Undone, undoneBy, upkeepRecord } from "../lake/upkeep_history.ts";
import type { CompactionReport } from "./compaction/compact.ts";
import type { Surroundings } from "./surroundings.ts";
import { type ActionWork, TABLE_ACTIONS, type TableActionName } from "./table_actions.ts";

/** Who does it, and hears that it could not be written down. */
export interface Recorder {
  /** Which job: `maintain`, `serve`. */
  by: string;
  note(text: string): Promise<void> | void;
}

type Report<N extends TableActionName> = Awaited<ReturnType<typeof TABLE_ACTIONS[N]>>;

/** Something to do to a table, and what of it is written down. */
export interface RecordedWork<R> {
  /** As the command line calls it. */
  name: string;
  table: string;
  surroundings: Surroundings;
  dryRun: boolean;
  run(): Promise<R>;
  /** Zeros: nothing was done. */
  figures(report: R): Record<string, number>;
  /** Why it came to nothing, where that is to be told. */
  whyUndone(report: R): Undone | undefined;
}

/**
 * Does it, and writes down for people to ask later (`ingest.upkeep`) what was done, or why it was
 * not. Dry runs, and runs that found nothing to do, are not written down.
 */
export async function runRecorded<N extends TableActionName>(
  name: N,
  work: ActionWork,
  table: LoadedTable,
  recorder: Recorder,
): Promise<Report<N>> {
  const { surroundings, dryRun } = work;
  return await recorded<Report<N>>({
    name,
    table: identifierText(table.identifier),
    surroundings,
    dryRun,
    run: () => TABLE_ACTIONS[name](work, table) as Promise<unknown> as Promise<Report<N>>,
    figures: FIGURES[name],
    whyUndone: (report) => name === "compact" ? whyUndone(report as unknown as CompactionReport) : undefined,
  }, recorder);
}

/** As `runRecorded`, for what is none of the actions that every table can have. */
export async function recorded<R>(work: RecordedWork<R>, { by, note }: Recorder): Promise<R> {
  const { name: action, table, surroundings, dryRun } = work;
  const startMs = surroundings.clock.nowMs();
  const keep = async (done: Record<string, number>, undone?: Undone) => {
    try {
      const record = upkeepRecord({ table, by, action, startMs, undone, done }, surroundings);
      await new History(UPKEEP, surroundings).add([record]);
    } catch (error) {
      if (!(error instanceof StreamlabError)) throw error;
      await note(`What was done to ${table} could not be written down for later: ${error.message}`);
    }
  };
  let report: R;
  try {
    report = await work.run();
  } catch (error) {
    // Wrong usage is no run.
    if (!dryRun && error instanceof StreamlabError && error.kind !== "usage") await keep({}, undoneBy(error));
    throw error;
  }
  if (dryRun) return report;
  const done = work.figures(report);
  const undone = work.whyUndone(report);
  if (undone !== undefined) await keep({}, undone);
  else if (Object.values(done).some((figure) => figure > 0)) await keep(done);
  return report;
}

/** By the names that upkeep of `consume` has, where it does the same; zeros: nothing was done. */
const FIGURES: { [N in TableActionName]: (report: Report<N>) => Record<string, number> } = {
  "compact": ({ inputs, outputs, deleteFiles }) => ({
    filesBefore: inputs.files,
    filesAfter: outputs.files,
    bytesBefore: inputs.bytes,
    bytesAfter: outputs.bytes,
    records: inputs.records,
    deleteFiles,
  }),
  "rewrite-manifests": ({ before, after, rewritten }): Record<string, number> =>
    rewritten === 0 ? {} : { manifestsBefore: before, manifestsAfter: after, rewritten },
  "expire-snapshots": ({ snapshotIds, refs, files }) => ({
    snapshots: snapshotIds.length,
    refs: refs.length,
    files: Object.values(files).reduce((sum, count) => sum + count, 0),
  }),
  "remove-orphans": ({ paths, bytes, unfinished, abandonedRewrites, waited }) => ({
    files: paths.length + waited.files,
    bytes: bytes + waited.bytes,
    unfinished,
    abandonedRewrites,
  }),
};

/** A compaction that came to nothing because of others, or of an interruption. */
function whyUndone({ inputs, dropped, interrupted }: CompactionReport): Undone | undefined {
  const detail = dropped[0]?.reason ?? (interrupted ? "it was interrupted" : undefined);
  return inputs.files > 0 || detail === undefined ? undefined : { outcome: "gave-way", detail };
}
