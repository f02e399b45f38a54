import type { Random } from "../base/random.ts";
import type { ByteText } from "./byte_text.ts";
import { type Draft, draftTruth, truthOfDraft } from "./drafts.ts";
import { addEvent } from "./event_bytes.ts";
import { addExtraField } from "./extra_field.ts";
import { breakRecord } from "./invalid_record.ts";
import type { RecordTruth } from "./truth.ts";

/**
 * Adds the draft as JSON text, broken where it is to be. What is to be said of it is returned,
 * undefined for a plain event.
 */
export function addRecord(text: ByteText, draft: Draft, random: Random): RecordTruth | undefined {
  if (draft.flaw === undefined) {
    addEvent(text, draft.event);
    return draftTruth(draft);
  }
  const isInvalid = draft.flaw === "invalid";
  const { json, way, field } = isInvalid ? breakRecord(draft.event, random) : addExtraField(draft.event, random);
  text.add(json);
  return {
    disposition: isInvalid ? "invalid_schema" : "extra_fields",
    way,
    field,
    ...truthOfDraft(draft),
  };
}
