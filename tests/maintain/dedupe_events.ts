import { Meter } from "../../core/base/meter.ts";
import type { RepeatsReport } from "../../core/maintain/repeats/remove_repeats.ts";
import { dedupeTable } from "../../core/maintain/repeats/dedupe_table.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";

export const EVENTS = { namespace: ["bronze"], name: "events" };

interface Removal {
  /** Default: the events' own id. */
  by?: string[];
  mergeOnRead: boolean;
  temporaryFolder: string;
}

/** `maintain --dedupe-by` on `bronze.events`. */
export async function dedupeEvents(
  surroundings: Surroundings,
  { by = ["event_id"], mergeOnRead, temporaryFolder }: Removal,
): Promise<RepeatsReport> {
  return await dedupeTable(surroundings, EVENTS, {
    by,
    mergeOnRead,
    dryRun: false,
    threads: 1,
    memory: "500MB",
    temporaryFolder,
    signal: new AbortController().signal,
    meter: new Meter(surroundings.clock),
  });
}
