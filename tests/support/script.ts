import { strictEqual } from "node:assert/strict";

/**
 * Writes a program of a shell or another interpreter. By another process: a file that this one has
 * open for writing is open in each process that another thread starts at that moment, and "Text
 * file busy" as long.
 */
export async function writeScript(path: string, text: string): Promise<void> {
  const write = 'printf %s "$1" > "$0" && chmod 755 "$0"';
  const { success, stderr } = await new Deno.Command("sh", { args: ["-c", write, path, text] }).output();
  strictEqual(success, true, new TextDecoder().decode(stderr));
}
