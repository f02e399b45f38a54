import { StreamlabError } from "../../core/base/errors.ts";
import { pointerSteps } from "../../core/json/pointer.ts";

/** A JSON pointer to what is in a value, as written. */
export function parsePointer(text: string): string {
  if (text !== "" && pointerSteps(text) !== undefined) return text;
  throw new StreamlabError(
    "usage",
    `expected a JSON pointer such as /Records or /data/items (~1 for / and ~0 for ~ in a key), got "${text}"`,
  );
}
