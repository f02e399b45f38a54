import { type ErrorKind, messageOf, StreamlabError } from "../base/errors.ts";

/** What became of a statement, by what the reader does next. */
interface Meaning {
  kind: ErrorKind;
  state: string;
  hint?: string;
}

const OUT_OF_MEMORY = "DuckDB ran out of memory";
const DISK_FULL = "DuckDB found no space left on the disk";

/** DuckDB's names of errors about what it reads or where it runs, not about what it was asked. */
const OUTSIDE_NAMES = new Set(["IO", "HTTP", "Permission", "Connection"]);

/**
 * A statement that failed. `message` is one line; `said` is all that DuckDB said, so that callers
 * can look for the file that it names.
 */
export class SqlError extends StreamlabError {
  readonly said: string;
  /** The message without the words around it. */
  readonly state: string;

  constructor(cause: unknown) {
    const said = messageOf(cause);
    const [, engineName = "", text = said] = /^(?:Error: )?((?:[A-Za-z-]+ )+)Error: ([\s\S]*)$/.exec(said) ?? [];
    const { kind, state, hint } = meaningOf(engineName.trim(), text.split("\n", 1)[0]!.trim());
    super(kind, kind === "internal" ? `something went wrong that should not: ${state}` : `Cannot finish: ${state}`, {
      hint,
      cause,
    });
    this.name = "SqlError";
    this.said = said;
    this.state = state;
  }

  /** The same as the failure of an action: `Cannot route batch 3`. */
  during(action: string): StreamlabError {
    return new StreamlabError(this.kind, `${action}: ${this.state}`, {
      hint: this.hint,
      cause: this,
    });
  }
}

function meaningOf(name: string, text: string): Meaning {
  const said = text.replace(/[.!:]+$/, "");
  const full = /No space left|max_temp_directory_size/i.test(text);
  if (full) {
    return {
      kind: "unavailable",
      state: `${DISK_FULL} (${said})`,
      hint: "Free space there; nothing was lost",
    };
  }
  if (isMemoryText(name, text)) {
    return {
      kind: "unavailable",
      state: `${OUT_OF_MEMORY} (${said})`,
      hint: "Give more with --memory, or lower --threads",
    };
  }
  if (/^interrupt$/i.test(name)) return { kind: "interrupted", state: "DuckDB was interrupted" };
  if (OUTSIDE_NAMES.has(name)) {
    return { kind: "unavailable", state: said, hint: "Check that it exists and is readable, then run again" };
  }
  return {
    kind: "internal",
    state: name === "" ? said : `${name} Error: ${said}`,
    hint: "this is a bug of streamlab; --debug shows where it happened",
  };
}

/**
 * The second is what is left of the first when memory runs out while a statement is begun; the
 * third is the allocator's own word, which DuckDB passes on; the last is what a commit says of it.
 */
function isMemoryText(name: string, text: string): boolean {
  return name === "Out of Memory" || /closed pending query|bad[ _]alloc|failed to (?:pin|allocate) /i.test(text);
}

/**
 * Whether a statement failed for want of memory: in its limit, DuckDB could neither hold nor spill
 * what it needed.
 */
export function isOutOfMemory(error: unknown): error is SqlError {
  return error instanceof SqlError && error.state.startsWith(OUT_OF_MEMORY);
}

/** Whether a statement failed because the disk is full that it spills or writes to. */
export function isDiskFull(error: unknown): error is SqlError {
  return error instanceof SqlError && error.state.startsWith(DISK_FULL);
}
