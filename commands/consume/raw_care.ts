import { isKind, StreamlabError } from "../../core/base/errors.ts";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { archivePathOf } from "../../core/lake/raw_archive.ts";
import type { RawZone } from "../../core/lake/raw_zone.ts";
import type { RawMoment, RawUpkeep } from "../../core/maintain/raw/raw_upkeep.ts";
import type { Context } from "../line/command.ts";
import { machineSettings } from "../machine.ts";
import type { ConsumeFlags } from "./flags.ts";
import type { ConsumeWords } from "./words.ts";

/** What becomes of raw files: between two batches, and at the end of a run that ends by itself. */
export interface RawCare {
  betweenBatches(moment: RawMoment): Promise<void>;
  atTheEnd(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Of a consumer's memory. */
const MEMORY_SHARE = 4;
const MEMORY_BYTES_MIN = 64_000_000;
/** Of a consumer's time. */
const TIME_SHARE = 0.1;

/** Undefined where raw files are kept. Fails with `usage` where they cannot be archived. */
export async function openRawCare(
  context: Context,
  flags: Pick<ConsumeFlags, "afterIngest" | "afterIngestAge" | "memory">,
  words: ConsumeWords,
  { zone, sink, catalog, target, clock, random }: ConsumeSessionOptions,
): Promise<RawCare | undefined> {
  const { afterIngest: action, afterIngestAge: ageMs, memory } = flags;
  if (action === "keep") return undefined;
  if (action === "archive") checkArchivable(zone, sink.root);
  const { RawUpkeep } = await import("../../core/maintain/raw/raw_upkeep.ts");
  const bytes = Math.max(MEMORY_BYTES_MIN, Math.floor(memory / MEMORY_SHARE));
  const upkeep = new RawUpkeep({ catalog, store: sink, clock, random }, {
    ...machineSettings(context, { threads: 1, memory: bytes }),
    zone,
    target,
    action,
    ageMs,
    share: TIME_SHARE,
    report: (record) => words.upkeep(record),
    note: (text) => words.note(text),
  });
  return {
    betweenBatches: (moment) => upkeep.run(moment),
    atTheEnd: (signal) => upkeep.runWhole(signal),
    close: () => closeQuietly(upkeep),
  };
}

/** A file must be in one place or the other at any moment: both are in the lake. */
function checkArchivable({ store, prefix, nameBase }: RawZone, lakeRoot: string): void {
  if (archivePathOf(`${nameBase}${prefix}x`) !== undefined) return;
  throw new StreamlabError(
    "usage",
    `Cannot archive the files of ${store.root}/${prefix}: they do not lie below raw/ of the lake ${lakeRoot}`,
    { hint: "Let them land in raw/events/ of the lake, or use --after-ingest delete" },
  );
}

async function closeQuietly(upkeep: RawUpkeep): Promise<void> {
  try {
    await upkeep.close();
  } catch (error) {
    // It is only told of; what ended the run counts more.
    if (!isKind(error, "unavailable")) throw error;
  }
}
