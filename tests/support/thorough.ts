/**
 * True where a test takes the many runs that CI has time for, instead of the few of
 * `deno task test`: `deno task test:model` and `.ci/run` set it.
 */
export const isThorough = Deno.env.get("STREAMLAB_THOROUGH") === "1";

/**
 * True where threads read even the smallest files, as they read large ones: `deno task
 * test:threads` and `.ci/run` set it.
 */
export const readsByThreads = Deno.env.get("STREAMLAB_READ_BY_THREADS") === "1";
