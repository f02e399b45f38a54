import type { z } from "zod";
import type { Clock } from "../../core/base/clock.ts";
import type { Random } from "../../core/base/random.ts";
import type { FlagSchema, FlagShape } from "./flags.ts";

/** What a command ends with; the table in every help text (exit_status.ts). */
export type ExitStatus = 0 | 1 | 2 | 3 | 130;

/** In characters; 80 by 24 if unknown. */
export interface TerminalSize {
  columns: number;
  rows: number;
}

/** Everything that a command may use of the outside world; tests pass their own. */
export interface Context {
  readonly stdout: OutputStream;
  readonly stderr: MessageStream;
  /** Standard input, whole pieces as they come. */
  readonly stdin: ReadableStream<Uint8Array>;
  readonly isTerminal: { stdin: boolean; stdout: boolean; stderr: boolean };
  /** As it is now: a terminal's window may be dragged at any time. */
  terminalSize(): TerminalSize;
  env(name: string): string | undefined;
  /** Absolute. */
  readonly cwd: string;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Aborted by the first Ctrl-C or SIGTERM: finish the work in flight, then return 130, or what
   * `stoppedStatus` says. The second one ends the process.
   */
  readonly signal: AbortSignal;
  /** `--json`. */
  readonly json: boolean;
  /** Whether what is no result is JSON, too: `--log-format`, by default as `--json`. */
  readonly jsonMessages: boolean;
  /** `--debug`. */
  readonly debug: boolean;
  /**
   * Keys of the flags that stand on the command line: variables and settings may hold what is meant
   * for other runs.
   */
  readonly typed: ReadonlySet<string>;
  /** The program's table, for commands about commands. */
  readonly commands: readonly ListedCommand[];
}

/** A command of the program's table: its modules are loaded when it is called for. */
export interface ListedCommand {
  name: string;
  load(): Promise<Command>;
}

/** All of them, for who tells about them. */
export function loadCommands(commands: readonly ListedCommand[]): Promise<Command[]> {
  return Promise.all(commands.map((command) => command.load()));
}

/** What supervisors send; the reason that `signal` is aborted for names the signal that came. */
const SUPERVISORS_STOP = "SIGTERM";

export function isSupervisorsStop({ reason }: AbortSignal): boolean {
  return reason instanceof Error && reason.message === SUPERVISORS_STOP;
}

/** Of a command that runs until it is stopped, and ended cleanly: supervisors wished for that. */
export function stoppedStatus(signal: AbortSignal): ExitStatus {
  return !signal.aborted || isSupervisorsStop(signal) ? 0 : 130;
}

/**
 * `write` resolves when the bytes are written; it rejects with `OutputClosed` when the reader has
 * closed the pipe (`| head`).
 */
export interface OutputStream {
  write(data: string | Uint8Array): Promise<void>;
}

/** Text written here is escaped, on a terminal and elsewhere, so no terminal obeys it. */
export interface MessageStream extends OutputStream {
  /** Replaces the line drawn before; an empty one removes it. For terminals only. */
  redraw(line: string): Promise<void>;
}

export class OutputClosed extends Error {
  override name = "OutputClosed";
}

/**
 * A subcommand, as data. Keep its file light: heavy modules (DuckDB, the S3 client, faker) are
 * imported inside `run`.
 */
export interface Command {
  name: string;
  /**
   * One line, imperative, no final period: `Write files of events, some of them broken on purpose`.
   */
  summary: string;
  /** What a user should know before the flags; paragraphs. */
  description: string;
  /** Three or more real ones: a comment and the line as typed. */
  examples: readonly { doc: string; line: string }[];
  flags: FlagSchema;
  run(context: Context, flags: Record<string, unknown>): Promise<ExitStatus>;
}

/** Gives `run` the type of its flags. */
export function defineCommand<S extends FlagShape>(
  command: Omit<Command, "flags" | "run"> & {
    flags: z.ZodObject<S>;
    run(context: Context, flags: z.output<z.ZodObject<S>>): Promise<ExitStatus>;
  },
): Command {
  return command as unknown as Command;
}
