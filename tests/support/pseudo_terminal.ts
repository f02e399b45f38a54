import { isRequired, onPath } from "./python.ts";

/** Declares a test that needs a terminal, which util-linux's `script` makes. */
export function terminalTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !isRequired && onPath("script") === undefined, fn });
}

/**
 * Runs a line of shell in a terminal of its own; what the terminal was sent, both outputs in one.
 * `typed` is typed once the line has printed the text that it waits for.
 */
export async function runInTerminal(
  folder: string,
  line: string,
  typed: readonly { after: string; keys: string }[] = [],
): Promise<string> {
  const child = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", line, "/dev/null"],
    cwd: folder,
    env: { SHELL: "/bin/sh", TERM: "xterm", NO_COLOR: "1", XDG_STATE_HOME: `${folder}/state` },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const keyboard = child.stdin.getWriter();
  const waiting = [...typed];
  const decoder = new TextDecoder();
  const errors = new Response(child.stderr).text();
  let sent = "", looked = 0;
  for await (const piece of child.stdout) {
    sent += decoder.decode(piece, { stream: true });
    for (let at; waiting.length > 0 && (at = sent.indexOf(waiting[0]!.after, looked)) >= 0;) {
      looked = at + waiting[0]!.after.length;
      await keyboard.write(new TextEncoder().encode(waiting.shift()!.keys));
    }
  }
  await keyboard.close().catch(() => {});
  await child.status;
  if (await errors !== "") throw new Error(await errors);
  if (waiting.length > 0) throw new Error(`"${waiting[0]!.after}" did not come in ${JSON.stringify(sent)}`);
  return sent;
}
