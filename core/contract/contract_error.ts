import { StreamlabError } from "../base/errors.ts";

/** A contract that cannot be used: where in its document, and why. */
export function contractError(pointer: string, reason: string, hint?: string): StreamlabError {
  const place = pointer === "" ? "at its top level" : `at ${pointer}`;
  return new StreamlabError(
    "usage",
    `Cannot use the contract: ${place}, ${reason}`,
    hint === undefined ? {} : { hint },
  );
}
