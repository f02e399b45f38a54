import { badRequest } from "../http_refusal.ts";
import type { ConsoleCall } from "./console_call.ts";

/** Of UTC. */
const LENGTHS_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
const LAST_DEFAULT = 24;
const PERIODS_MAX = 400;

export type PeriodUnit = keyof typeof LENGTHS_MS;

/** Consecutive minutes, hours or days. */
export interface Periods {
  by: PeriodUnit;
  lengthMs: number;
  /** The first one begins then, and the last one ends before `toMs`: milliseconds since 1970. */
  fromMs: number;
  toMs: number;
}

/**
 * What `by`, `last`, `from` and `to` of an address ask for, of these units. Whole periods: those
 * that the bounds lie in are counted whole.
 */
export function periodsOf(call: ConsoleCall, units: readonly PeriodUnit[]): Periods {
  const asked = call.optional("by") ?? "hour";
  const by = units.find((unit) => unit === asked);
  if (by === undefined) throw badRequest(`Cannot read by: it is neither ${units.join(" nor ")}`);
  const lengthMs = LENGTHS_MS[by];
  const end = call.instant("to") ?? call.parts.clock.nowMs() + 1;
  const toMs = Math.ceil(end / lengthMs) * lengthMs;
  const last = call.count("last", LAST_DEFAULT, PERIODS_MAX);
  const begin = call.instant("from");
  const fromMs = begin === undefined ? toMs - last * lengthMs : Math.floor(begin / lengthMs) * lengthMs;
  const periods = (toMs - fromMs) / lengthMs;
  if (periods >= 1 && periods <= PERIODS_MAX) return { by, lengthMs, fromMs, toMs };
  throw badRequest(`Cannot answer for ${periods} periods: from 1 to ${PERIODS_MAX} can be asked for`);
}

/** When each begins, the oldest first, in milliseconds since 1970. */
export function beginningsOf({ lengthMs, fromMs, toMs }: Periods): number[] {
  return Array.from({ length: (toMs - fromMs) / lengthMs }, (_, index) => fromMs + index * lengthMs);
}
