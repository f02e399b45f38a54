import type { DeadLetterReason } from "./contract.ts";
import { clip, type JsonPath, pointerText } from "../json/pointer.ts";

/**
 * A value as text that SQL casts exactly: numbers in canonical digits, instants as
 * `2026-03-01T12:00:00.000000Z`, dates as `2026-03-01`, booleans `true` and `false`, uuids in lower
 * case, strings as they are; structs and maps as objects (a struct has every field), lists as
 * arrays.
 */
export type ValueTree = null | string | ValueTree[] | { [key: string]: ValueTree };

/** Every column of the contract by name. */
export type Row = { [column: string]: ValueTree };

/**
 * A field that the contract does not name: where it stands in the record, and its JSON text there.
 */
export interface ExtraField {
  readonly path: JsonPath;
  readonly json: string;
}

export type Judgement =
  | {
    readonly kind: "event";
    readonly values: Row;
    /**
     * Only where extra fields do not make a dead letter (`rescue`, `add`), in the order of the
     * text.
     */
    readonly extras: readonly ExtraField[];
    /** The extra fields as one JSON object (see `rescuedText`); null without any. */
    readonly rescued: string | null;
  }
  | {
    readonly kind: "dead_letter";
    readonly reason: Extract<DeadLetterReason, "invalid_schema" | "extra_fields">;
    readonly detail: string;
    /** The columns that are valid by themselves; null for the others. */
    readonly values: Row;
  }
  /** A line of NDJSON is then `corrupted_record`, an array's whole file `corrupted_batch`. */
  | { readonly kind: "not_json"; readonly detail: string };

/** Extra fields that a detail names. */
const EXTRAS_SHOWN_MAX = 10;

/**
 * What the record has, for a detail: the value's kind, and the start of its text as written, on one
 * line.
 */
export function foundText(json: string): string {
  const text = clip(json).replace(/[\t\r\n]+ */g, " ");
  switch (text[0]) {
    case '"':
      return `string ${text}`;
    case "{":
      return `object ${text}`;
    case "[":
      return `array ${text}`;
    case "n":
      return text;
    case "t":
    case "f":
      return `boolean ${text}`;
    default:
      return `number ${text}`;
  }
}

/** The detail of a record with these extra fields. */
export function extrasDetail(extras: readonly ExtraField[]): string {
  const shown = extras.slice(0, EXTRAS_SHOWN_MAX).map(({ path }) => pointerText(path)).join(", ");
  const more = extras.length > EXTRAS_SHOWN_MAX ? ` and ${extras.length - EXTRAS_SHOWN_MAX} more` : "";
  return `expected only fields that the contract names, found ${shown}${more}`;
}
