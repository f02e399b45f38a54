export interface Measured {
  seconds: number;
  /**
   * Processor time of all its threads and its child processes', seconds; like the memory undefined
   * where the system does not tell (it is not Linux).
   */
  processorSeconds: number | undefined;
  /** Highest resident memory, bytes, its child processes' added. */
  memoryMax: number | undefined;
  stdout: string;
}

const SAMPLE_MS = 20;
/** Linux counts processor time in hundredths of a second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

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

/** What processes take, and all that they start, from its begin to its end. */
export class FamilyWatch {
  readonly #processes = new Map<number, { memoryMax: number; processorSeconds: number }>();
  readonly #roots: () => number[];
  readonly #timer: ReturnType<typeof setInterval>;

  /** `roots`: as they are now; those of them that began before are counted from their own begin. */
  constructor(roots: () => number[]) {
    this.#roots = roots;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  end(): Pick<Measured, "processorSeconds" | "memoryMax"> {
    clearInterval(this.#timer);
    const sum = (of: "memoryMax" | "processorSeconds") =>
      this.#processes.size === 0
        ? undefined
        : [...this.#processes.values()].reduce((total, process) => total + process[of], 0);
    return { processorSeconds: sum("processorSeconds"), memoryMax: sum("memoryMax") };
  }

  #sample(): void {
    for (const pid of this.#roots().flatMap((root) => familyOf(root))) {
      const memoryMax = peakOf(pid), processorSeconds = processorSecondsOf(pid);
      if (memoryMax === undefined || processorSeconds === undefined) continue;
      this.#processes.set(pid, { memoryMax, processorSeconds });
    }
  }
}

/**
 * The process and its children, and theirs: those of each of its threads, as a JVM starts them from
 * any (proc_pid_task_tid_children(5)).
 */
export function familyOf(pid: number, proc = "/proc"): number[] {
  const children = threadsOf(pid, proc).flatMap((thread) => childrenOf(`${proc}/${pid}/task/${thread}`));
  return [pid, ...children.flatMap((child) => familyOf(child, proc))];
}

function threadsOf(pid: number, proc: string): string[] {
  try {
    return [...Deno.readDirSync(`${proc}/${pid}/task`)].map(({ name }) => name);
  } catch {
    return [];
  }
}

/** None of a thread that has ended since it was listed. */
function childrenOf(thread: string): number[] {
  try {
    return Deno.readTextFileSync(`${thread}/children`).trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

export function peakOf(pid: number): number | undefined {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
  } catch {
    return undefined;
  }
}

/**
 * proc_pid_stat(5): fields 14 and 15 are user and system time; the second field, a name in
 * brackets, may hold spaces.
 */
export function processorSecondsOf(pid: number): number | undefined {
  try {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
