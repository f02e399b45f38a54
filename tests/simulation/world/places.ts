import { seededRandom } from "../../../core/base/random.ts";
import { pointsOf, type Stage } from "./crash_walk.ts";
import type { CrashPoint } from "./life.ts";

/** Whether every place of every scenario is walked, which takes hours. */
export const isAll = Deno.env.get("STREAMLAB_SIMULATE_ALL") === "1";
/** Of a scenario, in CI: more are sampled, the others walked whole. */
export const PLACES_MAX = isAll ? Infinity : 280;

/** Where a run is cut short. */
export interface Place {
  stage: Stage;
  point: CrashPoint;
}

export function placesOf(stages: Stage[]): Place[] {
  return stages.flatMap((stage) => pointsOf(stage.operations).map((point) => ({ stage, point })));
}

/** At most so many, in their order; the same ones every time. */
export function sample<T>(all: readonly T[], max: number): readonly T[] {
  if (all.length <= max) return all;
  const random = seededRandom(all.length);
  const chosen = all.map((_item, index) => ({ index, rank: random.next() })).sort((a, b) => a.rank - b.rank);
  return chosen.slice(0, max).sort((a, b) => a.index - b.index).map(({ index }) => all[index]!);
}
