import type { Disposition, FileTruth } from "./lake_audit.ts";

/** The bytes of an event file, and where its records must go. */
export interface RawFile {
  bytes: Uint8Array;
  truth: FileTruth;
}

interface RawRecord {
  json: object;
  disposition: Disposition;
}

/**
 * A valid record; `more` are further fields of it. The same every time, so that a file is the same
 * in each run of a scenario.
 */
export function valid(more: object = {}): RawRecord {
  const json = {
    user_id: "u1",
    event_id: "e1",
    event_type: "view",
    event_timestamp: "2026-03-01T12:00:00Z",
    ...more,
  };
  return { json, disposition: "event" };
}

/** One without a field that the contract requires. */
export function invalid(): RawRecord {
  return { json: { user_id: "u1", event_type: "view" }, disposition: "invalid_schema" };
}

/**
 * One with a field that the contract does not name: a dead letter, unless the run says otherwise.
 */
export function extra(disposition: Disposition = "extra_fields", field = "surprise"): RawRecord {
  return { ...valid({ [field]: "x" }), disposition };
}

/** A dead letter until it is replayed by a contract that has `coupon`: it is an event then. */
export function mended(): RawRecord {
  return { ...valid({ coupon: "x" }), disposition: "mended" };
}

/** A dead letter that a contract with `coupon` finds something else wrong with. */
export function explained(): RawRecord {
  return { ...valid({ coupon: 7 }), disposition: "explained" };
}

/** A JSON array of the records. */
export function arrayOf(...records: RawRecord[]): RawFile {
  return {
    bytes: new TextEncoder().encode(JSON.stringify(records.map(({ json }) => json))),
    truth: records.map(({ disposition }) => disposition),
  };
}

/** No JSON at all. */
export function corrupted(): RawFile {
  return { bytes: new TextEncoder().encode(`[{"user_id": "u1"`), truth: "corrupted_batch" };
}
