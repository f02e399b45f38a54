import { strictEqual } from "node:assert/strict";

/**
 * Compares a text with the one kept in a file; `STREAMLAB_REFRESH=1` keeps the new one instead, to
 * be read in the diff.
 */
export async function checkGolden(file: URL, text: string): Promise<void> {
  if (Deno.env.get("STREAMLAB_REFRESH") === "1") {
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
