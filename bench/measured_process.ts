export interface Measured {
  seconds: number;
  /** Highest resident memory, bytes; undefined where the system does not tell. */
  memoryMax: number | undefined;
  stdout: string;
}

const sampleMs = 20;

/** Runs a program to its end; wall-clock time with its start, and the peak that Linux keeps of its memory (VmHWM). */
export async function measure(program: string, args: string[], cwd: string): Promise<Measured> {
  const started = performance.now();
  const child = new Deno.Command(program, { args, cwd, env: { NO_COLOR: "1" }, stdout: "piped", stderr: "piped" })
    .spawn();
  let memoryMax: number | undefined;
  const sample = () => memoryMax = peakOf(child.pid) ?? memoryMax;
  const timer = setInterval(sample, sampleMs);
  const { success, stdout, stderr } = await child.output();
  const seconds = (performance.now() - started) / 1_000;
  clearInterval(timer);
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed: ${decoder.decode(stderr)}`);
  return { seconds, memoryMax, stdout: decoder.decode(stdout) };
}

function peakOf(pid: number): number | undefined {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
  } catch {
    return undefined;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
