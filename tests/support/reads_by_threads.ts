/**
 * True where threads read even the smallest files, as they read large ones: `deno task
 * test:threads` and `.ci/run` set it. A module of its own: that task runs the tests that import it.
 */
export const readsByThreads = Deno.env.get("STREAMLAB_READ_BY_THREADS") === "1";
