import { kill } from "node:process";
import { systemClock } from "../../core/base/clock.ts";

const pollMs = 20;
/** A minute, then something is wrong that waiting does not mend. */
const pollsMax = 3_000;

/**
 * Starts a program that starts others, such as a browser: all of them are in a session of their
 * own, so that `endGroup` finds those whose parent has ended first.
 */
export function startGroup(program: string, options: Omit<Deno.CommandOptions, "detached">): Deno.ChildProcess {
  return new Deno.Command(program, { ...options, detached: true }).spawn();
}

/** Ends a program of `startGroup`, and waits until no process that it started runs any more. */
export async function endGroup(leader: Deno.ChildProcess): Promise<void> {
  for (let polls = 0; killAll(leader.pid); polls++) {
    if (polls === pollsMax) throw new Error(`Cannot end process ${leader.pid}, or one that it started`);
    await systemClock.sleep(pollMs);
  }
  await leader.status;
}

/** Whether there was one. */
function killAll(session: number): boolean {
  if (Deno.build.os !== "linux") return killed(-session);
  // A process may have made itself a group of its own; the session stays the same.
  return livingIn(session).map(killed).includes(true);
}

function killed(pid: number): boolean {
  try {
    kill(pid, "SIGKILL");
    return true;
  } catch {
    // It has ended.
    return false;
  }
}

/** Those that have ended and wait for somebody to ask how write nothing any more. */
function livingIn(session: number): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    if (Number.isNaN(pid)) return false;
    try {
      const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
      // proc_pid_stat(5): after the name in brackets come state, parent, group and session.
      const [state, , , itsSession] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(itsSession) === session && state !== "Z" && state !== "X";
    } catch {
      return false;
    }
  });
}

/** The processes that a process has started and that have not ended. */
export function childrenOf(parent: number): number[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    try {
      const [, , , ppid] = /^(\d+) \((.*)\) \S (\d+)/s.exec(Deno.readTextFileSync(`/proc/${name}/stat`)) ?? [];
      return Number(ppid) === parent ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}
