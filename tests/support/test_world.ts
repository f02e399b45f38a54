import { seededRandom } from "../../core/base/random.ts";
import type { Command, ListedCommand } from "../../commands/line/command.ts";
import { dataStream, messageStream } from "../../commands/line/output_stream.ts";
import type { World } from "../../commands/line/program.ts";
import { scratchFolder } from "./scratch_folder.ts";

export interface TestWorldOptions {
  commands: readonly (Command | ListedCommand)[];
  /** Without TMPDIR the folder that the file's tests share. */
  env?: Record<string, string>;
  /** Text files by absolute path. */
  files?: Record<string, string>;
  /** What is wrong with a file that another user could have written, by absolute path. */
  foreignHands?: Record<string, string>;
  cwd?: string;
  stdin?: string | ReadableStream<Uint8Array>;
  /** All three streams are a terminal. */
  terminal?: boolean;
  nowMs?: number;
  signal?: AbortSignal;
}

export interface TestWorld extends World {
  stdoutText(): string;
  stderrText(): string;
  stdoutBytes(): Uint8Array;
  /** No flag stands on a command line. */
  typed: ReadonlySet<string>;
}

/** A world whose output can be read and whose time stands still (a sleep moves it on). */
export function testWorld(options: TestWorldOptions): TestWorld {
  const stdout = capture(), stderr = capture();
  let nowMs = options.nowMs ?? Date.UTC(2026, 2, 1, 12);
  const terminal = options.terminal ?? false;
  const stdin = options.stdin ?? "";
  return {
    commands: options.commands.map((each) =>
      "load" in each ? each : { name: each.name, load: () => Promise.resolve(each) }
    ),
    signal: options.signal ?? new AbortController().signal,
    stdout: dataStream(stdout, terminal),
    stderr: messageStream(stderr),
    stdin: typeof stdin === "string" ? new Blob([stdin]).stream() : stdin,
    isTerminal: { stdin: terminal, stdout: terminal, stderr: terminal },
    terminalSize: () => ({ columns: 80, rows: 24 }),
    env: (name) => options.env?.[name] ?? (name === "TMPDIR" ? scratchFolder() : undefined),
    cwd: options.cwd ?? "/work",
    clock: {
      nowMs: () => nowMs,
      sleep: (ms) => {
        nowMs += ms;
        return Promise.resolve();
      },
    },
    random: seededRandom(1),
    foreignHand: (path) => options.foreignHands?.[path],
    readText: (path) => Promise.resolve(options.files?.[path]),
    stdoutText: () => new TextDecoder().decode(stdout.bytes()),
    stderrText: () => new TextDecoder().decode(stderr.bytes()),
    stdoutBytes: () => stdout.bytes(),
    typed: new Set(),
  };
}

function capture() {
  const pieces: Uint8Array[] = [];
  return {
    write(bytes: Uint8Array) {
      pieces.push(bytes.slice());
      return Promise.resolve(bytes.length);
    },
    bytes() {
      const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
      let at = 0;
      for (const piece of pieces) {
        whole.set(piece, at);
        at += piece.length;
      }
      return whole;
    },
  };
}
