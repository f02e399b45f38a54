/**
 * What went wrong, by what the reader does next. One place (`commands/line/errors.ts`) maps a kind
 * to words and an exit status.
 */
export type ErrorKind =
  /**
   * The caller asked for something that cannot be asked: a wrong flag, a contract with an unknown
   * keyword.
   */
  | "usage"
  /** A named thing does not exist. */
  | "not-found"
  /** Another writer was first, and the retries are exhausted. */
  | "conflict"
  /** Bytes on storage are not what the format says. */
  | "corrupt"
  /** What a newer version of this program left, and this one does not know. */
  | "newer"
  /** The outside refused or failed: disk full, permission, network, credentials. */
  | "unavailable"
  /** A limit that the user set was reached. */
  | "limit"
  /** The user asked us to stop. */
  | "interrupted"
  /** A bug of ours. */
  | "internal";

/** What stands beside the message. */
export interface ErrorDetails {
  /** What the reader can do about it, one sentence, no final period. */
  hint?: string;
  /** What was caught. */
  cause?: unknown;
}

/**
 * Every error that crosses a module's edge on purpose. `message` states the action that failed, the
 * place and the state that stood in the way ("Cannot commit to bronze.events: version 7 already
 * exists"), without a final period.
 */
export class StreamlabError extends Error {
  /** What the reader does next. */
  readonly kind: ErrorKind;
  /** What the reader can do about it. */
  readonly hint: string | undefined;

  /** The cause is kept for `--debug`. */
  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "StreamlabError";
    this.kind = kind;
    this.hint = details.hint;
  }
}

/** Whether an error of ours was thrown, of one of these kinds. */
export function isKind(error: unknown, ...kinds: ErrorKind[]): error is StreamlabError {
  return error instanceof StreamlabError && kinds.includes(error.kind);
}

/** Of work that its signal has ended in the middle: "the rewrite". */
export function stopped(work: string): StreamlabError {
  return new StreamlabError("interrupted", `Stopped ${work}`);
}

/** What `work` gives; undefined where it fails with `not-found`. */
export async function ifFound<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isKind(error, "not-found")) return undefined;
    throw error;
  }
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
