import type { ErrorKind } from "../../core/base/errors.ts";
import type { ExitStatus } from "./command.ts";

/** The table that every help text ends with. */
export const EXIT_STATUSES: readonly { status: ExitStatus; means: string }[] = [
  { status: 0, means: "done; also what runs until it is stopped, and SIGTERM stopped" },
  { status: 1, means: "failed; the message says what, where and what to do" },
  { status: 2, means: "wrong usage; the message names the flag" },
  { status: 3, means: "stopped by a limit that was set" },
  { status: 130, means: "interrupted, as by Ctrl-C" },
];

export const EXIT_STATUS_OF: Record<ErrorKind, ExitStatus> = {
  "usage": 2,
  "not-found": 1,
  "conflict": 1,
  "corrupt": 1,
  "newer": 1,
  "unavailable": 1,
  "limit": 3,
  "interrupted": 130,
  "internal": 1,
};
