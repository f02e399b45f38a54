import type { Clock } from "../base/clock.ts";
import type { Contract } from "../contract/contract.ts";
import { identifierText, type TableIdentifier } from "../iceberg/catalog/catalog.ts";
import { type BatchPlan, type ChosenRows, planFormat, type PlannedFile } from "../lake/batch_plan.ts";
import { type RawZone, zoneOptions } from "../lake/raw_zone.ts";
import type { TableRole } from "../lake/table_names.ts";
import type { TargetRules } from "../lake/target_record.ts";
import type { ConsumerState } from "./consumer_state.ts";

export interface NextPlanOptions extends TargetRules {
  zone: RawZone;
  target: TableIdentifier;
  contract: Contract;
  clock: Clock;
}

/** The plan of the batch that comes after this state, of these new files, and changed ones. */
export function nextPlan(
  { contract, onExtraFields, onWrongType, dedupe, upsert, zone, clock, target }: NextPlanOptions,
  { sequenceId, doneBatchId }: ConsumerState,
  files: readonly PlannedFile[],
  changed: readonly PlannedFile[],
): BatchPlan {
  const options = { onExtraFields, onWrongType, ...zoneOptions(zone), dedupe, upsert };
  return {
    format: planFormat({ options }),
    sequenceId,
    batchId: Number(doneBatchId) + 1,
    plannedAt: new Date(clock.nowMs()).toISOString(),
    table: identifierText(target),
    raw: zone.nameBase,
    contract: contract.text,
    options,
    files: files.map(planned),
    changed: changed.map(planned),
  };
}

/** Without what else is known of a file that was found. */
function planned({ name, path, etag, size }: PlannedFile): PlannedFile {
  return { name, path, etag, size };
}

/** The plan of a batch that judges again what was ingested. */
export function planAgain(options: NextPlanOptions, state: ConsumerState, chosen: ChosenRows): BatchPlan {
  return { ...nextPlan(options, state, [], []), ...chosen };
}

/** The table whose rows must be known before a batch is routed. */
export function comparedWith({ replay, options: { dedupe, upsert } }: BatchPlan): TableRole | undefined {
  if (replay !== undefined) return "deadLetters";
  return dedupe === undefined && upsert === undefined ? undefined : "events";
}
