import type { DeadLetterReason, OnExtraFields } from "./contract.ts";
import { clip, type JsonPath, pointerText } from "../json/pointer.ts";
import { rescuedText } from "./rescued.ts";

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
 * A field that the contract does not name, or not with such a value, or not of such a type: its
 * path in the record, and its JSON text.
 */
export interface ExtraField {
  readonly path: JsonPath;
  readonly json: string;
  /** It is loose, and its column does not take the value. */
  readonly isMisfit?: true;
  /** It is an optional field of the contract, and no extra one. */
  readonly isOfWrongType?: true;
}

export type Judgement =
  | {
    readonly kind: "event";
    readonly values: Row;
    /** In the order of the text. Empty unless extra fields are kept (`rescue`, `add`). */
    readonly extras: readonly ExtraField[];
    /**
     * The extra fields and those of a wrong type as one JSON object (see `rescuedText`); null if
     * there are none.
     */
    readonly rescued: string | null;
  }
  | {
    readonly kind: "dead_letter";
    readonly reason: Extract<DeadLetterReason, "invalid_schema" | "extra_fields">;
    readonly detail: string;
    /** The valid columns; null for all others. */
    readonly values: Row;
  }
  /** For a line of NDJSON this means `corrupted_record`, for an array `corrupted_batch`. */
  | { readonly kind: "not_json"; readonly detail: string };

/** The most extra fields that a detail names. */
const EXTRAS_SHOWN_MAX = 10;

/** What was found, for a detail: the kind of the value and the start of its text, on one line. */
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

/** The detail for a record with these extra fields. */
export function extrasDetail(extras: readonly ExtraField[]): string {
  const shown = extras.slice(0, EXTRAS_SHOWN_MAX).map(extraText).join(", ");
  const more = extras.length > EXTRAS_SHOWN_MAX ? ` and ${extras.length - EXTRAS_SHOWN_MAX} more` : "";
  return `expected only fields that the contract names, found ${shown}${more}`;
}

function extraText({ path, isMisfit }: ExtraField): string {
  return isMisfit ? `${pointerText(path)} with a value that its column does not take` : pointerText(path);
}

/**
 * What becomes of a record that is JSON, by its first problem and the fields that were kept apart.
 */
export function verdict(
  values: Row,
  problem: string | undefined,
  apart: readonly ExtraField[],
  onExtraFields: OnExtraFields,
): Judgement {
  if (problem !== undefined) return { kind: "dead_letter", reason: "invalid_schema", detail: problem, values };
  if (apart.length === 0) return { kind: "event", values, extras: apart, rescued: null };
  const extras = apart.filter(({ isOfWrongType }) => !isOfWrongType);
  if (onExtraFields === "dead-letter" && extras.length > 0) {
    return { kind: "dead_letter", reason: "extra_fields", detail: extrasDetail(extras), values };
  }
  return { kind: "event", values, extras, rescued: rescuedText(apart) };
}
