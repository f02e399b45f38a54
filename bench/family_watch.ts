/** What processes take, as Linux tells it in /proc. */

/** Between two looks, at least; looking takes no more than this share of one core. */
const PAUSE_MS_MIN = 20, SHARE_MAX = 0.05;
/** Linux counts processor time in hundredths of a second, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** One process at one moment. */
export interface ProcessTimes {
  pid: number;
  parent: number;
  /** Since the system's start, ticks: tells it from a later one of the same number. */
  start: string;
  /** Its own, of all its threads. */
  processorSeconds: number;
  /** Of the children that have ended and that it has waited for, with what these had waited for. */
  waitedSeconds: number;
}

export interface Taken {
  /** Processor time, seconds; undefined where the system does not tell (it is not Linux). */
  processorSeconds: number | undefined;
  /** Highest resident memory of each process, bytes, added. */
  memoryMax: number | undefined;
}

/** What processes take, and all that they start, from its begin to its end. */
export class FamilyWatch {
  readonly #family = new Family();
  readonly #roots: () => number[];
  #timer: ReturnType<typeof setTimeout>;

  /** `roots`: as they are now; those of them that began before are counted from their own begin. */
  constructor(roots: () => number[]) {
    this.#roots = roots;
    this.#timer = setTimeout(() => this.#look(), PAUSE_MS_MIN);
  }

  end(): Taken {
    clearTimeout(this.#timer);
    return this.#family.taken();
  }

  #look(): void {
    const began = performance.now();
    this.#family.add(allTimes(), this.#roots());
    const tookMs = performance.now() - began;
    this.#timer = setTimeout(() => this.#look(), Math.max(PAUSE_MS_MIN, tookMs / SHARE_MAX));
  }
}

/**
 * Processes that were seen to belong together, ended ones among them. What a child took between the
 * last look and its end is known by its parent's count of children that it has waited for.
 */
export class Family {
  /** As each was seen last. */
  readonly #members = new Map<string, ProcessTimes & { memoryMax: number; isAlive: boolean }>();

  /** `all` processes of a moment; who began in the family stays in it when its parent ends. */
  add(all: readonly ProcessTimes[], roots: readonly number[], memoryOf = peakOf): void {
    const known = new Set([...this.#members.values()].map(keyOf));
    const members = new Set(all.filter((each) => roots.includes(each.pid) || known.has(keyOf(each))));
    const children = Map.groupBy(all, ({ parent }) => parent);
    for (const { pid } of members) for (const child of children.get(pid) ?? []) members.add(child);
    for (const member of this.#members.values()) member.isAlive = false;
    for (const member of members) {
      const memoryMax = memoryOf(member.pid) ?? this.#members.get(keyOf(member))?.memoryMax ?? 0;
      this.#members.set(keyOf(member), { ...member, memoryMax, isAlive: true });
    }
  }

  taken(): Taken {
    if (this.#members.size === 0) return { processorSeconds: undefined, memoryMax: undefined };
    let processorSeconds = 0, memoryMax = 0;
    for (const member of this.#members.values()) {
      const ended = this.#members.values().filter(({ parent, isAlive }) => parent === member.pid && !isAlive);
      const seen = ended.reduce((sum, child) => sum + child.processorSeconds + child.waitedSeconds, 0);
      processorSeconds += member.processorSeconds + Math.max(0, member.waitedSeconds - seen);
      memoryMax += member.memoryMax;
    }
    return { processorSeconds, memoryMax };
  }
}

function keyOf({ pid, start }: Pick<ProcessTimes, "pid" | "start">): string {
  return `${pid} ${start}`;
}

function allTimes(): ProcessTimes[] {
  try {
    return [...Deno.readDirSync("/proc")].flatMap(({ name }) => /^\d+$/.test(name) ? timesOf(Number(name)) ?? [] : []);
  } catch {
    return [];
  }
}

/** proc_pid_stat(5), whose second field, a name in brackets, may hold spaces. */
function timesOf(pid: number): ProcessTimes | undefined {
  try {
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
    const seconds = (first: number) => (Number(fields[first]) + Number(fields[first + 1])) / TICKS_PER_SECOND;
    const [parent, start] = [Number(fields[1]), fields[19]!];
    return { pid, parent, start, processorSeconds: seconds(11), waitedSeconds: seconds(13) };
  } catch {
    return undefined;
  }
}

/** Of a process alone. */
export function processorSecondsOf(pid: number): number | undefined {
  return timesOf(pid)?.processorSeconds;
}

/** The most memory that it had at once, bytes. */
export function peakOf(pid: number): number | undefined {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
  } catch {
    return undefined;
  }
}
