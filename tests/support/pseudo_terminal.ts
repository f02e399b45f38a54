import { isRequired, onPath } from "./python.ts";

/** Declares a test that needs a terminal, which util-linux's `script` makes. */
export function terminalTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !isRequired && onPath("script") === undefined, fn });
}

/** What somebody at the terminal does once it shows a text that it did not show before. */
export interface TerminalStep {
  after: string;
  keys?: string;
  /** The window is made so many columns wide. */
  columns?: number;
}

/**
 * Runs a line of shell in a terminal of its own; what the terminal was sent, both outputs in one.
 * Each step waits for its text behind that of the step before.
 */
export async function runInTerminal(
  folder: string,
  line: string,
  steps: readonly TerminalStep[] = [],
  { columns = 80, rows = 24 }: { columns?: number; rows?: number } = {},
): Promise<string> {
  const terminal = `${folder}/.terminal`;
  const setUp = `tty > '${terminal}'; stty columns ${columns} rows ${rows}`;
  const child = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", `${setUp}; ${line}`, "/dev/null"],
    cwd: folder,
    env: { SHELL: "/bin/sh", TERM: "xterm", NO_COLOR: "1", XDG_STATE_HOME: `${folder}/state` },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const keyboard = child.stdin.getWriter();
  const waiting = [...steps];
  const decoder = new TextDecoder();
  const errors = new Response(child.stderr).text();
  let sent = "", looked = 0;
  for await (const piece of child.stdout) {
    sent += decoder.decode(piece, { stream: true });
    for (let at; waiting.length > 0 && (at = sent.indexOf(waiting[0]!.after, looked)) >= 0;) {
      looked = at + waiting[0]!.after.length;
      const step = waiting.shift()!;
      if (step.columns !== undefined) await resize(terminal, step.columns);
      if (step.keys !== undefined) await keyboard.write(new TextEncoder().encode(step.keys));
    }
  }
  await keyboard.close().catch(() => {});
  await child.status;
  if (await errors !== "") throw new Error(await errors);
  if (waiting.length > 0) throw new Error(`"${waiting[0]!.after}" did not come in ${JSON.stringify(sent)}`);
  return sent;
}

/** The kernel tells those who run in it, as when a window is dragged. */
async function resize(terminal: string, columns: number): Promise<void> {
  const device = (await Deno.readTextFile(terminal)).trim();
  const { success, stderr } = await new Deno.Command("stty", { args: ["-F", device, "columns", String(columns)] })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
