import { StreamlabError } from "../base/errors.ts";

/** The error for an unusable contract: the place in its document, and the reason. */
export function contractError(pointer: string, reason: string, hint?: string): StreamlabError {
  const place = pointer === "" ? "at its top level" : `at ${pointer}`;
  return new StreamlabError(
    "usage",
    `Cannot use the contract: ${place}, ${reason}`,
    hint === undefined ? {} : { hint },
  );
}
