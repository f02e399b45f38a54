/**
 * True where a test takes the many runs that CI has time for, instead of the few of
 * `deno task test`: `deno task test:model` and `.ci/run` set it.
 */
export const isThorough = Deno.env.get("STREAMLAB_THOROUGH") === "1";

/**
 * Of the places, seeds and examples that thorough tests take of a great many: `.ci/run` asks
 * for fewer on a machine that is slower than the one that their numbers are made for.
 */
const sampledShare = Number(Deno.env.get("STREAMLAB_SAMPLED_SHARE") ?? 1);

/** That part of a number of samples, and at least one. */
export function sampled(count: number): number {
  return Math.max(1, Math.ceil(count * sampledShare));
}

/**
 * True where threads read even the smallest files, as they read large ones: `deno task
 * test:threads` and `.ci/run` set it.
 */
export const readsByThreads = Deno.env.get("STREAMLAB_READ_BY_THREADS") === "1";
