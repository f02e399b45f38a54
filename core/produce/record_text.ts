import type { Random } from "../base/random.ts";
import { type Draft, draftTruth, truthOfDraft } from "./drafts.ts";
import { eventJson } from "./event.ts";
import { addExtraField } from "./extra_field.ts";
import { breakRecord } from "./invalid_record.ts";
import type { RecordTruth } from "./truth.ts";

export interface ProducedRecord {
  json: string;
  /** Undefined for a plain event. */
  truth: RecordTruth | undefined;
}

/** The draft as JSON text, broken where it is to be. */
export function recordOfDraft(draft: Draft, random: Random): ProducedRecord {
  if (draft.flaw === undefined) return { json: eventJson(draft.event), truth: draftTruth(draft) };
  const isInvalid = draft.flaw === "invalid";
  const { json, way, field } = isInvalid ? breakRecord(draft.event, random) : addExtraField(draft.event, random);
  return {
    json,
    truth: {
      disposition: isInvalid ? "invalid_schema" : "extra_fields",
      way,
      field,
      ...truthOfDraft(draft),
    },
  };
}
