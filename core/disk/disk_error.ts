import { messageOf, StreamlabError } from "../base/errors.ts";
import type { ErrorKind } from "../base/errors.ts";

interface Meaning {
  kind: ErrorKind;
  state: string;
  hint?: string;
}

/** What the operating system's codes mean to a user. */
const MEANINGS: Record<string, Meaning> = {
  ENOENT: { kind: "not-found", state: "there is no such file" },
  ENOTDIR: { kind: "not-found", state: "a part of the path is a file, not a folder" },
  EISDIR: { kind: "not-found", state: "it is a folder, not a file" },
  ENOSPC: {
    kind: "unavailable",
    state: "no space left on the device",
    hint: "Free some space and run again: nothing was left half-written",
  },
  EDQUOT: {
    kind: "unavailable",
    state: "the disk quota is used up",
    hint: "Free some space or raise the quota and run again: nothing was left half-written",
  },
  EACCES: {
    kind: "unavailable",
    state: "permission denied",
    hint: "Give this user the right to read and write there, or name another folder",
  },
  EPERM: {
    kind: "unavailable",
    state: "operation not permitted",
    hint: "Check who owns the folder, and that its file system knows hard links (FAT and some network mounts do not)",
  },
  EROFS: {
    kind: "unavailable",
    state: "the file system is read-only",
    hint: "Mount it writable, or name another folder",
  },
  EMFILE: {
    kind: "unavailable",
    state: "too many open files",
    hint: "Raise the limit (ulimit -n) or lower the number of threads",
  },
  ENFILE: {
    kind: "unavailable",
    state: "too many open files on this machine",
    hint: "Close other programs or raise the system's limit",
  },
  EIO: {
    kind: "unavailable",
    state: "the device reports an input/output error",
    hint: "Check the disk and the system log",
  },
  ENAMETOOLONG: { kind: "unavailable", state: "the name is too long for this file system" },
  ELOOP: { kind: "unavailable", state: "its symbolic links lead round in a circle" },
  EXDEV: { kind: "unavailable", state: "it is on another file system" },
  EOPNOTSUPP: {
    kind: "unavailable",
    state: "the file system does not support it",
    hint: "Use a file system with hard links: commits rest on them",
  },
  ENOTCAPABLE: {
    kind: "unavailable",
    state: "this program was started without the permission for it",
    hint: "Start it with --allow-read and --allow-write for this folder",
  },
};

/** The code of an operating system's error, such as `ENOSPC`; undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  if (error instanceof Deno.errors.NotCapable) return "ENOTCAPABLE";
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/** True if the path leads to no file. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** True if this user may not do that. */
export function isDenied(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EACCES" || code === "EPERM";
}

/** What an operating system's error means, for the end of a message. */
export function stateOf(error: unknown): string {
  return MEANINGS[codeOf(error) ?? ""]?.state ?? messageOf(error);
}

/**
 * An operating system's error as ours: `action` is a verb, `place` what it was done to. An error
 * that is ours already stays. When writing, a missing part of the path is `unavailable`, not
 * `not-found`.
 */
export function localError(action: string, place: string, error: unknown, writing = false): StreamlabError {
  if (error instanceof StreamlabError) return error;
  const meaning = MEANINGS[codeOf(error) ?? ""] ?? { kind: "unavailable", state: messageOf(error) };
  const kind = writing && meaning.kind === "not-found" ? "unavailable" : meaning.kind;
  return new StreamlabError(kind, `Cannot ${action} "${place}": ${meaning.state}`, {
    hint: meaning.hint,
    cause: error,
  });
}
