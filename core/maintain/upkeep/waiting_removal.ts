import { filesOfRemoval, type StandingRemoval } from "../../lake/removal.ts";
import type { UpkeepPolicy } from "./policy.ts";

/** What a removal holds back, without the names of its files: these may be very many. */
export interface WaitingRemoval {
  id: string;
  table: string;
  released: boolean;
  /** When it was last written: by the store's clock, or of our own by this machine's. */
  sinceMs: number;
  files: number;
  bytes: number;
}

export function summaryOf({ removal, modifiedMs }: StandingRemoval): WaitingRemoval {
  const { id, table, released, bytes } = removal;
  return { id, table, released, sinceMs: modifiedMs, files: filesOfRemoval(removal), bytes };
}

/** Whether its readers are gone. */
export function isDue(
  { released, sinceMs }: WaitingRemoval,
  { graceMs }: Pick<UpkeepPolicy, "graceMs">,
  nowMs: number,
): boolean {
  return released && nowMs - sinceMs >= graceMs;
}
