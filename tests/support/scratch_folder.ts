let made: string | undefined;

/**
 * Where the tests of this file take folders for a while. In one that all share, programs whose
 * random numbers are the same would take those of each other; at the end nothing may be left.
 */
export function scratchFolder(): string {
  if (made !== undefined) return made;
  const folder = Deno.makeTempDirSync({ prefix: "streamlab-scratch-" });
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return made = folder;
}
