/**
 * Errors as people read them: one or two lines on standard error, printed once, by the program's
 * top.
 */
import { isAllocationFailure } from "../../core/base/allocation.ts";
import { messageOf, StreamlabError } from "../../core/base/errors.ts";
import type { Json } from "../../core/base/json.ts";
import { type ExitStatus, OutputClosed } from "./command.ts";
import { EXIT_STATUS_OF } from "./exit_status.ts";

export interface ErrorReport {
  /** Lines with their line ends; empty when there is nothing to say. */
  text: string;
  /** The same for scripts. */
  record: { [key: string]: Json };
  status: ExitStatus;
}

/** `secrets` are values that are removed from messages. */
export function reportError(error: unknown, options: { debug: boolean; secrets: readonly string[] }): ErrorReport {
  // The reader has what it wanted (`| head`) and closed the pipe.
  if (error instanceof OutputClosed) return { text: "", record: {}, status: 0 };
  const known = error instanceof StreamlabError ? error : fromOutside(error);
  const lines = [`streamlab: ${oneLine(known.message)}`];
  if (known.hint !== undefined) lines.push(`  ${oneLine(known.hint)}`);
  if (options.debug) lines.push(...causes(error));
  const clean = (text: string) => scrub(text, options.secrets);
  const record = {
    action: "error",
    kind: known.kind,
    message: clean(oneLine(known.message)),
    hint: known.hint === undefined ? null : clean(oneLine(known.hint)),
    causes: options.debug ? clean(causes(error).join("\n")) : null,
  };
  return { text: `${clean(lines.join("\n"))}\n`, record, status: EXIT_STATUS_OF[known.kind] };
}

/**
 * Errors that no module of ours wrapped: the operating system's by their name, the rest is a bug of
 * ours.
 */
function fromOutside(error: unknown): StreamlabError {
  const message = messageOf(error);
  const name = error instanceof Error ? error.name : "";
  const code = (error as { code?: string } | undefined)?.code;
  if (name === "NotFound") return new StreamlabError("not-found", message);
  if (isAllocationFailure(error)) {
    return new StreamlabError("unavailable", "there is not enough memory for it", {
      hint: "Let it have more memory, or less to do at once, as by --threads",
    });
  }
  const isOutside = name in OUTSIDE_HINTS || code === "ENOSPC" || /no space left|os error 28/i.test(message);
  if (!isOutside) {
    return new StreamlabError("internal", `something went wrong that should not: ${message}`, {
      hint: "this is a bug of streamlab; --debug shows where it happened",
    });
  }
  return new StreamlabError("unavailable", message, {
    hint: OUTSIDE_HINTS[name] ?? "free some space and run it again",
  });
}

const OUTSIDE_HINTS: Record<string, string | undefined> = {
  PermissionDenied: "check the owner and mode of the file or folder",
  NotCapable: "run with the permissions that `deno task` gives, or use the compiled program",
  AlreadyExists: "choose another name",
  FilesystemLoop: "check the symbolic links on the way to it",
  NotADirectory: "a part of the path is a file",
  ConnectionRefused: "check the address, and that the server runs",
  TimedOut: "check the network and run it again",
};

function causes(error: unknown): string[] {
  const lines: string[] = [];
  for (let at = error, depth = 0; at !== undefined && depth < 10; depth++) {
    lines.push(at instanceof Error ? at.stack ?? at.message : String(at));
    at = at instanceof Error ? at.cause : undefined;
  }
  return lines;
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, "; ");
}

/** Names of variables whose values are secrets. */
export const SECRET_VARIABLES = [
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "STREAMLAB_CATALOG_TOKEN",
  "STREAMLAB_CATALOG_CREDENTIAL",
];

/** Takes out known secrets, passwords in URIs, bearer tokens and signatures. */
export function scrub(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    // Removing a secret of a few letters would garble every sentence, and it protects nothing.
    if (secret.length >= 6) clean = clean.replaceAll(secret, "***");
  }
  return clean
    .replaceAll(/(\w+:\/\/[^\s/:@]*):[^\s/@]+@/g, "$1:***@")
    .replaceAll(/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+/g, "$1 ***")
    .replaceAll(/\b(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s]+/gi, "$1***");
}
