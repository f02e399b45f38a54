import { StreamlabError } from "../../core/base/errors.ts";
import { seededRandom } from "../../core/base/random.ts";
import type { Decision, Hook, Operation, Phase } from "./simulated_disk.ts";

/**
 * Stops the process that does operation number `index`, right before or after it; a power cut stops
 * all of them.
 */
export function stopAt(index: number, phase: Phase, how: "crash" | "power-cut" = "crash"): Hook {
  return (operation, now) => operation.index === index && now === phase ? { do: how } : undefined;
}

/** How likely each fault is for one operation, 0 to 1. */
export interface FaultChances {
  /** The process dies, before or after the operation. */
  crash?: number;
  /** An error: before (it did not happen) or after (it did). */
  fail?: number;
  /** A time-out of a change that happens later. */
  late?: number;
  /** A change is delivered twice. */
  twice?: number;
  delay?: number;
  /** The longest delay, and how late a late change may come. Default 10,000. */
  delayMsMax?: number;
}

const changes: ReadonlySet<Operation["name"]> = new Set(["write", "create", "putFile", "delete", "tell"]);

/** Faults at random, the same for the same seed. */
export function faultsBySeed(seed: number, chances: FaultChances): Hook {
  const random = seededRandom(seed);
  const delayMsMax = chances.delayMsMax ?? 10_000;
  const happens = (chance = 0) => random.next() < chance;
  return (operation, phase): Decision | undefined => {
    // Halved, for the question is asked twice for every operation.
    if (happens((chances.crash ?? 0) / 2)) return { do: "crash" };
    if (happens((chances.fail ?? 0) / 2)) return { do: "fail", error: unavailable(operation) };
    if (phase === "after") return undefined;
    if (happens(chances.delay)) return { do: "delay", ms: Math.floor(random.next() * delayMsMax) };
    if (!changes.has(operation.name)) return undefined;
    if (happens(chances.late)) return { do: "late", ms: Math.floor(random.next() * delayMsMax) };
    if (happens(chances.twice)) {
      return { do: "twice", ms: random.next() < 0.5 ? 0 : Math.floor(random.next() * delayMsMax) };
    }
    return undefined;
  };
}

/** What a network or a disk answers; whether the operation happened is not to be told from it. */
export function unavailable({ name, path }: Operation): StreamlabError {
  return new StreamlabError("unavailable", `Cannot ${name} "${path}": the connection was cut (simulated)`);
}
