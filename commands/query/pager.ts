import { visibleLines } from "../../core/base/visible_text.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import { textWidth } from "../../core/query/format/text_width.ts";
import { type Context, OutputClosed, type TerminalSize } from "../line/command.ts";
import type { AnswerOutput } from "./output.ts";

/** The terminal that the prompt and a pager share. */
export interface SharedTerminal {
  /** Leaves it to another program, until the function that it returns is called. */
  lend(): () => void;
}

/** Ctrl-C is the pager's key: as a signal it would reach us, too, and the second one ends us. */
const SCRIPT = 'stty -isig </dev/tty 2>/dev/null; sh -c "$1"; status=$?; stty isig </dev/tty 2>/dev/null; exit $status';

/** What `sh` ends with where there is no such program. */
const NOT_FOUND = 127;

/** An answer that has more lines, or longer ones, than the screen is shown by a pager. */
export function pagedOutput(context: Context, terminal: SharedTerminal): AnswerOutput {
  let held = "";
  let pager: Pager | undefined;
  const decoder = new TextDecoder();
  return {
    temporaryPath: undefined,
    async write(data) {
      const text = typeof data === "string" ? data : decoder.decode(data, { stream: true });
      if (pager !== undefined) return await pager.write(text);
      held += text;
      if (fits(held, context.terminalSize())) return;
      pager = new Pager(context, terminal);
      await pager.write(held);
    },
    async finish() {
      if (pager === undefined) await context.stdout.write(held);
      else await pager.end();
    },
    async abandon() {
      await pager?.end();
    },
  };
}

/** The line of the prompt that follows needs a place, too. */
function fits(text: string, { columns, rows }: TerminalSize): boolean {
  const lines = text.split("\n");
  return lines.length <= rows - 1 && lines.every((line) => textWidth(line) <= columns);
}

class Pager {
  readonly #command: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #takeBack: () => void;

  constructor(context: Context, terminal: SharedTerminal) {
    this.#command = context.env("PAGER") || "less";
    this.#takeBack = terminal.lend();
    this.#child = new Deno.Command("sh", {
      args: ["-c", SCRIPT, "sh", this.#command],
      // Lines are not wrapped: what is beside the screen is an arrow key away.
      env: { LESS: context.env("LESS") ?? "-S" },
      stdin: "piped",
      stdout: "inherit",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
  }

  async write(text: string): Promise<void> {
    try {
      await this.#input.write(new TextEncoder().encode(visibleLines(text)));
    } catch {
      throw new OutputClosed("the pager was left");
    }
  }

  /** Waits until it is left. */
  async end(): Promise<void> {
    await this.#input.close().catch(() => {});
    const { code } = await this.#child.status;
    this.#takeBack();
    if (code !== NOT_FOUND) return;
    throw new StreamlabError("not-found", `Cannot run the pager ${this.#command}: there is no such program`, {
      hint: "Name another in PAGER, or do without one: .pager off",
    });
  }
}
