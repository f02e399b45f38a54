import { strictEqual } from "node:assert/strict";

/** True where a run keeps what it makes as the expected text, to be read in the diff. */
export const isRefresh = Deno.env.get("STREAMLAB_REFRESH") === "1";

/**
 * Compares a text with the one kept in a file; `STREAMLAB_REFRESH=1` keeps the new one instead, to
 * be read in the diff.
 */
export async function checkGolden(file: URL, text: string): Promise<void> {
  if (isRefresh) {
    await Deno.mkdir(new URL(".", file), { recursive: true });
    await Deno.writeTextFile(file, text);
    return;
  }
  strictEqual(
    text,
    await Deno.readTextFile(file),
    `differs from ${file.pathname}; STREAMLAB_REFRESH=1 keeps the new text`,
  );
}
