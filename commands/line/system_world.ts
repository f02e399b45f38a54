/** The world as the operating system gives it. */
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { foreignHand } from "../../core/disk/ownership.ts";
import type { ListedCommand, TerminalSize } from "./command.ts";
import { dataStream, messageStream } from "./output_stream.ts";
import type { World } from "./program.ts";

const UNKNOWN_SIZE: TerminalSize = { columns: 80, rows: 24 };

export function systemWorld(commands: readonly ListedCommand[], signal: AbortSignal): World {
  return {
    commands,
    signal,
    stdout: dataStream(Deno.stdout, Deno.stdout.isTerminal()),
    stderr: messageStream(Deno.stderr),
    stdin: Deno.stdin.readable,
    isTerminal: {
      stdin: Deno.stdin.isTerminal(),
      stdout: Deno.stdout.isTerminal(),
      stderr: Deno.stderr.isTerminal(),
    },
    terminalSize,
    env: (name) => Deno.env.get(name),
    cwd: Deno.cwd(),
    clock: systemClock,
    random: systemRandom,
    foreignHand,
    async readText(path) {
      try {
        return await Deno.readTextFile(path);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return undefined;
        throw error;
      }
    },
  };
}

function terminalSize(): TerminalSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    return { columns: columns || UNKNOWN_SIZE.columns, rows: rows || UNKNOWN_SIZE.rows }; // some emulators say 0
  } catch {
    return UNKNOWN_SIZE; // no terminal
  }
}
