import { counted } from "../base/counted.ts";
import { ADDED_COLUMNS_MAX, type LeftOut } from "../contract/extra_columns.ts";
import type { Discovery } from "./discover.ts";
import type { RoutedPlan } from "../routing/router.ts";

export interface Note {
  /** Notes of the same reason are printed once. */
  reason: string;
  text: string;
}

const NAMES_SHOWN_MAX = 10;

/** What is to be said of a listing; once. */
export function discoveryNotes({ loops, holdsOwn, passedOver: { files, example } }: Discovery): Note[] {
  const notes = loops.map((name) => ({
    reason: `loop ${name}`,
    text: `${name} was passed over: links lead to each other`,
  }));
  if (holdsOwn) {
    const text = "Files of the lake's own warehouse/ and checkpoints/ lie among the event files: they are left out";
    notes.push({ reason: "own files", text });
  }
  if (files > 0) {
    const count = counted(files, "file is", "files are");
    const text = `${count} passed over, as the name says no format: ${example}; --format says what all files are`;
    notes.push({ reason: "passed over", text });
  }
  return notes;
}

/** What is to be said of a batch that was routed; once. */
export function routedNotes(
  table: string,
  { leftOut, misnamed = [] }: Pick<RoutedPlan, "leftOut" | "misnamed">,
): Note[] {
  const notes = leftOut === undefined ? [] : leftOutNotes(table, leftOut);
  for (const [found, files] of Map.groupBy(misnamed, (each) => each.found)) {
    const count = counted(files.length, "file is", "files are");
    const text = `${count} ${found} by the first bytes, though not by name, and read so: ${files[0]!.name}`;
    notes.push({ reason: `misnamed ${found}`, text });
  }
  return notes;
}

/** Why `--on-extra-fields add` left fields in `_rescued`. */
function leftOutNotes(table: string, { clashing, beyond }: LeftOut): Note[] {
  const notes: Note[] = [];
  if (clashing.length > 0) {
    const more = clashing.length > NAMES_SHOWN_MAX ? ` and ${clashing.length - NAMES_SHOWN_MAX} more` : "";
    const names = clashing.slice(0, NAMES_SHOWN_MAX).join(", ") + more;
    notes.push({
      reason: "clashing",
      text: `${table} cannot have columns for ${names}: it has others of these names; they are kept in _rescued`,
    });
  }
  if (beyond > 0) {
    const text = `${table} gets no more columns than the ${ADDED_COLUMNS_MAX} that --on-extra-fields add gives a ` +
      `table: ${counted(beyond, "other field is", "other fields are")} kept in _rescued`;
    notes.push({ reason: "beyond", text });
  }
  return notes;
}
