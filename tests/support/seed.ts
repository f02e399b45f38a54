import { type Random, seededRandom } from "../../core/base/random.ts";
import { say } from "./say.ts";

/** The seed that a failing run printed, to run the same again: STREAMLAB_SEED, for every test. */
export const wantedSeed = readSeed();

function readSeed(): number | undefined {
  const text = Deno.env.get("STREAMLAB_SEED");
  if (text === undefined || text === "") return undefined;
  if (!/^-?\d+$/.test(text)) throw new Error(`STREAMLAB_SEED must be a whole number, not "${text}"`);
  return Number(text);
}

export function seedHint(seed: number): string {
  return `STREAMLAB_SEED=${seed} runs it again`;
}

/**
 * Runs a test that does something at random. Its seed is the wanted one or a new one, and is
 * printed before it starts: a test that hangs or is killed has said it, too.
 */
export async function withSeed<T>(run: (random: Random) => Promise<T>): Promise<T> {
  const seed = wantedSeed ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
  say(seedHint(seed));
  try {
    return await run(seededRandom(seed));
  } catch (cause) {
    throw new Error(seedHint(seed), { cause });
  }
}
