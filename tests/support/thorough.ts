/**
 * True where a test takes the many runs that CI has time for, instead of the few of
 * `deno task test`: `deno task test:model` and `.ci/run` set it.
 */
export const isThorough = Deno.env.get("STREAMLAB_THOROUGH") === "1";
