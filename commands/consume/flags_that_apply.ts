import { StreamlabError } from "../../core/base/errors.ts";
import type { Context } from "../line/command.ts";
import { flagsOf } from "../line/flags.ts";
import { type ConsumeFlags, consumeFlags } from "./flags.ts";

type Key = keyof ConsumeFlags;

/** What the drawing of a contract takes: where files are, and which target it is compared with. */
const OF_INFERENCE: readonly Key[] = [
  "inferContract",
  "source",
  "sink",
  "raw",
  "format",
  "records",
  "pathColumns",
  "table",
  "once",
];
/** What says nothing to a run that ends by itself and leaves the lake alone. */
const NOT_OF_DRY_RUN: readonly Key[] = [
  "create",
  "trigger",
  "notifications",
  "notificationsTokenFile",
  "wait",
  "afterIngest",
  "afterIngestAge",
  "noUpkeep",
  "keepSnapshots",
  "deleteAfter",
  "metricsPort",
  "engine",
  "master",
  "sparkHome",
  "sparkConf",
  "sparkProgram",
  "taskSize",
  "taskMemory",
];

/**
 * Refuses flags of the command line that cannot apply to what is only looked at: they would be
 * ignored, which nobody would see.
 */
export function checkFlagsApply(context: Context, flags: ConsumeFlags): void {
  const mode = flags.inferContract ? "--infer-contract" : "--dry-run";
  const wrong = flagsOf(consumeFlags).flags.find(({ key, meta }) => {
    if (!context.typed.has(key) || flags[key as Key] === false) return false;
    if (!flags.inferContract) return NOT_OF_DRY_RUN.includes(key as Key);
    return meta.section !== "CATALOG" && !OF_INFERENCE.includes(key as Key);
  });
  if (wrong === undefined) return;
  throw new StreamlabError("usage", `--${wrong.name} cannot be asked for together with ${mode}`, {
    hint: `Leave it out: ${mode} only looks at the files that are there`,
  });
}
