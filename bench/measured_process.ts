import { FamilyWatch, type Taken } from "./family_watch.ts";

/** What a program took, with its child processes. */
export interface Measured extends Taken {
  seconds: number;
  stdout: string;
}

/**
 * Runs a program to its end; wall-clock time with its start, and what Linux keeps of its memory
 * (VmHWM) and processor time.
 */
export async function measure(
  program: string,
  args: string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Measured> {
  const started = performance.now();
  const child = new Deno.Command(program, {
    args,
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const watch = new FamilyWatch(() => [child.pid]);
  const { success, stdout, stderr } = await child.output();
  const seconds = (performance.now() - started) / 1_000;
  const used = watch.end();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed: ${decoder.decode(stderr)}`);
  return { seconds, ...used, stdout: decoder.decode(stdout) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
